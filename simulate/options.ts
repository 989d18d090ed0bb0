/** The command line of the simulation: flags in, checked options out. */
import { Command, InvalidArgumentError, Option } from "commander";
import { applySet, parseNode } from "../scheduler/config/node.ts";
import { type Entry, Problems } from "../scheduler/config/problems.ts";
import type { NodeSettings } from "./policies/policy.ts";
import { RECORD_FORMAT } from "./recorded.ts";

/** Directives that the simulation knows. */
const USED = [
  "start_threads",
  "min_spare_threads",
  "max_spare_threads",
  "max_threads_per_child",
  "concurrency",
  "idle_timeout",
  "listen_backlog",
  "queue_timeout",
];

const HELP = `
${RECORD_FORMAT}

dexter is dexter's own policy. For comparison: static has start_threads threads of each function in the whole node and
never more; on-demand starts a thread for a request that finds none and ends it when unused for idle_timeout; dynamic is
php-fpm's, with its spare threads for each function in the whole node. What static and dynamic hold is not limited by
max_threads_per_child, but what is in progress is.

Directives for --set: ${USED.slice(0, 4).join(", ")},
${USED.slice(4).join(", ")}.`;

export interface Options {
  readonly servers: number;
  readonly functions: number;
  readonly requests: number;
  readonly seed: number;
  /** Share of the servers' CPU time that requests take, instead of each scenario's own. */
  readonly load?: number;
  /** Names of scenarios and policies. */
  readonly scenario: readonly string[];
  readonly policies: readonly string[];
  /** A file of recorded arrivals, instead of scenarios. */
  readonly arrivals?: string;
  /** `name=value` pairs. */
  readonly set: readonly string[];
  /** Each a row more for every policy: pairs, separated by blanks. */
  readonly vary: readonly string[];
  readonly json: boolean;
}

function wholeNumber(least: number, most: number) {
  return (text: string): number => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (!Number.isInteger(value) || value < least || value > most)
      throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
    return value;
  };
}

function share(text: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!(value > 0 && value <= 10)) throw new InvalidArgumentError("Expected a number above 0, at most 10.");
  return value;
}

/** An option that takes a comma-separated list of some of `known`; without it, all of them. */
function listOption(flags: string, known: readonly string[]): Option {
  return new Option(flags, `some of ${known.join(",")}`)
    .default([...known], "all")
    .argParser((text: string) => {
      const items = text.split(",").map((item) => item.trim());
      const unknown = items.find((item) => !known.includes(item));
      if (unknown !== undefined)
        throw new InvalidArgumentError(`"${unknown}" is not one of ${known.join(", ")}.`);
      return known.filter((name) => items.includes(name));
    });
}

const collect = (text: string, before: readonly string[]) => [...before, text];

/**
 * Reads `argv` (as in `process.argv`). Throws commander's `CommanderError` for `--help` and for bad usage,
 * after commander has written its own message.
 */
export function parseOptions(
  argv: readonly string[],
  known: { readonly scenarios: readonly string[]; readonly policies: readonly string[] },
): Options {
  const command = new Command("simulate")
    .description("Runs dexter's scheduling policy, and others beside it, in simulated time.")
    .option("--servers <n>", "servers, each with one CPU", wholeNumber(1, 256), 4)
    .option("--functions <n>", "functions of the scenarios", wholeNumber(1, 100_000), 100)
    .option("--requests <n>", "requests of each scenario", wholeNumber(1, 10_000_000), 100_000)
    .option("--seed <n>", "the same seed gives the same result", wholeNumber(0, Number.MAX_SAFE_INTEGER), 1)
    .addOption(listOption("--scenario <names>", known.scenarios))
    .option(
      "--load <share>",
      "of the servers' CPU time, for requests alone; default: each scenario's own",
      share,
    )
    .addOption(
      new Option("--arrivals <file>", "recorded arrivals, instead of scenarios").conflicts([
        "scenario",
        "functions",
        "requests",
        "load",
      ]),
    )
    .addOption(listOption("--policies <names>", known.policies))
    .option("--set <name=value>", "directive; repeatable", collect, [])
    .option(
      "--vary <settings>",
      'the same again with these directives, such as "min_spare_threads=1 max_spare_threads=2"; repeatable',
      collect,
      [],
    )
    .option("--json", "print one JSON object instead of tables", false)
    .addHelpText("after", HELP)
    .allowExcessArguments(false)
    .exitOverride();
  command.parse([...argv]);
  return command.opts() as Options;
}

/** The settings by the directives' own rules and defaults. Throws CONFIG_INVALID with all that is wrong. */
export function settingsOf(servers: number, set: readonly string[]): NodeSettings {
  const problems = new Problems();
  const entries = new Map<string, Entry>();
  applySet(set, entries, problems);
  for (const [name, { source, path }] of entries) {
    if (USED.includes(name)) continue;
    const hint = name === "num_servers" ? "use --servers" : `it takes ${USED.join(", ")}`;
    problems.error(source, path, `has no effect in the simulation; ${hint}`);
  }
  const node = parseNode(entries, ".", problems);
  problems.throwIfAny();
  const { startThreads, minSpareThreads, maxSpareThreads, concurrency, idleTimeoutMs } = node;
  return {
    ...{ startThreads, minSpareThreads, maxSpareThreads, concurrency, idleTimeoutMs },
    servers,
    maxThreads: node.maxThreadsPerChild,
    queue: node.listenBacklog,
    queueTimeoutMs: node.queueTimeoutMs,
  };
}
