/** `dexter list`, `versions`, `rollback` and `delete`: the functions of a running node, and their versions. */
import { createInterface } from "node:readline/promises";
import type { ListedFunction } from "../admin/deploys.ts";
import type { Deployed, VersionStatus } from "../deployments.ts";
import { DexterError } from "../errors.ts";
import { type ClientOptions, callNode, nodeAddress } from "./node-client.ts";
import { list, table, terminalWidth } from "./table.ts";

export async function listFunctions(options: ClientOptions): Promise<void> {
  const functions = await callNode<ListedFunction[]>(await nodeAddress(options), "GET", "/functions");
  if (options.json) return printJson(functions);
  if (functions.length === 0)
    return console.log("no function is here yet: hand one over with `dexter deploy`");
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
  if (!options.yes && !(await confirmed(`Delete ${name} and its ${found.length} versions? [y/N] `)))
    throw new DexterError("USAGE", {
      reason: `${name} was not deleted; to delete it without being asked, pass --yes`,
    });
  const { restored } = await callNode<{ restored: boolean }>(address, "DELETE", pathOf(name));
  if (options.json) return printJson({ function: name, restored });
  console.log(`${name} is deleted${restored ? "; the project's own one serves again" : ""}`);
}

async function confirmed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await asking.question(question);
  asking.close();
  return /^y(es)?$/i.test(answer.trim());
}

function pathOf(name: string): string {
  return `/functions/${encodeURIComponent(name)}`;
}

/** A time to the second, as this machine's clock has it. */
function when(iso: string | undefined): string {
  return iso === undefined ? "" : new Date(iso).toLocaleString("sv-SE");
}

function printJson(value: unknown): void {
  console.log(JSON.stringify(value, undefined, 2));
}
