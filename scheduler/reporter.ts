/**
 * Says what goes wrong, and what servers and functions print: to the log, and to the client whose request
 * it was.
 */
import type { ExceptionReport } from "../runtime/protocol.ts";
import type { Exchange } from "./dispatch/exchange.ts";
import { DexterError } from "./errors.ts";
import { answerFailure, exceptionText, type FailedRequest, isException } from "./failures.ts";
import { LoadError } from "./load-error.ts";
import type { Logger } from "./logger.ts";
import type { FunctionRegistry } from "./registry.ts";
import { parseServerLine } from "./server/output.ts";
import type { Member } from "./supervisor.ts";

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
    const { level, message, thread, requestId } = parseServerLine(line);
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
    this.#options.log.error(failureText(failure, this.#options.registry));
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
    this.answer({ req: exchange.req, res: exchange.res, id, functionName, version }, shown);
  }

  answer(request: FailedRequest, failure: DexterError | ExceptionReport): void {
    answerFailure(request, failure, { dev: this.#options.dev, root: this.#options.root() });
  }
}

/** For the log and the terminal: a load failure with its stack in the sources' positions. */
export function failureText(failure: DexterError, registry: FunctionRegistry): string {
  if (!(failure instanceof LoadError)) return failure.message;
  const name = String(failure.details.function);
  return `${name} cannot be loaded: ${exceptionText(failure.report, registry.latest(name))}`;
}
