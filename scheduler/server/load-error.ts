/**
 * Why an isolate could not be made, as workerd says it, in the form that exceptions of requests have:
 * `Uncaught <name>: <message>` and lines `at <module>:<line>:<column> in <function>`. What workerd says about
 * workerd's own matters is put in words that mean something to the author of a function.
 */
import type { ExceptionReport } from "../../runtime/protocol.ts";
import { DexterError } from "../errors.ts";

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
/** The host worker, which did the loading. */
const OWN_FRAME = /^\s+at .*\/host\.js:.*$/gm;

const TRANSLATIONS: readonly (readonly [RegExp, (...found: string[]) => string])[] = [
  [
    /No such compatibility flag: (\S+)/,
    (flag) => `compatibility_flags: workerd knows no flag "${flag}"; look for a misspelling`,
  ],
  [
    /The compatibility flag (\S+) is experimental/,
    (flag) => `compatibility_flags: "${flag}" is experimental, which dexter does not allow; remove it`,
  ],
  [
    /Compatibility flags are mutually contradictory: (\S+) vs (\S+)/,
    (one, other) => `compatibility_flags: "${one}" and "${other}" contradict each other; keep one of them`,
  ],
  [
    /Dynamic Worker env size \((\d+) bytes\) exceeds the maximum allowed size of (\d+) bytes/,
    (size, most) =>
      `vars and secrets: all values together may have ${most} bytes, and these have ${size}; move some of them`,
  ],
  [
    /Incorrect type for map entry '(.*?)'/,
    (name) =>
      `its export "${name}" is neither a handler nor a class, and the entry module may export nothing else; ` +
      "put it into a module of its own",
  ],
  [
    /Cannot initialize \S*ExportedHandler\S* .*from an undefined or null value/,
    () => "one of its exports is undefined or null; the entry module may export handlers and classes only",
  ],
];

function parseLoadFailure(text: string): ExceptionReport {
  const uncaught = UNCAUGHT.exec(text);
  if (uncaught === null) {
    const message = text.replace(OWN_FRAME, "").trim();
    return { name: "", message: translated(message) ?? message.replace(/^Error: /, ""), stack: "" };
  }
  const [, name = "Error", message = ""] = uncaught;
  const translation = translated(message);
  if (translation !== undefined) return { name: "", message: translation, stack: "" };
  const frames = [...text.matchAll(FRAME)]
    .filter(([line]) => !line.includes("/host.js:"))
    .map(([, place, inside]) => (inside ? `    at ${inside} (${place})` : `    at ${place}`));
  return { name, message: message.trim(), stack: [`${name}: ${message.trim()}`, ...frames].join("\n") };
}

function translated(message: string): string | undefined {
  for (const [pattern, words] of TRANSLATIONS) {
    const found = pattern.exec(message);
    if (found) return words(...found.slice(1));
  }
  return undefined;
}
