/** The calls for what watches over the node: is it alive, and should it get requests. */
import type { AdminFeature } from "./app.ts";

/**
 * What may be called without a token, and by any name: programs that probe have no token, and know the node by an
 * address of their own, such as a pod's. They learn yes or no.
 */
export const PROBE_PATHS: readonly string[] = ["/healthz", "/readyz"];

export interface Readiness {
  readonly stopping: boolean;
  readonly listening: boolean;
  /** A server takes requests and answers its probes. */
  readonly responsive: boolean;
}

/** Why the node should get no requests; undefined when it should. */
function whyNotReady({ stopping, listening, responsive }: Readiness): string | undefined {
  if (stopping) return "dexter is stopping";
  if (!listening) return "no listener is open";
  return responsive ? undefined : "no server answers";
}

export const health =
  (readiness: () => Readiness): AdminFeature =>
  (app) => {
    // That it is answered at all says that the event loop goes round.
    app.get("/healthz", (c) => c.json({ alive: true }));
    app.get("/readyz", (c) => {
      const reason = whyNotReady(readiness());
      return reason === undefined ? c.json({ ready: true }) : c.json({ ready: false, reason }, 503);
    });
  };
