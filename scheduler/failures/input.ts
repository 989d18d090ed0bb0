/**
 * What an error answer is made from, and the parts that its HTML and text forms share.
 */
import { STATUS_CODES } from "node:http";
import path from "node:path";
import { PRIVATE_PREFIX } from "../../runtime/protocol.ts";
import type { BuildProblem } from "../bundle/problems.ts";
import type { MappedException } from "./stack.ts";

export type PageError =
  /** The handler threw. */
  | { readonly kind: "exception"; readonly exception: MappedException }
  /** The function has no build that works. */
  | { readonly kind: "build"; readonly problems: readonly BuildProblem[] }
  /** Anything else: `title` in a few words, `message` in full (may have several lines). */
  | { readonly kind: "failure"; readonly title: string; readonly message: string };

export interface ErrorPageInput {
  readonly status: number;
  readonly error: PageError;
  /** Empty when no function answers. */
  readonly functionName: string;
  readonly version?: string;
  readonly requestId: string;
  readonly request: {
    readonly method: string;
    readonly url: string;
    readonly headers: readonly (readonly [name: string, value: string])[];
  };
  /** Paths below this folder are shown relative to it. */
  readonly root?: string;
}

const SECRET_NAME = /auth|cookie|token|secret|passw|credential|session|signature|api-?key|csrf/i;
const MASK = "•••";

export function statusLine(status: number): string {
  return `${status} ${STATUS_CODES[status] ?? "Error"}`;
}

/** What happened, in a few words. */
export function titleOf(error: PageError): string {
  if (error.kind === "failure") return error.title;
  if (error.kind === "build")
    return error.problems.length === 1 ? "Build failed" : `Build failed: ${error.problems.length} problems`;
  return error.exception.name || "Exception";
}

/** The path of a file as it is shown. */
export function shownPath(file: string, root: string | undefined): string {
  if (root === undefined || !path.isAbsolute(file)) return file;
  const relative = path.relative(root, file);
  return relative.startsWith("..") ? file : relative;
}

/** A request's headers without dexter's own, and with what lets its sender act as the user masked. */
export function shownHeaders(headers: ErrorPageInput["request"]["headers"]): [name: string, value: string][] {
  return headers
    .filter(([name]) => !name.toLowerCase().startsWith(PRIVATE_PREFIX))
    .map(([name, value]) => [name, SECRET_NAME.test(name) ? masked(name, value) : value]);
}

/** Keeps what helps to find a mistake: the scheme of credentials, the names of cookies. */
function masked(name: string, value: string): string {
  if (/cookie/i.test(name))
    return value.replace(/=[^;]*/g, `=${MASK}`).replace(/(^|; *)[^=;]+(?=;|$)/g, `$1${MASK}`);
  const scheme = /^(Basic|Bearer|Digest|Negotiate) /i.exec(value);
  return scheme ? `${scheme[1]} ${MASK}` : MASK;
}
