/** The log for people: `12:34:56 error hello: what happened`. */
import pc from "picocolors";
import { wantsColours } from "./colours.ts";

interface Entry {
  readonly level: number;
  readonly time: string;
  readonly msg?: string;
  readonly function?: string;
  readonly requestId?: string;
  readonly [key: string]: unknown;
}

const colours = pc.createColors(wantsColours(process.stderr));

/** pino's numbers, highest first. */
const LEVELS = [
  [50, "error", colours.red],
  [40, "warn", colours.yellow],
  [30, "info", colours.green],
  [20, "debug", colours.blue],
  [0, "trace", colours.dim],
] as const;

/** Makes a line of pino's into one for people. */
export function logLine(line: string): string {
  const { level, time, msg = "", function: fn, requestId, ...rest } = JSON.parse(line) as Entry;
  const [, name, colour] = LEVELS.find(([least]) => level >= least)!;
  const at = new Date(time).toTimeString().slice(0, 8);
  const source = fn === undefined ? "" : `${colours.cyan(`${fn}:`)} `;
  const details = Object.entries({ ...rest, ...(requestId ? { request: requestId } : {}) });
  const tail = details.map(([key, value]) => ` ${key}=${value}`).join("");
  // Below a stack the details would be lost.
  const [first = "", ...others] = msg.split("\n");
  return [`${colours.dim(at)} ${colour(name)} ${source}${first}${colours.dim(tail)}`, ...others, ""].join(
    "\n",
  );
}
