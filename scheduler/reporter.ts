/**
 * Says what goes wrong, and what servers and functions print: to the log, and to the client whose request
 * it was.
 */
import type { ExceptionReport } from "../runtime/protocol.ts";
import { frameText } from "./bundle/frame.ts";
import type { Exchange } from "./dispatch/exchange.ts";
import { mapException } from "./errorpage/stack.ts";
import { DexterError } from "./errors.ts";
import { answerFailure, exceptionText, type FailedRequest, isException } from "./failures.ts";
import { UnwellError } from "./health-check.ts";
import { LoadError } from "./load-error.ts";
import type { Logger } from "./logger.ts";
import type { FunctionRegistry } from "./registry.ts";
import { parseServerLine } from "./server/output.ts";
import type { Member } from "./supervisor.ts";

/** What workerd says under most V8 flags, the default among them: isolates take some milliseconds longer to make. */
const KNOWN_NOISE = "NOSENTRY per-isolate bootstrap compile cache failed its compatibility check";

export interface ReporterOptions {
  readonly dev: boolean;
  readonly log: Logger;
  readonly registry: FunctionRegistry;
  /** The project's folder, below which paths are shown short. */
  readonly root: () => string;
}

export class Reporter {
  readonly #options: ReporterOptions;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /** A line that a server printed: its own, or a function's. */
  serverLine(line: string, stream: "stdout" | "stderr", { loader, process }: Member): void {
    const { level: given, message, thread, requestId } = parseServerLine(line);
    const level = message.startsWith(KNOWN_NOISE) ? "debug" : given;
    const fn = thread === undefined ? undefined : loader.threadNamed(thread)?.functionName;
    const source = fn === undefined ? { server: process.slot, stream } : { function: fn };
    this.#options.log[level]({ ...source, ...(requestId ? { requestId } : {}) }, message);
  }

  /** A server came or went. That is the operator's concern, and noise while somebody writes a function. */
  serverEvent(level: "info" | "warn" | "error", event: string, details: object): void {
    const { dev, log } = this.#options;
    log[dev && level === "info" ? "debug" : level](details, event);
  }

  /** New code that does not work. Anything but an expected failure is thrown on. */
  failure(failure: unknown): void {
    if (!(failure instanceof DexterError)) throw failure;
    this.#options.log.error(this.textOf(failure));
  }

  /** A request whose function threw, or could not be reached. */
  exchangeFailed(exchange: Exchange, failure: DexterError | ExceptionReport): void {
    const { registry, log } = this.#options;
    const { thread, functionName, id } = exchange;
    const entry = registry.functions.get(functionName);
    const version = thread ? registry.version(thread.version) : entry?.live;
    const context = { function: functionName, requestId: id };
    if (isException(failure)) log.error(context, exceptionText(failure, version));
    else log.warn(context, failure.message);
    // The refusal of a waiting request has the message only; the function's own failure has the stack.
    const isLoad = failure instanceof DexterError && failure.code === "LOAD_FAILED";
    const shown = (isLoad ? entry?.failure : undefined) ?? failure;
    this.answer({ request: exchange.request, id, functionName, version }, shown);
  }

  answer(request: FailedRequest, failure: DexterError | ExceptionReport): void {
    answerFailure(request, failure, { dev: this.#options.dev, root: this.#options.root() });
  }

  /** Several failures as one error, which says all that the log would; anything unexpected as it is. */
  combined(failures: readonly unknown[]): unknown {
    const unexpected = failures.find((failure) => !(failure instanceof DexterError));
    if (unexpected !== undefined) return unexpected;
    const texts = failures.map((failure) => this.textOf(failure as DexterError));
    return new DexterError("BUILD_FAILED", { reason: texts.join("\n\n") }, { cause: failures[0] });
  }

  /** What the failure says; one of the function's own with its stack, and code, in the sources' positions. */
  textOf(failure: DexterError): string {
    if (failure instanceof UnwellError && typeof failure.problem !== "string")
      return `${failure.message}\n${exceptionText(failure.problem, failure.version)}`;
    if (!(failure instanceof LoadError)) return failure.message;
    const name = String(failure.details.function);
    const { report } = failure;
    if (report.stack === "") return `${name} cannot be loaded: ${report.message}`;
    const { stack } = mapException(report, this.#options.registry.latest(name) ?? { mainModule: "" });
    const { code } = stack;
    const frame = code ? `\n\n${code.file}:${code.line}:${code.column}\n${frameText(code.frame)}` : "";
    return `${name} cannot be loaded: ${stack.text}${frame}`;
  }
}
