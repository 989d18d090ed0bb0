/**
 * The log: JSON lines on stderr, or lines for people when `pretty`. Written synchronously, so that
 * nothing is lost when the process ends.
 */
import { pino } from "pino";
import { build as prettyLine } from "pino-pretty";
import type { NodeConfig } from "./types.ts";

export type Logger = pino.Logger;

/** @param write takes whole lines */
export function createLogger(level: NodeConfig["logLevel"], pretty: boolean): Logger {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (!pretty) return pino(options, pino.destination({ fd: 2, sync: true }));
  return pino(
    options,
    prettyLine({
      destination: 2,
      sync: true,
      translateTime: "HH:MM:ss.l",
      ignore: "pid,hostname",
      singleLine: true,
    }),
  );
}
