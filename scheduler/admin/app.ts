/**
 * The admin API: what an operator asks of a running node, over HTTP. Features add their calls with `app.get`
 * and the like; each call says with `allow` who may make it. Who calls is told by the listener, before.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type * as z from "zod";
import { DexterError } from "../errors.ts";
import { type Caller, permits, type Scope } from "./caller.ts";

export interface AdminEnv {
  Bindings: { readonly incoming: IncomingMessage; readonly outgoing: ServerResponse };
  Variables: { caller: Caller };
}

export type AdminApp = Hono<AdminEnv>;
export type AdminContext = Context<AdminEnv>;

/** Adds the calls of one feature. */
export type AdminFeature = (app: AdminApp) => void;

export interface AdminPorts {
  /** Who makes the call. Throws a DexterError where nobody may. */
  identify(incoming: IncomingMessage): Caller;
  /** A call was refused, or failed for a reason that is a bug. */
  refused(incoming: IncomingMessage, error: Error): void;
}

/** The whole API, as one handler of requests. */
export function createAdmin(ports: AdminPorts, features: readonly AdminFeature[]): AdminApp {
  const app: AdminApp = new Hono<AdminEnv>();
  app.use(async (c, next) => {
    c.set("caller", ports.identify(c.env.incoming));
    await next();
  });
  app.notFound((c) => failure(c, new DexterError("NO_CALL", { method: c.req.method, path: c.req.path })));
  app.onError((error, c) => {
    const known = error instanceof DexterError || error instanceof HTTPException;
    if (!known || statusOf(error) < 500) ports.refused(c.env.incoming, error);
    return failure(c, error);
  });
  for (const add of features) add(app);
  return app;
}

/**
 * Lets only callers with this scope make the call; where the path has `:name`, only those who may for that
 * function.
 */
export function allow(scope: Scope): MiddlewareHandler<AdminEnv> {
  return async (c, next) => {
    const caller = c.get("caller");
    const name = c.req.param("name");
    if (!permits(caller, scope, name))
      throw new DexterError("FORBIDDEN", {
        who: caller.name,
        scope,
        what: name === undefined ? "" : ` on ${name}`,
      });
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
    throw new DexterError("CALL_INVALID", { reason: "the body is not JSON" });
  }
  const found = schema.safeParse(value);
  if (found.success) return found.data;
  const [issue] = found.error.issues;
  const where = issue!.path.join(".");
  throw new DexterError("CALL_INVALID", { reason: `${where === "" ? "body" : where}: ${issue!.message}` });
}

/** Errors that no client of a function ever sees have no status of their own: the request cannot be done. */
function statusOf(error: Error): number {
  if (error instanceof HTTPException) return error.status;
  if (!(error instanceof DexterError)) return 500;
  return error.status === 500 ? 422 : error.status;
}

function failure(c: AdminContext, error: Error): Response {
  const known = error instanceof DexterError || error instanceof HTTPException;
  const message = known ? error.message : `internal error: ${error.message}`;
  const code = error instanceof DexterError ? error.code : "INTERNAL";
  return c.json({ error: message, code }, statusOf(error) as ContentfulStatusCode);
}
