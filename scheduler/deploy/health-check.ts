/** The question that a new version must answer well before it goes live: one request to a thread of it. */
import { request } from "node:http";
import { EXCEPTION_HEADER, type ExceptionReport } from "../../runtime/protocol.ts";
import { parseReport } from "../dispatch/exception-report.ts";
import { DexterError } from "../errors.ts";
import type { Version } from "../types.ts";

/** NOT_WELL: a version did not answer its health path well. */
export class UnwellError extends DexterError {
  readonly problem: HealthProblem;
  readonly version: Version;

  constructor(version: Version, path: string, problem: HealthProblem) {
    const reason = typeof problem === "string" ? problem : `GET ${path} throws: ${problem.message}`;
    super("NOT_WELL", { function: version.functionName, version: version.id, reason });
    this.problem = problem;
    this.version = version;
  }
}

/** A version that takes longer to say that it is well is not. */
const TIMEOUT_MS = 10_000;
/** So much of a bad answer is shown, … */
const SHOWN_LENGTH = 500;
/** … and so much is read of it, for an exception's stack. */
const READ_LENGTH = 65_536;

/** Why the version is not well: words, or the exception that it threw. */
type HealthProblem = string | ExceptionReport;

/**
 * Requests `path` of the thread with this socket.
 * @returns nothing after an answer with a status below 400
 */
export function checkHealth(
  socketPath: string,
  path: string,
  host: string,
): Promise<HealthProblem | undefined> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const call = request({ socketPath, path, agent: false, headers: { host }, signal });
    const late = `GET ${path} was not answered within ${TIMEOUT_MS / 1000} s`;
    call.on("error", (error: Error) => resolve(signal.aborted ? late : error.message));
    call.on("upgrade", (_, socket) => {
      socket.destroy();
      resolve(`GET ${path} was answered with 101`);
    });
    call.on("response", (response) => {
      const { statusCode = 0, headers } = response;
      // Its body may have no end.
      if (statusCode < 400) {
        response.destroy();
        return resolve(undefined);
      }
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (piece: string) => {
        text += piece;
        if (text.length > READ_LENGTH) response.destroy();
      });
      response.on("error", () => {});
      response.on("close", () => {
        if (signal.aborted) return resolve(late);
        if (headers[EXCEPTION_HEADER] !== undefined) return resolve(parseReport(text));
        resolve(`GET ${path} was answered with ${statusCode}: ${text.slice(0, SHOWN_LENGTH)}`);
      });
    });
    call.end();
  });
}
