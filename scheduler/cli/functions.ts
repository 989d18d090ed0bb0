/** `dexter list`, `versions`, `promote`, `rollback` and `delete`: the functions of a running node, and their versions. */
import type { ListedFunction } from "../admin/deploys.ts";
import type { Deployed, Removed, VersionStatus } from "../deploy/answers.ts";
import { DexterError } from "../errors.ts";
import { confirmed } from "./confirm.ts";
import { type ClientOptions, callNode, nodeAddress } from "./node-client.ts";
import { NO_FUNCTION_YET, printJson, when } from "./print.ts";
import { list, table, terminalWidth } from "./table.ts";

export async function listFunctions(options: ClientOptions): Promise<void> {
  const functions = await callNode<ListedFunction[]>(await nodeAddress(options), "GET", "/functions");
  if (options.json) return printJson(functions);
  if (functions.length === 0) return console.log(NO_FUNCTION_YET);
  const rows = functions.map(({ name, version, deployed, at, by, routes }) => [
    name,
    version || "(no build yet)",
    deployed ? `${when(at)} by ${by}` : "the project's own",
    list(routes),
  ]);
  console.log(table(["function", "version", "deployed", "answers at"], rows, { width: terminalWidth() }));
}

export async function versions(name: string, options: ClientOptions): Promise<void> {
  const found = await callNode<VersionStatus[]>(
    await nodeAddress(options),
    "GET",
    `${pathOf(name)}/versions`,
  );
  if (options.json) return printJson(found);
  const rows = found.map(({ version, live, bytes, storedAt, last }) => [
    version,
    live ? "live" : "",
    `${(bytes / 1024).toFixed(1)} KB`,
    when(storedAt),
    last ? `${last.action} ${when(last.at)} by ${last.by}` : "",
  ]);
  console.log(
    table(["version", "", "size", "stored", "last went live"], rows, {
      numeric: [2],
      width: terminalWidth(),
    }),
  );
}

export async function promote(name: string, options: ClientOptions): Promise<void> {
  const result = await callNode<Deployed>(await nodeAddress(options), "POST", `${pathOf(name)}/promote`);
  if (options.json) return printJson(result);
  console.log(`${name}: version ${result.version} is live (before: ${result.previous})`);
}

export async function rollback(
  name: string,
  version: string | undefined,
  options: ClientOptions,
): Promise<void> {
  const body = JSON.stringify(version === undefined ? {} : { version });
  const address = await nodeAddress(options);
  const result = await callNode<Deployed>(address, "POST", `${pathOf(name)}/rollback`, { body });
  if (options.json) return printJson(result);
  const before = result.changed && result.previous ? ` (before: ${result.previous})` : "";
  console.log(`${name}: version ${result.version} is live${result.changed ? " again" : " already"}${before}`);
}

/** Asks first: what is deleted is gone with all its versions. */
export async function remove(name: string, options: ClientOptions & { yes?: boolean }): Promise<void> {
  const address = await nodeAddress(options);
  const found = await callNode<VersionStatus[]>(address, "GET", `${pathOf(name)}/versions`);
  if (
    !options.yes &&
    !(await confirmed(`Delete ${name}, its ${found.length} versions and its secrets? [y/N] `))
  )
    throw new DexterError("NOT_CONFIRMED", { name });
  const removed = await callNode<Removed>(address, "DELETE", pathOf(name));
  if (options.json) return printJson({ function: name, ...removed });
  const { restored, failure } = removed;
  if (failure !== undefined) console.error(`the project's own ${name} does not serve: ${failure}`);
  console.log(`${name} is deleted${restored ? "; the project's own one serves again" : ""}`);
}

function pathOf(name: string): string {
  return `/functions/${encodeURIComponent(name)}`;
}
