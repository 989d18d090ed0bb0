/** `GET /tail`: what happens, as it happens, a JSON object a line until the caller leaves or the node stops. */
import { DexterError } from "../errors.ts";
import type { Follower } from "../logs/follower.ts";
import type { Followers } from "../logs/followers.ts";
import { parseTailFilter, type TailQuery } from "../logs/tail-filter.ts";
import { type AdminFeature, allow } from "./app.ts";
import { type Caller, permits } from "./caller.ts";

interface TailActions {
  readonly followers: Followers;
  hasFunction(name: string): boolean;
}

const KEYS = ["function", "status", "method", "sample", "text"] as const;

const HEADERS = { "content-type": "application/x-ndjson; charset=utf-8", "cache-control": "no-store" };

export const tail =
  ({ followers, hasFunction }: TailActions): AdminFeature =>
  (app) => {
    app.get("/tail", allow("read"), (c) => {
      const query: TailQuery = Object.fromEntries(KEYS.map((key) => [key, c.req.query(key)]));
      const caller = c.get("caller");
      checkFunction(query.function, caller);
      const filter = parseTailFilter(query, caller.functions);
      if (query.function !== undefined && !hasFunction(query.function))
        throw new DexterError("UNKNOWN_FUNCTION", { name: query.function });
      const follower = followers.follow(filter);
      c.env.outgoing.once("close", () => follower.leave());
      return c.body(streamOf(follower), 200, HEADERS);
    });
  };

/** Throws FORBIDDEN. */
function checkFunction(name: string | undefined, caller: Caller): void {
  if (name === undefined || permits(caller, "read", name)) return;
  throw new DexterError("FORBIDDEN", { who: caller.name, scope: "read", what: ` on ${name}` });
}

/** Takes from the follower as fast as the caller reads, and no faster. */
function streamOf(follower: Follower): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const text = await follower.take();
        if (text === undefined) controller.close();
        else controller.enqueue(Buffer.from(text));
      },
      cancel: () => follower.leave(),
    },
    { highWaterMark: 0 },
  );
}
