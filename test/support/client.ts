/** Requests through Node's own client, for tests to which the bytes do not matter. */
import { Agent, type IncomingHttpHeaders, request } from "node:http";
import type { TestContext } from "node:test";
import { cleanUp } from "./folder.ts";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** One request; rejects when the connection is refused or ends before the whole answer is there. */
export function httpGet(
  port: number,
  path: string,
  options: {
    method?: string;
    agent?: Agent;
    signal?: AbortSignal;
    headers?: Record<string, string>;
  } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request({ host: "127.0.0.1", port, path, agent: options.agent ?? false, ...options });
    call.on("error", reject);
    call.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (piece: string) => (text += piece));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, text }));
    });
    call.end();
  });
}

/** `count` keep-alive connections; closed with the test. */
export function connections(test: TestContext, count: number): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: count });
  cleanUp(test, () => agent.destroy());
  return agent;
}
