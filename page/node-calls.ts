/** Calls to the node, with the token in a header: never in an address, which histories and logs keep. */
import type { CallerAnswer } from "./wire.ts";

/** The node's answer to a call that it does not do. */
export class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }

  /** Whether another token is needed. */
  get isOfToken(): boolean {
    return [401, 403, 421, 429].includes(this.status);
  }
}

export class NodeCalls {
  readonly #token: string;

  constructor(token: string) {
    this.#token = token;
  }

  /** Throws Refused, or TypeError where nobody answers. */
  async get(path: string, signal?: AbortSignal): Promise<Response> {
    return this.#call(path, { ...(signal && { signal }) });
  }

  async caller(): Promise<CallerAnswer> {
    return (await (await this.get("caller")).json()) as CallerAnswer;
  }

  /** @returns what was live before, if it was another version */
  async rollback(name: string, version: string): Promise<void> {
    await this.#call(`functions/${encodeURIComponent(name)}/rollback`, {
      method: "POST",
      body: JSON.stringify({ version }),
    });
  }

  async #call(path: string, init: RequestInit): Promise<Response> {
    const headers = { Authorization: `Bearer ${this.#token}` };
    const response = await fetch(path, {
      ...init,
      headers,
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
    });
    if (response.ok) return response;
    const text = await response.text();
    throw new Refused(response.status, messageIn(text) ?? `the node answered ${response.status}`);
  }
}

function messageIn(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    return typeof error === "string" ? error : undefined;
  } catch {
    return undefined;
  }
}
