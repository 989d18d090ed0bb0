/** What the prelude writes in place of an answer when a handler throws, and how it is read. */
import { EXCEPTION_HEADER, type ExceptionReport } from "../../runtime/protocol.ts";
import type { ResponseHead } from "./response-head.ts";

/** A report above this is cut off; stacks are far smaller. */
const MAX_REPORT_BYTES = 1 << 20;
const MOST_CAUSES = 10;

/** Whether a report follows, and no answer. */
export function announcesReport({ status, rawHeaders }: ResponseHead): boolean {
  return status === 500 && rawHeaders.some((name, i) => i % 2 === 0 && name === EXCEPTION_HEADER);
}

/** A report as it comes. */
export class IncomingReport {
  readonly #pieces: Buffer[] = [];
  #bytes = 0;

  /** Takes a copy. @returns whether the chunk itself is still needed: no */
  add(chunk: Buffer): false {
    this.#bytes += chunk.length;
    if (this.#bytes <= MAX_REPORT_BYTES) this.#pieces.push(Buffer.from(chunk));
    return false;
  }

  /** @param method of the request: HEAD has no body to tell what was thrown */
  read(method: string): ExceptionReport {
    if (method !== "HEAD") return parseReport(Buffer.concat(this.#pieces).toString("utf8"));
    return { name: "", message: "the handler threw; ask with GET to see what", stack: "" };
  }
}

/** A function may have written what looks like the prelude's report: nothing about it is taken for granted. */
export function parseReport(text: string): ExceptionReport {
  try {
    return reportOf(JSON.parse(text), MOST_CAUSES);
  } catch {
    return { name: "Error", message: "the exception could not be read", stack: "" };
  }
}

function reportOf(value: unknown, causes: number): ExceptionReport {
  const { name, message, stack, cause } = Object(value) as Record<string, unknown>;
  const text = (part: unknown) => (typeof part === "string" ? part : "");
  return {
    name: text(name),
    message: text(message),
    stack: text(stack),
    ...(cause && causes > 0 ? { cause: reportOf(cause, causes - 1) } : {}),
  };
}
