/** The call for Prometheus. */
import { CONTENT_TYPE } from "../metrics/exposition.ts";
import { type AdminFeature, allow } from "./app.ts";
import { permits } from "./caller.ts";

export const metrics =
  (render: (sees: (functionName: string) => boolean) => string): AdminFeature =>
  (app) => {
    app.get("/metrics", allow("read"), (c) => {
      const text = render((name) => permits(c.get("caller"), "read", name));
      return c.body(text, 200, { "Content-Type": CONTENT_TYPE });
    });
  };
