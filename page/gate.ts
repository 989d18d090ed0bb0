/** Asks for the token. It is kept for this tab alone, and only in it. */
import { byId } from "./dom.ts";

const KEY = "dexter-token";

export class TokenGate {
  readonly #section = byId("gate");
  readonly #input = byId<HTMLInputElement>("token");
  readonly #error = byId("gate-error");

  /** @param given somebody has entered one */
  constructor(given: (token: string) => void) {
    byId("gate-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const token = this.#input.value.trim();
      if (token === "") return;
      this.#error.textContent = "";
      given(token);
    });
  }

  get kept(): string | undefined {
    return sessionStorage.getItem(KEY) ?? undefined;
  }

  keep(token: string): void {
    sessionStorage.setItem(KEY, token);
    this.#input.value = "";
    if (this.#section.hidden) return;
    this.#section.hidden = true;
    // What had the focus is gone.
    byId("totals-title").focus();
  }

  /** @param reason why the one before does not do */
  open(reason = ""): void {
    sessionStorage.removeItem(KEY);
    this.say(reason);
    this.#input.value = "";
    this.#section.hidden = false;
    this.#input.focus();
  }

  say(reason: string): void {
    this.#section.hidden = false;
    this.#error.textContent = reason;
  }
}
