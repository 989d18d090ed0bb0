/**
 * A request that Node's `http` server has read, and its answer. A small answer leaves in one write here, too, so
 * that no way has less to do than another.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import { type Client, createClientResolver } from "../../scheduler/http/client-address.ts";
import { nextRequestId } from "../../scheduler/http/listener.ts";

const clientOf = createClientResolver([]);

export class NodeExchange {
  readonly request: IncomingMessage;
  readonly client: Client;
  readonly id = nextRequestId();
  readonly #response: ServerResponse;
  readonly #over: (exchange: NodeExchange) => void;
  /** The one that it was given. */
  thread = -1;
  #body = "";

  /** @param over called once, when the thread is free again */
  constructor(request: IncomingMessage, response: ServerResponse, over: (exchange: NodeExchange) => void) {
    this.request = request;
    this.#response = response;
    this.#over = over;
    this.client = clientOf(request.socket.remoteAddress, {
      host: request.headers.host ?? "",
      forwardedFor: undefined,
      forwardedProto: undefined,
      forwardedHost: undefined,
    });
  }

  /** @param headers names and values in turn */
  begin(status: number, statusText: string, headers: readonly string[]): void {
    this.#response.writeHead(status, statusText, headers as string[]);
  }

  body(chunk: Buffer): void {
    this.#body += chunk.toString("latin1");
  }

  end(): void {
    this.#response.end(this.#body, "latin1");
    this.#over(this);
  }

  /** The load generator counts it, and the run ends. */
  fail(error: Error): void {
    process.stderr.write(`${error.message}\n`);
    if (!this.#response.headersSent) this.#response.writeHead(502);
    this.#response.end();
    this.#over(this);
  }
}
