/** The calls that rule the node as a whole: status, reload, stop. */
import type { NodeStatus } from "../status/status.ts";
import { type AdminFeature, allow } from "./app.ts";
import { type Caller, permits } from "./caller.ts";

interface ControlActions {
  status(): NodeStatus;
  /** Reads the configuration again and restarts gracefully; rejects with what is wrong with it. */
  reload(): Promise<void>;
  /** Begins to stop; returns at once. */
  stop(graceful: boolean): void;
}

export const control =
  (actions: ControlActions): AdminFeature =>
  (app) => {
    app.get("/status", allow("read"), (c) => c.json(seenBy(c.get("caller"), actions.status())));
    app.post("/reload", allow("admin"), async (c) => {
      await actions.reload();
      return c.json({});
    });
    app.post("/stop", allow("admin"), (c) => {
      // Stopping ends this connection too, so the answer goes first.
      const graceful = c.req.query("now") === undefined;
      c.env.outgoing.once("finish", () => actions.stop(graceful));
      return c.json({}, 202);
    });
  };

/** The status without the functions, and the requests in them, that are none of the caller's business. */
export function seenBy(caller: Caller, status: NodeStatus): NodeStatus {
  const sees = (name: string) => permits(caller, "read", name);
  return {
    ...status,
    servers: status.servers.map((server) => ({
      ...server,
      threads: server.threads.filter((thread) => sees(thread.function)),
    })),
    functions: status.functions.filter(({ name }) => sees(name)),
  };
}
