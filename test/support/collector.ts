/** A collector of traces for tests: takes what is posted, and answers as the test says. */
import assert from "node:assert/strict";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { cleanUp } from "./folder.ts";

// biome-ignore lint/suspicious/noExplicitAny: tests read whatever field they are about
type Json = any;

export interface Posted {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Json;
}

export interface Collector {
  readonly url: string;
  readonly posted: Posted[];
  /** Of all that was posted. */
  spans(): Json[];
}

/** @param answer the status for the nth post, from 1 on; 0 for none at all */
export async function startCollector(
  test: TestContext,
  answer: (count: number) => number = () => 200,
): Promise<Collector> {
  const posted: Posted[] = [];
  const server = createServer(async (request, response) => {
    const pieces = await request.toArray();
    const body: Json = JSON.parse(Buffer.concat(pieces).toString("utf8"));
    assert.equal(request.method, "POST");
    assert.equal(request.headers["content-type"], "application/json");
    posted.push({ path: request.url!, headers: request.headers, body });
    const status = answer(posted.length);
    if (status !== 0) response.writeHead(status, { "content-type": "application/json" }).end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanUp(test, () => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    posted,
    spans: () => posted.flatMap(({ body }) => body.resourceSpans[0].scopeSpans[0].spans),
  };
}

/** The attributes of a span or resource as an object. */
export function attributesOf({ attributes }: Json): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }: Json) => [key, Object.values(value)[0]]));
}
