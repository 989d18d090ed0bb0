/**
 * The log: JSON lines on stderr, or lines for people. Written synchronously, so that nothing is lost when the
 * process ends.
 */
import { pino } from "pino";
import type { NodeConfig } from "./types.ts";

export type Logger = pino.Logger;

/** @param format makes a line for people of one in JSON; without it the lines stay as they are */
export function createLogger(level: NodeConfig["logLevel"], format?: (line: string) => string): Logger {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  const stderr = pino.destination({ fd: 2, sync: true });
  return pino(options, format ? { write: (line) => void stderr.write(format(line)) } : stderr);
}
