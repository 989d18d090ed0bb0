/** The calls that rule the node as a whole: status, reload, stop. */
import type { NodeStatus } from "../status.ts";
import { type AdminFeature, allow } from "./app.ts";

export interface ControlActions {
  status(): NodeStatus;
  /** Reads the configuration again and restarts gracefully; rejects with what is wrong with it. */
  reload(): Promise<void>;
  /** Begins to stop; returns at once. */
  stop(graceful: boolean): void;
}

export const control =
  (actions: ControlActions): AdminFeature =>
  (app) => {
    app.get("/status", allow("read"), (c) => c.json(actions.status()));
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
