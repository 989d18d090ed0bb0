/** The call for Prometheus. */
import { CONTENT_TYPE } from "../metrics/exposition.ts";
import { type AdminFeature, allow } from "./app.ts";

export const metrics =
  (render: () => string): AdminFeature =>
  (app) => {
    app.get("/metrics", allow("read"), (c) => c.body(render(), 200, { "Content-Type": CONTENT_TYPE }));
  };
