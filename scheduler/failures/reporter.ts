/**
 * Says what goes wrong, and what servers and functions print: to the log, to those who follow, and to the client whose
 * request it was.
 */
import type { ExceptionReport } from "../../runtime/protocol.ts";
import { frameText } from "../bundle/frame.ts";
import { UnwellError } from "../deploy/health-check.ts";
import type { FunctionRegistry } from "../deploy/registry.ts";
import type { Exchange } from "../dispatch/exchange.ts";
import { DexterError } from "../errors.ts";
import type { RecentFailures } from "../history/failures.ts";
import type { Incidents } from "../limits/incidents.ts";
import { isoTime } from "../logs/access-format.ts";
import type { Followers } from "../logs/followers.ts";
import type { Excess } from "../logs/line-rate.ts";
import type { Logger } from "../logs/logger.ts";
import { RateGate } from "../logs/rate-gate.ts";
import type { ExceptionEvent } from "../logs/tail-event.ts";
import type { Thread } from "../policy/thread.ts";
import type { OutputStream } from "../server/launch.ts";
import { LoadError } from "../server/load-error.ts";
import type { Member } from "../server/member.ts";
import { type ConsoleLine, parseServerLine } from "../server/output.ts";
import { answerFailure, exceptionText, type FailedRequest, isException, statusOf } from "./answer.ts";
import { mapException } from "./stack.ts";

/** What workerd says under most V8 flags, the default among them: isolates take some milliseconds longer to make. */
const KNOWN_NOISE = "NOSENTRY per-isolate bootstrap compile cache failed its compatibility check";

/** So much is shown of a line that cannot be read. */
const SHOWN_LENGTH = 200;

type Failure = DexterError | ExceptionReport;

interface ReporterOptions {
  readonly dev: boolean;
  readonly log: Logger;
  readonly registry: FunctionRegistry;
  /** The project's folder, below which paths are shown short. */
  readonly root: () => string;
  readonly followers: Followers;
  /** For those who look later. */
  readonly failures: Pick<RecentFailures, "add">;
  /** The slot of the server with this key. */
  readonly slotOf: (serverKey: number) => number | undefined;
  /** Lines per second and function; 0 = no limit. */
  readonly logRate: number;
  readonly incidents: Pick<Incidents, "note">;
}

export class Reporter {
  readonly #options: ReporterOptions;
  readonly #lines: RateGate;
  readonly #failures: RateGate;

  constructor(options: ReporterOptions) {
    this.#options = options;
    const gate = (what: "console lines" | "exceptions") =>
      new RateGate(options.logRate, (excess) => this.#tellExcess(what, excess));
    this.#lines = gate("console lines");
    this.#failures = gate("exceptions");
  }

  set logRate(perSecond: number) {
    this.#lines.perSecond = perSecond;
    this.#failures.perSecond = perSecond;
  }

  /** Says what was held back and not told yet. */
  close(): void {
    this.#lines.tellNow();
    this.#failures.tellNow();
  }

  /** A line that a server printed: its own, or a function's; or one on its control descriptor that cannot be read. */
  serverLine(line: string, stream: OutputStream, { loader, process }: Member, cut = 0): void {
    if (stream === "control") return this.#unreadable(line, process.slot);
    const said = parseServerLine(line, cut);
    const level = said.message.startsWith(KNOWN_NOISE) ? "debug" : said.level;
    const { log, followers } = this.#options;
    const thread = said.thread === undefined ? undefined : loader.threadNamed(said.thread);
    // What nobody gets counts for nothing.
    const isRead = log.isLevelEnabled(level) || (thread !== undefined && followers.any);
    if (!isRead || !this.#lines.allows(thread?.functionName ?? "", said.message)) return;
    const source = thread ? { function: thread.functionName } : { server: process.slot, stream };
    if (cut > 0) this.#tellCut(said, thread, process.slot, cut);
    log[level]({ ...source, ...(said.requestId ? { requestId: said.requestId } : {}) }, said.message);
    if (thread && followers.any) this.#tellLine(said, thread, process.slot);
  }

  #tellCut({ requestId }: ConsoleLine, thread: Thread | undefined, server: number, cut: number): void {
    const of = thread && { function: thread.functionName, version: thread.version };
    this.#options.incidents.note(
      "console_line",
      { ...of, ...(requestId && { requestId }), server },
      `a console line was cut: ${cut} bytes of it are missing`,
    );
  }

  #unreadable(line: string, server: number): void {
    if (!this.#lines.allows("", line)) return;
    const shown = line.slice(0, SHOWN_LENGTH);
    this.#options.log.warn({ server }, `a server wrote a control line that cannot be read: ${shown}`);
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
  exchangeFailed(exchange: Exchange, failure: Failure): void {
    const { registry, log } = this.#options;
    const { thread, functionName, id } = exchange;
    const entry = registry.functions.get(functionName);
    const version = thread ? registry.version(thread.revision) : entry?.live;
    if (this.#failures.allows(functionName)) {
      const text = isException(failure) ? exceptionText(failure, version) : failure.message;
      log[isException(failure) ? "error" : "warn"]({ function: functionName, requestId: id }, text);
      this.#tellException(exchange, failure, text);
    }
    // The refusal of a waiting request has the message only; the function's own failure has the stack.
    const isLoad = failure instanceof DexterError && failure.code === "LOAD_FAILED";
    const shown = (isLoad ? entry?.failure : undefined) ?? failure;
    exchange.responseBytes = this.answer({ request: exchange.request, id, functionName, version }, shown);
  }

  /** @returns the length of the answer's body */
  answer(request: FailedRequest, failure: Failure): number {
    return answerFailure(request, failure, { dev: this.#options.dev, root: this.#options.root() });
  }

  /** Failures as one error, which says all that the log would; a single one whose message does, or a bug, as it is. */
  combined(failures: readonly unknown[]): unknown {
    const unexpected = failures.find((failure) => !(failure instanceof DexterError));
    if (unexpected !== undefined) return unexpected;
    const texts = failures.map((failure) => this.textOf(failure as DexterError));
    const [only] = failures as readonly DexterError[];
    if (failures.length === 1 && texts[0] === only!.message) return only;
    return new DexterError("BUILD_FAILED", { reason: texts.join("\n\n") }, { cause: failures[0] });
  }

  #tellLine({ level, message, requestId }: ConsoleLine, thread: Thread, server: number): void {
    this.#options.followers.tell({
      type: "console",
      time: isoTime(Date.now()),
      id: requestId ?? null,
      function: thread.functionName,
      version: thread.version,
      server,
      thread: thread.slot,
      level,
      message,
    });
  }

  #tellException({ id, functionName, servedBy, request }: Exchange, failure: Failure, text: string): void {
    const { host, path } = request.head.facts;
    const server = servedBy && this.#options.slotOf(servedBy.server);
    const event: ExceptionEvent = {
      type: "exception",
      time: isoTime(Date.now()),
      id,
      function: functionName,
      ...(servedBy && { version: servedBy.version, thread: servedBy.slot }),
      ...(server !== undefined && { server }),
      method: request.method,
      host,
      path,
      status: statusOf(failure),
      text,
    };
    this.#options.failures.add(event);
    if (this.#options.followers.any) this.#options.followers.tell(event);
  }

  #tellExcess(what: "console lines" | "exceptions", { functionName, lines }: Excess): void {
    const { log, followers } = this.#options;
    const source = functionName === "" ? {} : { function: functionName };
    log.warn(source, `${lines} ${what} were dropped: log_rate allows ${this.#lines.perSecond} a second`);
    if (followers.any)
      followers.tell({ type: "dropped", time: isoTime(Date.now()), what, ...source, count: lines });
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
