/** What the clients report a response to, so that it is passed on by way of Node's `http` server. */

import type { Dispatcher } from "undici";
import type { ResponseHead } from "../../scheduler/dispatch/response-head.ts";
import type { ConnectionLoss, ResponseSink } from "../../scheduler/dispatch/thread-client.ts";
import { endToEnd } from "./headers.ts";
import type { NodeExchange } from "./node-exchange.ts";

/** The older of undici's two interfaces: the newer one is an adapter over it that makes an object of the headers. */
export class UndiciHandler implements Dispatcher.DispatchHandler {
  readonly #exchange: NodeExchange;

  constructor(exchange: NodeExchange) {
    this.#exchange = exchange;
  }

  onConnect(): void {}

  onHeaders(status: number, raw: Buffer[], _resume: () => void, statusText: string): boolean {
    const headers = raw.map((bytes) => bytes.toString("latin1"));
    this.#exchange.begin(status, statusText, endToEnd(headers));
    return true;
  }

  onData(chunk: Buffer): boolean {
    this.#exchange.body(chunk);
    return true;
  }

  onComplete(): void {
    this.#exchange.end();
  }

  onError(error: Error): void {
    this.#exchange.fail(error);
  }
}

/** For dexter's own client. */
export class NodeSink implements ResponseSink {
  readonly #exchange: NodeExchange;

  constructor(exchange: NodeExchange) {
    this.#exchange = exchange;
  }

  onSent(): void {}

  onReadDone(): void {}

  onThreadDrain(): void {}

  onHead({ status, statusText, rawHeaders }: ResponseHead): void {
    this.#exchange.begin(status, statusText, rawHeaders);
  }

  onResponseBody(chunk: Buffer): boolean {
    this.#exchange.body(chunk);
    return false;
  }

  onEnd(): void {
    this.#exchange.end();
  }

  onLost({ error }: ConnectionLoss): void {
    this.#exchange.fail(error);
  }
}
