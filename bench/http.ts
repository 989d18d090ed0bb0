/** One keep-alive connection that asks and reads, for the figures that are single requests. */

import { Agent, request as ask } from "node:http";
import { createServer } from "node:net";

export interface Reply {
  readonly status: number;
  readonly body: string;
}

const REQUEST_TIMEOUT_MS = 10_000;

export class Connection {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  /** Resolves when the body was read to its end; rejects on any network failure or after 10 s. */
  get(url: string): Promise<Reply> {
    return this.#ask("GET", url);
  }

  /** The same, with a body. */
  post(url: string, sent: string): Promise<Reply> {
    return this.#ask("POST", url, sent);
  }

  close(): void {
    this.#agent.destroy();
  }

  #ask(method: string, url: string, sent?: string): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const request = ask(url, { method, agent: this.#agent }, (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (text: string) => {
          body += text;
        });
        response.once("error", reject);
        response.once("end", () => resolve({ status: response.statusCode ?? 0, body }));
      });
      request.setTimeout(REQUEST_TIMEOUT_MS, () => request.destroy(new Error(`${url}: no answer in time`)));
      request.once("error", reject);
      request.end(sent);
    });
  }
}

/** A TCP port of the loopback that nothing listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (address && typeof address === "object" ? resolve(address.port) : reject(address)));
    });
  });
}

/** Calls `attempt` again and again until it returns a value; throws after `timeoutMs`. */
export async function until<T>(
  what: string,
  timeoutMs: number,
  pauseMs: number,
  attempt: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await attempt();
    if (value !== undefined) return value;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
