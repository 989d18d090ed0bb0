/** The command line of the benchmark: flags in, checked options out. */

import { Command, InvalidArgumentError, Option } from "commander";

export const sections = ["load", "latency", "forwarding", "control"] as const;
export type Section = (typeof sections)[number];

export interface Options {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly connections: number;
  /** Requests that each server of dexter, and plain workerd, serves before its peak memory is read. */
  readonly memoryRequests: number;
  /** Names of the peers and workloads to run. */
  readonly only: readonly string[];
  readonly workloads: readonly string[];
  readonly figures: readonly Section[];
  readonly generator?: "wrk" | "autocannon";
  /** Where wrangler is installed, if not beside this project's packages. */
  readonly wrangler?: string;
  /** A built clone of an earlier commit, measured beside this one. */
  readonly before?: string;
  /** `name=value` pairs handed to every dexter as `--set`. */
  readonly set: readonly string[];
  readonly json: boolean;
  /** A file that gets the tables too. */
  readonly markdown?: string;
  readonly quick: boolean;
}

/** What `--quick` puts in the place of the defaults: to see that all works, not to measure. */
const QUICK = { rounds: 1, seconds: 1, warmup: 1, memoryRequests: 20_000 };

function countFrom1(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError("Expected a whole number from 1 up.");
  return value;
}

/** An option that takes a comma-separated list of some of `known`; without it, or with `all`, all of them. */
function listOption(flags: string, known: readonly string[]): Option {
  return new Option(flags, `some of ${known.join(",")}`)
    .default([...known], "all")
    .argParser((text: string) => {
      if (text === "all") return [...known];
      const items = text.split(",").map((item) => item.trim());
      const unknown = items.find((item) => !known.includes(item));
      if (unknown !== undefined)
        throw new InvalidArgumentError(`"${unknown}" is not one of ${known.join(", ")}.`);
      return items;
    });
}

/**
 * Reads `argv` (as in `process.argv`). Throws commander's `CommanderError` for `--help` and for bad usage,
 * after commander has written its own message.
 */
export function parseOptions(
  argv: readonly string[],
  known: { readonly peers: readonly string[]; readonly workloads: readonly string[] },
): Options {
  const command = new Command("bench")
    .description("Measures dexter beside its peers, in one run, with the same handlers.")
    .option("--rounds <n>", "rounds; a judged peer runs once in each, the others in the first", countFrom1, 3)
    .option(
      "--seconds <s>",
      "seconds under load, per peer and round; some workloads take half",
      countFrom1,
      3,
    )
    .option("--warmup <s>", "seconds of load before measuring; half for some workloads", countFrom1, 2)
    .option("--connections <n>", "keep-alive connections", countFrom1, 32)
    .option("--memory-requests <n>", "requests before peak memory is read", countFrom1, 200_000)
    .addOption(listOption("--only <peers>", known.peers))
    .addOption(listOption("--workloads <names>", known.workloads))
    .addOption(listOption("--figures <sections>", sections))
    .addOption(new Option("--generator <name>", "load generator").choices(["wrk", "autocannon"]))
    .option(
      "--wrangler <folder>",
      "where wrangler is installed; without it, it is used if this project has it",
    )
    .option("--before <clone>", "another clone of dexter, built; its ratios are taken round by round")
    .option("--set <name=value>", "directive for dexter; repeatable", collect, [])
    .option("--quick", "see that all works: 1 round, 1 second, few requests", false)
    .option("--json", "print one JSON object instead of tables", false)
    .option("--markdown <file>", "write the tables into a file too")
    .allowExcessArguments(false)
    .exitOverride();
  command.parse([...argv]);
  const given = command.opts();
  const quick = Object.entries(QUICK).filter(
    ([name]) => given.quick && command.getOptionValueSource(name) === "default",
  );
  const { warmup, ...rest } = { ...given, ...Object.fromEntries(quick) };
  return { ...rest, warmupSeconds: warmup } as Options;
}

function collect(text: string, before: readonly string[]): string[] {
  return [...before, text];
}
