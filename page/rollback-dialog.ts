/** Asks before a rollback, does it, and says what came of it. */
import { byId } from "./dom.ts";
import { moment } from "./format.ts";
import type { NodeCalls } from "./node-calls.ts";
import type { Deploy } from "./wire.ts";

export class RollbackDialog {
  readonly #dialog = byId<HTMLDialogElement>("rollback");
  readonly #yes = byId<HTMLButtonElement>("rollback-yes");
  readonly #error = byId("rollback-error");
  #accept: () => Promise<void> = async () => {};

  constructor() {
    byId("rollback-no").addEventListener("click", () => this.#dialog.close());
    this.#yes.addEventListener("click", () => void this.#do());
  }

  ask({ function: name, version, at }: Deploy, calls: NodeCalls): void {
    byId("rollback-title").textContent = `Roll ${name} back?`;
    byId("rollback-text").textContent =
      `Version ${version}, live from ${moment(at)}, has to prove itself, and then gets all new requests. ` +
      "Requests in progress finish where they are.";
    this.#error.textContent = "";
    this.#accept = async () => {
      await calls.rollback(name, version);
      this.#tell(`${name} is back at version ${version}.`);
    };
    this.#dialog.showModal();
  }

  async #do(): Promise<void> {
    this.#yes.disabled = true;
    this.#error.textContent = "";
    try {
      await this.#accept();
      this.#dialog.close();
      // The button that was pressed is gone with what it was for.
      byId("deploys-title").focus();
    } catch (error) {
      this.#error.textContent = `Nothing was changed: ${(error as Error).message}`;
    } finally {
      this.#yes.disabled = false;
    }
  }

  #tell(text: string): void {
    const outcome = byId("outcome");
    outcome.hidden = false;
    outcome.textContent = text;
  }
}
