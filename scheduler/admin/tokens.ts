/** The calls about tokens, for whoever rules the node. */
import type { Socket } from "node:net";
import { type AdminFeature, allow, readJson } from "./app.ts";
import { tokenRequest } from "./token-request.ts";
import type { TokenStore } from "./token-store.ts";

interface TokenActions {
  /** Ends the connections that a token which is no more has opened, but for the one that is yet to be answered. */
  cut(tokenId: string, except: Socket): void;
  /** For the log: who created or revoked which. */
  changed(what: "created" | "revoked", token: string, by: string): void;
}

export const tokens =
  (store: TokenStore, actions: TokenActions): AdminFeature =>
  (app) => {
    app.get("/tokens", allow("admin"), (c) => c.json({ tokens: store.list() }));
    app.post("/tokens", allow("admin"), async (c) => {
      const { token, info } = await store.create(await readJson(c, tokenRequest));
      actions.changed("created", `${info.name} (${info.id})`, c.get("caller").name);
      return c.json({ token, ...info }, 201);
    });
    app.delete("/tokens/:id", allow("admin"), async (c) => {
      const info = await store.revoke(c.req.param("id"));
      actions.cut(info.id, c.env.incoming.socket);
      actions.changed("revoked", `${info.name} (${info.id})`, c.get("caller").name);
      return c.json(info);
    });
  };
