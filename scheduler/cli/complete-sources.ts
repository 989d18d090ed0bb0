/** What `dexter complete` knows of this machine: directives, environments of the configuration, functions that run. */
import type { Command } from "commander";
import type { ListedFunction } from "../admin/deploys.ts";
import { directiveTable } from "../config/directives.ts";
import { configsIn, readDocument } from "../config/document.ts";
import type { VersionStatus } from "../deploy/answers.ts";
import { type Candidate, commandsOf, type Given, type Sources } from "./complete.ts";
import { callNode, nodeAddress } from "./node-client.ts";
import { TOPIC_CANDIDATES } from "./topics/index.ts";

/** Somebody waits with a finger on the key. */
const PATIENCE_MS = 500;

/** @param patienceMs how long a running node may take to answer; then nothing is known of it */
export function machineSources(program: Command, patienceMs = PATIENCE_MS): Sources {
  const ask: Ask = (given, path) => callGivenNode(given, path, patienceMs);
  return {
    "name=value": async () =>
      directiveTable().map(({ name, description }) => ({ value: `${name}=`, description })),
    env: (given) => orNone(environments(given)),
    function: (given) => orNone(functions(given, ask)),
    version: (given) => orNone(versions(given, ask)),
    topic: async () => [...TOPIC_CANDIDATES, ...commandsOf(program)],
  };
}

async function environments({ config = [] }: Given): Promise<Candidate[]> {
  const cwd = process.cwd();
  const [path = (await configsIn(cwd))[0]] = config;
  if (path === undefined) return [];
  const { data } = await readDocument(path, cwd);
  return Object.keys(data.env ?? {}).map((value) => ({ value, description: "" }));
}

type Ask = <T>(given: Given, path: string) => Promise<T>;

async function functions(given: Given, ask: Ask): Promise<Candidate[]> {
  const found = await ask<ListedFunction[]>(given, "/functions");
  return found.map(({ name, routes }) => ({ value: name, description: routes.join(", ") }));
}

async function versions(given: Given, ask: Ask): Promise<Candidate[]> {
  const name = encodeURIComponent(given.function?.at(-1) ?? "");
  const found = await ask<VersionStatus[]>(given, `/functions/${name}/versions`);
  return found.map(({ version, live }) => ({ value: version, description: live ? "live" : "" }));
}

/** Calls the node that the command line means. */
async function callGivenNode<T>(given: Given, path: string, patienceMs: number): Promise<T> {
  const { config, env, node, "token-file": tokenFile } = given;
  const options = Object.entries({ config, env, node, tokenFile }).flatMap(([name, values]) =>
    values === undefined ? [] : [[name, values.at(-1)]],
  );
  const address = await nodeAddress({ ...Object.fromEntries(options), set: given.set ?? [] });
  return await callNode<T>(address, "GET", path, { signal: AbortSignal.timeout(patienceMs) });
}

/** A key that completes nothing is better than an error in the middle of a line. */
async function orNone(found: Promise<Candidate[]>): Promise<Candidate[]> {
  return await found.catch(() => []);
}
