/**
 * The main module of every isolate. It imports the user's bundle, re-exports all of it, and wraps the
 * default export so that
 * - an exception becomes a marked response, which the scheduler renders and logs;
 * - console lines know their request;
 * - work handed to `ctx.waitUntil` is counted, so that a thread retires only when it is done.
 */
import { WorkerEntrypoint } from "cloudflare:workers";
import { runFor } from "./dexter-console.js";
import "./dexter-fetch.js";
import { concurrent } from "./dexter-thread.js";
import { inTurn } from "./dexter-turn.js";
import * as user from "./dexter-user.js";
import { EXCEPTION_HEADER, type ExceptionReport } from "./protocol.ts";

export * from "./dexter-user.js";

/** How long a retiring thread waits for `waitUntil` work: what Workers allow. */
const WAIT_UNTIL_LIMIT_MS = 30_000;

let pending = 0;

function track(promise: Promise<unknown>): void {
  pending++;
  const done = () => void pending--;
  promise.then(done, done);
}

/** Anything may be thrown, also what cannot be made a string. */
function shown(value: unknown): string {
  try {
    return String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}

/** Causes are followed so far: they may go round in a circle. */
const MOST_CAUSES = 10;

/** Everything about an error may have been replaced, also by what is no string. */
function report(error: unknown, causes = MOST_CAUSES): ExceptionReport {
  if (!(error instanceof Error)) return { name: "", message: `thrown: ${shown(error)}`, stack: "" };
  return {
    name: shown(error.name),
    message: shown(error.message),
    stack: typeof error.stack === "string" ? error.stack : "",
    ...(error.cause === undefined || causes === 0 ? {} : { cause: report(error.cause, causes - 1) }),
  };
}

function exceptionResponse(error: unknown): Response {
  let told: ExceptionReport;
  try {
    told = report(error);
  } catch {
    told = { name: "Error", message: "the exception throws when it is looked at", stack: "" };
  }
  return Response.json(told, { status: 500, headers: { [EXCEPTION_HEADER]: "1" } });
}

function checked(response: unknown): Response {
  if (response instanceof Response) return response;
  const what = response === undefined ? "undefined" : Object.prototype.toString.call(response);
  return exceptionResponse(new TypeError(`fetch() must return a Response, but it returned ${what}`));
}

type Ctx = ExecutionContext;
type Fetch = (request: Request, env: unknown, ctx: Ctx) => unknown;

let counts = false;

/** Once an isolate, on the class of all contexts: for each request it would cost as much as a small handler. */
function countWaitUntil(ctx: Ctx): void {
  counts = true;
  const contexts = Object.getPrototypeOf(ctx) as Ctx;
  const original = contexts.waitUntil;
  contexts.waitUntil = function waitUntil(promise) {
    // Once only: a thenable may begin its work each time that it is asked for the outcome.
    const work = Promise.resolve(promise);
    original.call(this, work);
    track(work);
  };
}

/** Runs one request of the user's handler, when it is its turn. The promise never rejects. */
function serve(call: () => unknown, request: Request, ctx: Ctx): Promise<Response> | Response {
  if (!counts) countWaitUntil(ctx);
  return concurrent ? answered(call, request) : inTurn(request, () => answered(call, request));
}

function answered(call: () => unknown, request: Request): Promise<Response> | Response {
  try {
    const result = runFor(request, call);
    if (result instanceof Response) return result;
    return Promise.resolve(result).then(checked, exceptionResponse);
  } catch (error) {
    return exceptionResponse(error);
  }
}

type EntrypointClass = new (
  ctx: Ctx,
  env: unknown,
) => WorkerEntrypoint & { fetch(request: Request): unknown };

function wrapClass(base: EntrypointClass): EntrypointClass {
  const wrapped = class extends base {
    // The user's class may have a field of its own named ctx.
    readonly #ctx: Ctx;

    constructor(ctx: Ctx, env: unknown) {
      super(ctx, env);
      this.#ctx = ctx;
      if (!Object.hasOwn(this, "fetch")) return;
      const own: (...args: [Request]) => unknown = this.fetch;
      const value = (...args: [Request]) => serve(() => own.apply(this, args), args[0], ctx);
      Object.defineProperty(this, "fetch", { value });
    }

    override fetch(...args: [Request]) {
      return serve(() => super.fetch(...args), args[0], this.#ctx);
    }
  };
  return Object.defineProperty(wrapped, "name", { value: base.name });
}

function wrapObject(handler: Record<string, unknown> & { fetch: Fetch }) {
  const fetch = (request: Request, env: unknown, ctx: Ctx) =>
    serve(() => handler.fetch(request, env, ctx), request, ctx);
  // Defined, not assigned: the handler's own may be read-only or have no setter.
  return Object.create(handler, { fetch: { value: fetch } });
}

const given = (user as { default?: unknown }).default;

function problem(): string | undefined {
  if (given === undefined) return "it has no default export; write `export default { fetch(request) { … } }`";
  if (typeof given === "function") {
    // The handler of a WorkerEntrypoint may also be a field, which only an instance has.
    if (typeof given.prototype?.fetch === "function" || given.prototype instanceof WorkerEntrypoint)
      return undefined;
    return "its default export is a function without a fetch method; export an object with fetch(), or a class";
  }
  if (typeof (given as { fetch?: unknown } | null)?.fetch === "function") return undefined;
  return "its default export has no fetch() handler";
}

const unusable = problem();

export default unusable
  ? { fetch: () => exceptionResponse(new TypeError(unusable)) }
  : typeof given === "function"
    ? wrapClass(given as EntrypointClass)
    : wrapObject(given as never);

/** The host worker's way in, by RPC. */
export class DexterThread extends WorkerEntrypoint {
  /** Says why the function cannot serve, or nothing. Returning at all shows that its modules have run. */
  ready(): string | undefined {
    return unusable;
  }

  /** Resolves when no `waitUntil` work is left, or after the limit. */
  async settled(): Promise<void> {
    for (let waited = 0; pending > 0 && waited < WAIT_UNTIL_LIMIT_MS; waited += 20) await scheduler.wait(20);
  }

  /** Ends the isolate; the caller sees an error instead of an answer. */
  async abort(): Promise<void> {
    const { abortIsolate } = (await import("cloudflare:workers")) as unknown as { abortIsolate(): never };
    abortIsolate();
  }
}
