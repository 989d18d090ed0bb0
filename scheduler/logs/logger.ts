/** The log: a JSON object a line. */
import { pino } from "pino";
import type { NodeConfig } from "../types.ts";

export type Logger = pino.Logger;

export function createLogger(level: NodeConfig["logLevel"], write: (line: string) => void): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write });
}
