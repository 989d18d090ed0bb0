/** A request that dexter's listener has read, and its answer: what an exchange does for a small one, no more. */

import assert from "node:assert/strict";
import { renderRequestHead } from "../../scheduler/dispatch/head.ts";
import type { ResponseHead } from "../../scheduler/dispatch/response-head.ts";
import type { ConnectionLoss, ResponseSink, ThreadClient } from "../../scheduler/dispatch/thread-client.ts";
import type { ClientRequest, RequestSink } from "../../scheduler/http/client-request.ts";
import { dateLine } from "../../scheduler/http/date-line.ts";
import type { RequestContext } from "../../scheduler/http/listener.ts";
import { CF_JSON, TRACEPARENT } from "./headers.ts";

export class OwnExchange implements ResponseSink, RequestSink {
  readonly #request: ClientRequest;
  readonly #context: RequestContext;
  readonly #over: (exchange: OwnExchange) => void;
  /** The one that it was given. */
  thread = -1;
  #body = "";
  #closed = false;

  /** @param over called once, when the thread is free again */
  constructor(request: ClientRequest, context: RequestContext, over: (exchange: OwnExchange) => void) {
    this.#request = request;
    this.#context = context;
    this.#over = over;
    request.sink = this;
  }

  start(client: ThreadClient): void {
    const { method, head } = this.#request;
    const text = renderRequestHead({
      method,
      facts: head.facts,
      forwarded: head.block.forwarded(false),
      client: this.#context.client,
      requestId: this.#context.id,
      traceparent: TRACEPARENT,
      cfJson: CF_JSON,
    });
    client.connection(performance.now()).send(method, text, { upgrade: false, body: false }, this);
  }

  onHead({ status, lines, bodyKind }: ResponseHead): void {
    assert(bodyKind === "length", "the handler's answer has a length");
    this.#request.begin(status, `${lines}${dateLine()}`, "length");
  }

  onResponseBody(chunk: Buffer): boolean {
    this.#body += chunk.toString("latin1");
    return false;
  }

  onEnd(): void {
    if (!this.#closed) this.#request.end(this.#body);
    this.#over(this);
  }

  /** The load generator counts it, and the run ends. */
  onLost({ error }: ConnectionLoss): void {
    process.stderr.write(`${error.message}\n`);
    if (!this.#closed) this.#request.answer(502, "", "");
    this.#over(this);
  }

  /** The thread answers all the same, to nobody. */
  onClosed(): void {
    this.#closed = true;
  }

  onSent(): void {}

  onReadDone(): void {}

  onThreadDrain(): void {}

  onBody(): boolean {
    return false;
  }

  onBodyEnd(): void {}

  onDrain(): void {}
}
