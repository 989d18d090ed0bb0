/** Errors that the client of a function is answered with, when no function was asked or none answered. */
import type { ErrorKinds } from "./kind.ts";

export const REQUESTS = {
  NO_FUNCTION: {
    message: "no function answers {host}{path}{others}",
    status: 404,
    advice: "Compare the address with the routes that `dexter list` shows, and with base_domain.",
  },
  UPLOAD_TOO_LONG: {
    message: "the request's body is longer than max_body_bytes: {limit} bytes",
    status: 413,
    advice: "Send less, or raise max_body_bytes: for the node, or in the function's own `[dexter]` table.",
  },
  UPLOAD_STALLED: {
    message: "the request's body stopped: nothing came for {seconds} s",
    status: 408,
    advice: "The client, or its network, was too slow. body_timeout says how long a client may pause.",
  },
  UPLOAD_TOO_SLOW: {
    message: "the request's body came too slowly: less than min_rate, {rate} bytes a second",
    status: 408,
    advice: "min_rate counts for bodies that are longer than request_buffer, and while the function reads.",
  },
  QUEUE_FULL: {
    message: "every thread is busy and {waiting} requests already wait",
    status: 503,
    advice:
      "The client may try again after the time in `Retry-After`. If it happens often, raise " +
      "max_threads_per_child or num_servers, or add a node.",
  },
  QUEUE_TIMEOUT: {
    message: "no thread became idle within {seconds} s",
    status: 503,
    advice: "As for QUEUE_FULL. `dexter status` shows which function keeps the threads busy.",
  },
  STOPPING: {
    message: "dexter is stopping",
    admin: 503,
    advice: "Start dexter, then try again.",
  },
  SERVER_LOST: {
    message: "the server process ended while it served this request",
    status: 502,
    advice: "The log says why it ended. A request that may have had an effect is not repeated.",
  },
  BAD_RESPONSE: {
    message: "the thread's response could not be read: {reason}",
    status: 502,
    advice:
      "A body that ends early: the function's stream failed, or the server ended; the log says which. Anything else is a defect of dexter or of workerd: please report it.",
  },
} as const satisfies ErrorKinds;
