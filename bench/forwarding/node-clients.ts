/** The ways to ask a thread behind Node's `http` server. Requests have no body: small ones are what is measured. */

import { Agent, request as ask, type IncomingMessage } from "node:http";
import { Client as UndiciClient } from "undici";
import { renderRequestHead } from "../../scheduler/dispatch/head.ts";
import { ThreadClient } from "../../scheduler/dispatch/thread-client.ts";
import { renderForwarded } from "../../scheduler/http/forwarded.ts";
import { CF_JSON, endToEnd, headersToThread, TRACEPARENT } from "./headers.ts";
import { NodeSink, UndiciHandler } from "./node-answers.ts";
import type { NodeExchange } from "./node-exchange.ts";
import type { Way } from "./ways.ts";

/** Forwards over one thread's socket. */
export type Forward = (exchange: NodeExchange) => void;

export const nodeClients: Readonly<Record<Way["client"], (socketPath: string) => Forward>> = {
  agent(socketPath) {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    return (exchange) => {
      const { method, url, rawHeaders } = exchange.request;
      const headers = headersToThread(rawHeaders, exchange.client, exchange.id);
      const options = { socketPath, agent, method: method!, path: url!, headers };
      const request = ask(options, (response) => passOn(response, exchange));
      request.once("error", (error) => exchange.fail(error));
      request.end();
    };
  },

  undici(socketPath) {
    const client = new UndiciClient("http://localhost", { socketPath, pipelining: 1 });
    return (exchange) => {
      const { method, url, rawHeaders } = exchange.request;
      const headers = headersToThread(rawHeaders, exchange.client, exchange.id);
      client.dispatch({ method: method as "GET", path: url!, headers }, new UndiciHandler(exchange));
    };
  },

  own(socketPath) {
    const client = new ThreadClient(socketPath);
    return (exchange) => {
      const { request, client: asking, id } = exchange;
      const { method = "", url = "", rawHeaders } = request;
      const text = renderRequestHead({
        method,
        facts: { path: url, host: asking.host, upgrade: false, framing: "none" },
        forwarded: renderForwarded(rawHeaders, { connectionNames: undefined, traceparent: undefined }, false),
        client: asking,
        requestId: id,
        traceparent: TRACEPARENT,
        cfJson: CF_JSON,
      });
      const about = { upgrade: false, body: false };
      client.connection(performance.now()).send(method, text, about, new NodeSink(exchange));
    };
  },
};

function passOn(response: IncomingMessage, exchange: NodeExchange): void {
  exchange.begin(response.statusCode!, response.statusMessage!, endToEnd(response.rawHeaders));
  response.on("data", (chunk: Buffer) => exchange.body(chunk));
  response.once("end", () => exchange.end());
}
