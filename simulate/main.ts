/**
 * `npm run simulate`: dexter's scheduling policy, and others beside it, under synthetic and recorded arrivals.
 * The composition root: alone reads argv and the clock, prints the result and ends the process.
 */
import { CommanderError } from "commander";
import { DexterError } from "../scheduler/errors.ts";
import type { Arrivals } from "./arrivals.ts";
import { type Options, parseOptions, settingsOf } from "./options.ts";
import { policies } from "./policies/index.ts";
import { readArrivals } from "./recorded.ts";
import { type Outcome, type Result, type Run, render } from "./report.ts";
import { scenarios, synthesize } from "./scenarios.ts";
import { simulate } from "./simulation.ts";

const USAGE_STATUS = 2;

/** Progress goes to stderr, so that stdout holds only the result. */
function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Each load by itself, so that only one is in memory. */
function* loads(options: Options): Generator<{ name: string; says: string; arrivals: Arrivals }> {
  if (options.arrivals !== undefined)
    return yield { name: options.arrivals, says: "recorded", arrivals: readArrivals(options.arrivals) };
  for (const scenario of scenarios) {
    if (!options.scenario.includes(scenario.name)) continue;
    yield { name: scenario.name, says: scenario.says, arrivals: synthesize(scenario, options) };
  }
}

function simulateAll(options: Options): Result {
  // First of all, so that what is wrong is said before anything takes time.
  const rows = ["", ...options.vary].map((settings) => {
    const varied = settings.split(/\s+/).filter((setting) => setting !== "");
    return { settings, node: settingsOf(options.servers, [...options.set, ...varied]) };
  });
  const runs: Run[] = [];
  for (const { name, says, arrivals } of loads(options)) {
    const outcomes: Outcome[] = [];
    for (const policy of options.policies) {
      for (const { settings, node } of rows) {
        const startMs = performance.now();
        const figures = simulate(policies[policy]!, node, arrivals, options.seed);
        const tookS = ((performance.now() - startMs) / 1_000).toFixed(1);
        progress([name, policy, settings, `${tookS} s`].filter((text) => text !== "").join(" "));
        outcomes.push({ policy, settings, figures });
      }
    }
    runs.push({ load: name, says, functions: arrivals.functions.length, outcomes });
  }
  return { options: { ...options }, runs };
}

try {
  const options = parseOptions(process.argv, {
    scenarios: scenarios.map(({ name }) => name),
    policies: Object.keys(policies),
  });
  const result = simulateAll(options);
  process.stdout.write(`${options.json ? JSON.stringify(result) : render(result)}\n`);
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : USAGE_STATUS;
  else if (error instanceof DexterError) {
    progress(`error: ${error.message}`);
    process.exitCode = USAGE_STATUS;
  } else throw error;
}
