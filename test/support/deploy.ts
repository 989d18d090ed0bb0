/** Packages for tests of deploys, and ways to hand them to a running node as the command does, or not quite so. */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { callNode, openCall, textOf } from "../../scheduler/cli/node-client.ts";
import type { Deployed } from "../../scheduler/deploy/answers.ts";
import { adminSocket } from "../../scheduler/system/paths.ts";
import type { FunctionSettings, Version, VersionModule } from "../../scheduler/types.ts";
import { type FunctionPackage, pack } from "../../scheduler/versions/package.ts";
import { versionId } from "../../scheduler/versions/version.ts";
import type { TestNode } from "./node.ts";

export const THREADS = {
  startThreads: 1,
  minSpareThreads: 1,
  maxSpareThreads: 2,
  concurrency: 1,
  idleTimeoutMs: 60_000,
};

export type PackageParts = Partial<FunctionSettings> &
  Partial<Omit<Version, "id" | "functionName" | "modules">> & {
    readonly modules?: Readonly<Record<string, VersionModule>>;
  };

/** A package of one module, with the id that its content has. */
export function makePackage(name: string, code: string, parts: PackageParts = {}): FunctionPackage {
  const { routes = [], catchAll = false, threads = THREADS, healthPath, ...rest } = parts;
  const settings = { name, routes, catchAll, threads, ...(healthPath ? { healthPath } : {}) };
  const content = {
    functionName: name,
    mainModule: "index.js",
    modules: { "index.js": { js: code } },
    compatibilityDate: "2026-11-01",
    compatibilityFlags: [],
    env: {},
    ...rest,
  };
  return { settings, version: { id: versionId(content, settings), ...content } };
}

/** A function that answers a text, always the same. */
export function says(name: string, text: string, parts: PackageParts = {}): FunctionPackage {
  return makePackage(name, `export default { fetch: () => new Response(${JSON.stringify(text)}) };`, parts);
}

export function socketOf(node: Pick<TestNode, "folder">): { socketPath: string } {
  return { socketPath: adminSocket(`${node.folder.dir}/.dexter`) };
}

/** Deploys as `dexter deploy` does. Rejects with what the node says. */
export function deployPackage(
  node: Pick<TestNode, "folder">,
  given: FunctionPackage,
  query = "",
): Promise<Deployed> {
  const body = gzipSync(pack(given));
  const digest = createHash("sha256").update(body).digest("base64");
  const headers = { "content-digest": `sha-256=:${digest}:` };
  const path = `/functions/${given.settings.name}/versions${query}`;
  return callNode<Deployed>(socketOf(node), "POST", path, { body, headers });
}

/** A call whose refusal is an outcome: status and JSON. */
export async function adminCall(
  node: Pick<TestNode, "folder">,
  method: string,
  path: string,
  options: { body?: Buffer | string; headers?: Record<string, string> } = {},
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever field they are about
): Promise<{ status: number; body: any }> {
  const response = await openCall(socketOf(node), method, path, { ...options, takeAll: true });
  return { status: response.statusCode!, body: JSON.parse(await textOf(response)) };
}
