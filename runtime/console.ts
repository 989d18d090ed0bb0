/**
 * Marks every console line with the thread and the request it belongs to, so that the scheduler, which
 * reads the server's output, can name function and request. Imported before the user's modules, so
 * that what they print while loading is marked too.
 *
 * The mark is `\u0001<thread>\u0002<request id>\u0003`; the scheduler strips it. It goes in front of the first
 * argument when that is a string, to keep its format specifiers (`%s`) working; otherwise it is an
 * argument of its own, which ends with `\u0004` because a space follows.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { concurrent, thread } from "./dexter-thread.js";
import { REQUEST_ID_HEADER } from "./protocol.ts";

/** Following each request through its asynchronous code costs 3 µs: only where there are several at once. */
const requests = concurrent ? new AsyncLocalStorage<Request>() : undefined;
/** What a request's `waitUntil` work prints once another has begun is taken for the other's. */
let latest: Request | undefined;

/** Runs a request's handler; what it prints is the request's. */
export function runFor<R>(request: Request, call: () => R): R {
  if (requests) return requests.run(request, call);
  latest = request;
  return call();
}

/** The request whose handler runs now; undefined while modules are loaded. */
export function incoming(): Request | undefined {
  return requests ? requests.getStore() : latest;
}

function requestId(): string {
  return incoming()?.headers.get(REQUEST_ID_HEADER) ?? "";
}

for (const method of ["debug", "error", "info", "log", "trace", "warn"] as const) {
  const write = console[method].bind(console);
  console[method] = (...args: unknown[]) => {
    const mark = `\u0001${thread}\u0002${requestId()}`;
    if (typeof args[0] === "string") args[0] = `${mark}\u0003${args[0]}`;
    else args.unshift(`${mark}\u0004`);
    write(...args);
  };
}
