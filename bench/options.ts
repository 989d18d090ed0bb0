/** The command line of the benchmark: flags in, checked options out. */

import { Command, InvalidArgumentError, Option } from "commander";

export const sections = ["load", "latency"] as const;
export type Section = (typeof sections)[number];

export interface Options {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly connections: number;
  /** Names of the peers and workloads to run. */
  readonly only: readonly string[];
  readonly workloads: readonly string[];
  readonly figures: readonly Section[];
  readonly generator?: "wrk" | "autocannon";
  /** `name=value` pairs handed to every dexter as `--set`. */
  readonly set: readonly string[];
  readonly json: boolean;
}

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
    .description("Measures dexter beside plain workerd and miniflare, in one run, with the same handler.")
    .option("--rounds <n>", "rounds; every peer runs once in each", countFrom1, 3)
    .option("--seconds <s>", "seconds under load, per peer and round", countFrom1, 5)
    .option("--warmup <s>", "seconds of load before measuring", countFrom1, 2)
    .option("--connections <n>", "keep-alive connections", countFrom1, 32)
    .addOption(listOption("--only <peers>", known.peers))
    .addOption(listOption("--workloads <names>", known.workloads))
    .addOption(listOption("--figures <sections>", sections))
    .addOption(new Option("--generator <name>", "load generator").choices(["wrk", "autocannon"]))
    .option("--set <name=value>", "directive for dexter; repeatable", collect, [])
    .option("--json", "print one JSON object instead of tables", false)
    .allowExcessArguments(false)
    .exitOverride();
  command.parse([...argv]);
  const { warmup, ...rest } = command.opts();
  return { ...rest, warmupSeconds: warmup } as Options;
}

function collect(text: string, before: readonly string[]): string[] {
  return [...before, text];
}
