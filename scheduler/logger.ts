/** The log: a JSON object a line. */
import { pino } from "pino";
import type { NodeConfig } from "./types.ts";

export type Logger = pino.Logger;

export function createLogger(level: NodeConfig["logLevel"], write: (line: string) => void): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write });
}

let stderr: ReturnType<typeof pino.destination> | undefined;

/** Synchronously, so that nothing is lost when the process ends. */
export function writeToStderr(text: string): void {
  stderr ??= pino.destination({ fd: 2, sync: true });
  stderr.write(text);
}
