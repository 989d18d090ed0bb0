/**
 * Why an isolate could not be made, as workerd says it, in the form that exceptions of requests have:
 * `Uncaught <name>: <message>` and lines `at <module>:<line>:<column> in <function>`.
 */
import type { ExceptionReport } from "../runtime/protocol.ts";
import { DexterError } from "./errors.ts";

/** LOAD_FAILED with what was thrown. */
export class LoadError extends DexterError {
  readonly report: ExceptionReport;

  constructor(functionName: string, text: string) {
    const report = parseLoadFailure(text);
    super("LOAD_FAILED", { function: functionName, reason: report.message });
    this.report = report;
  }
}

const UNCAUGHT = /Uncaught (?:(\w*(?:Error|Exception)): )?([\s\S]*?)(?=\n\s+at |$)/;
const FRAME = /^\s+at (?!async )(\S+?:\d+:\d+)(?: in (.+))?$/gm;

export function parseLoadFailure(text: string): ExceptionReport {
  const uncaught = UNCAUGHT.exec(text);
  if (uncaught === null) return { name: "", message: text.trim(), stack: "" };
  const [, name = "Error", message = ""] = uncaught;
  const frames = [...text.matchAll(FRAME)]
    .filter(([line]) => !line.includes("/host.js:"))
    .map(([, place, inside]) => (inside ? `    at ${inside} (${place})` : `    at ${place}`));
  return { name, message: message.trim(), stack: [`${name}: ${message.trim()}`, ...frames].join("\n") };
}
