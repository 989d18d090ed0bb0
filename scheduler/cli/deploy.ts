/** `dexter deploy`: bundles the project's functions here and hands them to a node, one after the other. */
import { createHash } from "node:crypto";
import path from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { UPLOAD } from "../admin/body.ts";
import { canaryRequest } from "../admin/canary-request.ts";
import { createBuilder } from "../bundle/builder.ts";
import { loadProject } from "../config/load.ts";
import { duration } from "../config/values.ts";
import type { Deployed } from "../deploy/answers.ts";
import { DexterError } from "../errors.ts";
import type { FunctionConfig, Project, Version } from "../types.ts";
import { pack, settingsOf } from "../versions/package.ts";
import { colours } from "./colours.ts";
import { type NodeAddress, showAddress } from "./node-address.ts";
import { type ClientOptions, callNode, nodeAddress } from "./node-client.ts";
import { projectOptions, warn } from "./project.ts";

export interface DeployCommandOptions extends ClientOptions {
  /** The functions to deploy; absent for all. */
  readonly function?: readonly string[];
  readonly dryRun?: boolean;
  /** Percent. */
  readonly canary?: string;
  readonly canaryWindow?: string;
  readonly sticky?: string;
  readonly healthPath?: string;
}

/** One function of `dexter deploy --json`. */
interface DeployedHere extends Deployed {
  /** Of the package, as it went over the wire. */
  readonly bytes: number;
  /** From the beginning of the upload until the version was live. */
  readonly ms: number;
}

interface Upload {
  readonly config: FunctionConfig;
  readonly body: Buffer;
}

const zip = promisify(gzip);

/** @param directory the project's folder */
export async function deploy(directory: string, options: DeployCommandOptions): Promise<void> {
  const query = queryOf(options);
  const here = { ...options, cwd: path.resolve(directory) };
  const project = await loadProject(projectOptions(here));
  warn(project.warnings);
  const address = await nodeAddress(here);
  // Everything is bundled before anything is deployed, so that an error in one function leaves all as they are.
  const uploads: Upload[] = [];
  for (const config of chosen(project, options.function))
    uploads.push(await bundle(config, project, options));
  const done: DeployedHere[] = [];
  for (const upload of uploads) {
    try {
      done.push(await hand(upload, address, query, options));
    } catch (error) {
      if (options.json) console.log(JSON.stringify({ ok: false, functions: done, error: messageOf(error) }));
      throw withDone(error, done);
    }
  }
  if (options.json) console.log(JSON.stringify({ ok: true, functions: done }, undefined, 2));
}

/** Throws NOT_IN_PROJECT. */
function chosen({ functions }: Project, names: readonly string[] | undefined): readonly FunctionConfig[] {
  if (names === undefined) return functions;
  const unknown = names.find((name) => !functions.some((config) => config.name === name));
  if (unknown === undefined) return functions.filter(({ name }) => names.includes(name));
  const known = functions.map(({ name }) => name).join(", ");
  throw new DexterError("NOT_IN_PROJECT", { name: unknown, known });
}

async function bundle(
  given: FunctionConfig,
  project: Project,
  options: DeployCommandOptions,
): Promise<Upload> {
  const { healthPath = given.healthPath } = options;
  const config = { ...given, ...(healthPath === undefined ? {} : { healthPath }) };
  const startedAtMs = performance.now();
  const builder = createBuilder(config, { dev: false });
  try {
    const version = withShortSources(await builder.build(), project.root);
    const { name } = config;
    const text = pack({ settings: settingsOf(config), version });
    const body = await zip(text);
    if (body.length > UPLOAD.bytes)
      throw new DexterError("PACKAGE_TOO_BIG", {
        reason: `${name} has ${size(body.length)}, and a node takes ${size(UPLOAD.bytes)}`,
      });
    const ms = (performance.now() - startedAtMs).toFixed(0);
    progress(`${name}: bundled in ${ms} ms, version ${version.id}, ${size(body.length)} to send`);
    return { config, body };
  } finally {
    await builder.dispose();
  }
}

/** Below the project's folder sources are named from there: where that lies on this machine is nobody's business. */
function withShortSources(version: Version, root: string): Version {
  if (version.sourceMap === undefined) return version;
  const map = JSON.parse(version.sourceMap) as { sources: string[] };
  const sources = map.sources.map((source) =>
    path.isAbsolute(source) ? path.relative(root, source) : source,
  );
  return { ...version, sourceMap: JSON.stringify({ ...map, sources }) };
}

async function hand(
  { config, body }: Upload,
  address: NodeAddress,
  query: string,
  options: DeployCommandOptions,
): Promise<DeployedHere> {
  const startedAtMs = performance.now();
  progress(`${config.name}: proving it on ${showAddress(address)}`);
  const digest = createHash("sha256").update(body).digest("base64");
  const headers = { "content-type": "application/gzip", "content-digest": `sha-256=:${digest}:` };
  const path = `/functions/${config.name}/versions${query}`;
  const result = await callNode<Deployed>(address, "POST", path, { body, headers });
  const ms = Math.round(performance.now() - startedAtMs);
  if (!options.json) console.log(resultLine(result, ms, options.dryRun ?? false));
  return { ...result, bytes: body.length, ms };
}

/** Throws USAGE, CANARY_NEEDED. */
function queryOf({ dryRun, canary, canaryWindow, sticky }: DeployCommandOptions): string {
  const query = new URLSearchParams();
  if (dryRun) query.set("dry-run", "");
  if (canary === undefined && (canaryWindow ?? sticky) !== undefined) throw new DexterError("CANARY_NEEDED");
  if (canary !== undefined) {
    const asked = { canary: canary.replace(/%$/, ""), sticky };
    const [issue] = canaryRequest.safeParse(asked).error?.issues ?? [];
    if (issue) throw new DexterError("USAGE", { option: `--${String(issue.path[0])}`, rule: issue.message });
    query.set("canary", asked.canary);
  }
  if (canaryWindow !== undefined) {
    const window = duration(1_000).safeParse(canaryWindow);
    if (!window.success)
      throw new DexterError("USAGE", { option: "--canary-window", rule: window.error.issues[0]!.message });
    query.set("window", String(window.data));
  }
  if (sticky !== undefined) query.set("sticky", sticky);
  return query.size === 0 ? "" : `?${query}`;
}

function resultLine(result: Deployed, ms: number, dryRun: boolean): string {
  const { function: name, version, previous, changed, routes } = result;
  const before = previous === undefined || !changed ? "" : ` (before: ${previous})`;
  if (dryRun)
    return `${name}: version ${version} works${changed ? `, and would go live${before}` : ", and is live already"}`;
  if (result.canaryPercent !== undefined)
    return `${name}: version ${version} gets ${result.canaryPercent} % of the requests, beside ${previous}; dexter status shows how it does`;
  if (!changed) return `${name}: version ${version} is live already; nothing has changed`;
  return `${colours.green(`${name}: version ${version} is live`)} after ${ms} ms${before}, at ${routes.join(", ")}`;
}

/** For people who look on. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${colours.dim(text)}\n`);
}

function size(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KB`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function withDone(error: unknown, done: readonly Deployed[]): unknown {
  if (!(error instanceof DexterError) || done.length === 0) return error;
  const names = done.map((each) => each.function).join(", ");
  return new DexterError(
    error.code === "NODE_FAILED" ? "NODE_FAILED" : "REFUSED",
    { reason: `${error.details.reason ?? error.message}\ndeployed before that: ${names}` },
    { cause: error },
  );
}
