/** What `dexter complete` knows of this machine: directives, environments of the configuration, functions that run. */
import type { Command } from "commander";
import { directiveTable } from "../config/directives.ts";
import { configsIn, readDocument } from "../config/document.ts";
import { callControl } from "../server/control.ts";
import type { NodeStatus } from "../status.ts";
import { type Candidate, commandsOf, type Given, type Sources } from "./complete.ts";
import { adminSocketOf } from "./project.ts";
import { topicCandidates } from "./topics/index.ts";

/** Somebody waits with a finger on the key. */
const PATIENCE_MS = 500;

export function machineSources(program: Command): Sources {
  return {
    "name=value": async () =>
      directiveTable().map(({ name, description }) => ({ value: `${name}=`, description })),
    name: (given) => orNone(environments(given)),
    function: (given) => orNone(functions(given)),
    topic: async () => [...topicCandidates(program), ...commandsOf(program)],
  };
}

async function environments({ config = [] }: Given): Promise<Candidate[]> {
  const cwd = process.cwd();
  const [path = (await configsIn(cwd))[0]] = config;
  if (path === undefined) return [];
  const { data } = await readDocument(path, cwd);
  return Object.keys(data.env ?? {}).map((value) => ({ value, description: "" }));
}

async function functions({ config = [], env = [], set = [] }: Given): Promise<Candidate[]> {
  const options = {
    set,
    ...(config[0] === undefined ? {} : { config: config[0] }),
    ...(env[0] === undefined ? {} : { env: env[0] }),
  };
  const answer = await callControl(await adminSocketOf(options), "GET", "/status", {
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  const status = JSON.parse(answer.text) as NodeStatus;
  return status.functions.map(({ name, routes }) => ({ value: name, description: routes.join(", ") }));
}

/** A key that completes nothing is better than an error in the middle of a line. */
async function orNone(found: Promise<Candidate[]>): Promise<Candidate[]> {
  return await found.catch(() => []);
}
