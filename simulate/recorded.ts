/** Recorded arrivals: JSON lines, one for each request, in any order. */
import { readFileSync } from "node:fs";
import * as z from "zod";
import { DexterError } from "../scheduler/errors.ts";
import { type Arrival, type Arrivals, listed } from "./arrivals.ts";

/** What of a request's time is CPU time when the record does not say. */
const CPU_SHARE = 0.1;

const RECORD = z
  .strictObject({
    timeMs: z.number("must be a number"),
    function: z.string("must be a string").min(1, "must not be empty"),
    serviceMs: z.number("must be a number").min(0, "must not be negative"),
    cpuMs: z.number("must be a number").min(0, "must not be negative").optional(),
  })
  .refine(({ cpuMs = 0, serviceMs }) => cpuMs <= serviceMs, {
    path: ["cpuMs"],
    message: "must be at most serviceMs",
  });

/** For help texts. */
export const RECORD_FORMAT = `Recorded arrivals are JSON lines, in any order, one for each request:
  {"timeMs": 1250.5, "function": "hello", "serviceMs": 12, "cpuMs": 2}
timeMs is when it arrived, counted from any moment; serviceMs what it took without waiting for a thread; cpuMs, which
may be missing, how much of that was CPU time (a tenth, if missing).`;

/** Reads a file of arrivals. Throws CONFIG_INVALID that names file and line. */
export function readArrivals(path: string): Arrivals {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw invalid(`${path}: cannot be read (${(cause as NodeJS.ErrnoException).code})`, cause);
  }
  return parseArrivals(text, path);
}

/** @param path for messages */
export function parseArrivals(text: string, path: string): Arrivals {
  const functions = new Map<string, number>();
  const given: Arrival[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const record = parseLine(line, `${path}:${index + 1}`);
    const { timeMs: atMs, serviceMs, cpuMs = serviceMs * CPU_SHARE } = record;
    const fn = functions.get(record.function) ?? functions.size;
    functions.set(record.function, fn);
    given.push({ atMs, fn, cpuMs, ioMs: serviceMs - cpuMs });
  }
  if (given.length === 0) throw invalid(`${path}: holds no arrivals`);
  const arrivals = listed([...functions.keys()], given);
  const firstMs = arrivals.atMs[0]!;
  return { ...arrivals, atMs: arrivals.atMs.map((ms) => ms - firstMs) };
}

function parseLine(line: string, place: string): z.output<typeof RECORD> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw invalid(`${place}: is not JSON`, cause);
  }
  const result = RECORD.safeParse(value);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  throw invalid(`${place}: ${[path.join("."), message].join(" ").trim()}`);
}

function invalid(reason: string, cause?: unknown): DexterError {
  return new DexterError("CONFIG_INVALID", { reason }, { cause });
}
