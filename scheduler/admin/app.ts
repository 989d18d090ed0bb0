/**
 * The admin API: what an operator asks of a running node, over HTTP. Features add their calls with `app.get`
 * and the like; each call says with `allow` who may make it. Who calls is told by the listener, before.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type * as z from "zod";
import { DexterError } from "../errors.ts";
import { answerOf } from "./answer.ts";
import { type BodyLimit, limitBody, SMALL_BODY } from "./body.ts";
import { type Caller, permits, type Scope } from "./caller.ts";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

interface AdminEnv {
  Bindings: { readonly incoming: IncomingMessage; readonly outgoing: ServerResponse };
  Variables: { caller: Caller };
}

export type AdminApp = Hono<AdminEnv>;
export type AdminContext = Context<AdminEnv>;

/** Adds the calls of one feature. */
export type AdminFeature = (app: AdminApp) => void;

interface AdminPorts {
  /** Who makes the call. Throws a DexterError where nobody may. */
  identify(incoming: IncomingMessage): Caller;
  /** A call was refused, or the node failed to do it. There is no caller if nobody may make it. */
  failed(incoming: IncomingMessage, error: Error, caller?: Caller): void;
}

/** The whole API, as one handler of requests. */
export function createAdmin(ports: AdminPorts, features: readonly AdminFeature[]): AdminApp {
  const app: AdminApp = new Hono<AdminEnv>();
  app.use(async (c, next) => {
    // Answers tell the state of a node, and one holds a new token: no cache and no page of another site gets them.
    c.header("Cache-Control", "no-store");
    c.header("X-Content-Type-Options", "nosniff");
    c.set("caller", ports.identify(c.env.incoming));
    await next();
  });
  app.notFound((c) => {
    throw noCall(app, c);
  });
  app.onError((error, c) => {
    ports.failed(c.env.incoming, error, c.get("caller"));
    return failure(c, error);
  });
  for (const add of features) add(app);
  return app;
}

/**
 * Lets only callers with this scope make the call; where the path has `:name`, only those who may for that
 * function. Holds the body to a limit, for a handler that reads it through `c.req`.
 */
export function allow(scope: Scope, body: BodyLimit = SMALL_BODY): MiddlewareHandler<AdminEnv> {
  return async (c, next) => {
    const caller = c.get("caller");
    const name = c.req.param("name");
    if (!permits(caller, scope, name))
      throw new DexterError("FORBIDDEN", {
        who: caller.name,
        scope,
        what: name === undefined ? "" : ` on ${name}`,
      });
    limitBody(c, body);
    await next();
  };
}

/** The call's JSON body; an empty one is `{}`. Throws CALL_INVALID. */
export async function readJson<T extends z.ZodType>(c: AdminContext, schema: T): Promise<z.output<T>> {
  const text = await c.req.text();
  let value: unknown = {};
  try {
    if (text !== "") value = JSON.parse(text);
  } catch {
    throw new DexterError("CALL_INVALID", { part: "body", reason: "must be JSON" });
  }
  return checked(schema, value);
}

/** @throws CALL_INVALID, with what is wrong and where */
export function checked<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const found = schema.safeParse(value);
  if (found.success) return found.data;
  const [issue] = found.error.issues;
  throw new DexterError("CALL_INVALID", { part: issue!.path.join(".") || "body", reason: issue!.message });
}

/** There is no such call: not at all, or not with this method. */
function noCall(app: AdminApp, c: AdminContext): DexterError {
  const { method, path } = c.req;
  // What is there for all methods are the steps before every call.
  const isCall = (one: string) => app.router.match(one, path)[0].some(([[, route]]) => route.method === one);
  const allowed = METHODS.filter(isCall).join(", ");
  return allowed === ""
    ? new DexterError("NO_CALL", { method, path })
    : new DexterError("METHOD_NOT_ALLOWED", { method, path, allowed });
}

function failure(c: AdminContext, error: Error): Response {
  const { status, headers, body } = answerOf(error);
  return c.json(body, status as ContentfulStatusCode, headers);
}
