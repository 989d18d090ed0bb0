/** The calls about functions and their versions: deploy, roll back, list, delete. */
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import * as z from "zod";
import type { Deployments } from "../deploy/deployments.ts";
import { DexterError } from "../errors.ts";
import type { CanarySettings } from "../policy/canary.ts";
import type { FunctionStatus } from "../status/status.ts";
import { unpack } from "../versions/package.ts";
import { type AdminContext, type AdminFeature, allow, checked, readJson } from "./app.ts";
import { UPLOAD } from "./body.ts";
import { permits } from "./caller.ts";
import { canaryRequest } from "./canary-request.ts";

const MAX_UNPACKED_BYTES = 128 << 20;

interface DeployActions {
  readonly deployments: Deployments;
  functions(): readonly FunctionStatus[];
  /** `canary_window`. */
  windowMs(): number;
}

/** One function of `GET /functions`. */
export interface ListedFunction extends FunctionStatus {
  /** Whether it was deployed, or is the project's own. */
  readonly deployed: boolean;
  /** When its live version became live, and by whom; absent for the project's own. */
  readonly at?: string;
  readonly by?: string;
}

export const deploys =
  ({ deployments, functions, windowMs }: DeployActions): AdminFeature =>
  (app) => {
    app.get("/functions", allow("read"), (c) => {
      const seen = functions().filter(({ name }) => permits(c.get("caller"), "read", name));
      return c.json(seen.map((fn): ListedFunction => ({ ...fn, ...originOf(deployments, fn.name) })));
    });
    app.delete("/functions/:name", allow("deploy"), async (c) =>
      c.json(await deployments.remove(c.req.param("name"))),
    );
    app.get("/functions/:name/versions", allow("read"), async (c) =>
      c.json(await deployments.versions(c.req.param("name"))),
    );
    app.post("/functions/:name/versions", allow("deploy", UPLOAD), async (c) => {
      const body = Buffer.from(await c.req.arrayBuffer());
      checkDigest(body, c.req.header("content-digest"));
      const given = unpack(await unzipped(body));
      const name = c.req.param("name");
      if (given.settings.name !== name)
        throw new DexterError("PACKAGE_INVALID", {
          reason: `it is of ${given.settings.name}, not of ${name}`,
        });
      const dryRun = c.req.query("dry-run") !== undefined;
      const canary = canaryAsked(c, windowMs());
      const options = { by: c.get("caller").name, dryRun, ...(canary ? { canary } : {}) };
      return c.json(await deployments.deploy(given, options));
    });
    app.post("/functions/:name/promote", allow("deploy"), async (c) =>
      c.json(await deployments.promote(c.req.param("name"), c.get("caller").name)),
    );
    app.post("/functions/:name/rollback", allow("deploy"), async (c) => {
      const { version } = await readJson(c, rollbackSchema);
      return c.json(await deployments.rollback(c.req.param("name"), version, c.get("caller").name));
    });
  };

/** From `?canary=10&window=600000&sticky=cookie:session`. Throws CALL_INVALID. */
function canaryAsked(c: AdminContext, defaultWindowMs: number): CanarySettings | undefined {
  if (c.req.query("canary") === undefined) return undefined;
  const { canary: percent, window, sticky } = checked(canaryRequest, c.req.query());
  const settings = { percent, windowMs: window ?? defaultWindowMs };
  if (sticky === undefined) return settings;
  const name = sticky.slice("header:".length);
  // Names of headers have no case.
  return sticky.startsWith("header")
    ? { ...settings, sticky: { from: "header", name: name.toLowerCase() } }
    : { ...settings, sticky: { from: "cookie", name } };
}

const rollbackSchema = z.strictObject({ version: z.string().optional() });

function originOf(deployments: Deployments, name: string): Pick<ListedFunction, "deployed" | "at" | "by"> {
  const [latest] = deployments.pointer(name)?.changes ?? [];
  return latest ? { deployed: true, at: latest.at, by: latest.by } : { deployed: false };
}

/** RFC 9530; an upload without it is checked by the version's id all the same. Throws DIGEST_WRONG. */
function checkDigest(body: Buffer, header: string | undefined): void {
  const claimed = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]+):/.exec(header ?? "")?.[1];
  if (claimed === undefined) return;
  const found = createHash("sha256").update(body).digest("base64");
  if (found !== claimed) throw new DexterError("DIGEST_WRONG", { claimed, found });
}

const unzip = promisify(gunzip);

async function unzipped(body: Buffer): Promise<string> {
  try {
    return (await unzip(body, { maxOutputLength: MAX_UNPACKED_BYTES })).toString();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ERR_BUFFER_TOO_LARGE")
      throw new DexterError("PACKAGE_TOO_BIG", {
        reason: `more than ${MAX_UNPACKED_BYTES >> 20} MiB when unpacked`,
      });
    throw new DexterError("PACKAGE_INVALID", { reason: `it is not gzip, or not whole (${message})` });
  }
}
