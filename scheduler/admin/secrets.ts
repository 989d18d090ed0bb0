/** The calls about secrets: set, list their names, delete. No call gives a value back. */
import { DexterError } from "../errors.ts";
import type { SecretChanges } from "../secrets/changes.ts";
import { type AdminFeature, allow } from "./app.ts";

/** @param changes undefined where secrets do not count: in dev */
export const secrets =
  (changes: SecretChanges | undefined): AdminFeature =>
  (app) => {
    const here = () => {
      if (changes === undefined) throw new DexterError("SECRETS_IN_DEV");
      return changes;
    };
    app.get("/functions/:name/secrets", allow("read"), async (c) =>
      c.json(await here().list(c.req.param("name"))),
    );
    app.put("/functions/:name/secrets/:key", allow("deploy"), async (c) => {
      const { name, key } = c.req.param();
      const value = textOf(key, await c.req.arrayBuffer());
      return c.json(await here().put(name, key, value, c.get("caller").name));
    });
    app.delete("/functions/:name/secrets/:key", allow("deploy"), async (c) => {
      const { name, key } = c.req.param();
      return c.json(await here().delete(name, key));
    });
  };

/** In `env` it is a string. Throws SECRET_VALUE. */
function textOf(name: string, bytes: ArrayBuffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new DexterError("SECRET_VALUE", {
      name,
      reason: "is not text in UTF-8; encode it, for example in base64",
    });
  }
}
