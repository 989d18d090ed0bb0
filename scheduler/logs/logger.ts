/** The log: a JSON object a line. */
import { pino } from "pino";
import type { NodeConfig } from "../types.ts";

export type Logger = pino.Logger;

/** A line in the form of the log, of what does not go through it, such as trouble with the log itself. */
export function logEntry(level: "info" | "warn" | "error", msg: string, fields: object = {}): string {
  const time = new Date().toISOString();
  return `${JSON.stringify({ level: pino.levels.values[level], time, ...fields, msg })}\n`;
}

export function createLogger(level: NodeConfig["logLevel"], write: (line: string) => void): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write });
}
