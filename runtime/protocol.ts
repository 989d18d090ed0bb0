/**
 * What the scheduler and the code inside workerd agree on: header names and control messages.
 * The only file that both worlds import.
 */

/** A response with this header is an exception that the prelude caught; its body is an `ExceptionReport`. */
export const EXCEPTION_HEADER = "x-dexter-exception";

/** Carries the request id to the prelude; removed from what a client sends. */
export const REQUEST_ID_HEADER = "x-request-id";

/** workerd turns this header into `request.cf` and removes it. */
export const CF_HEADER = "x-dexter-cf";

/** Every header that starts so is private: removed from client requests. */
export const PRIVATE_PREFIX = "x-dexter-";

/** A caught exception as the prelude reports it: positions are those of the bundle. */
export interface ExceptionReport {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly cause?: ExceptionReport;
}
