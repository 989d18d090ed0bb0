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
  NO_SOCKET: {
    message: "{function} takes no further WebSocket: {reason}",
    status: 503,
    advice:
      "A WebSocket holds its thread, or a place in it. Raise the function's concurrency, so that one thread carries many, " +
      "or the directive that the log names.",
  },
  LOOP_DETECTED: {
    message: "a request came back to this node {hops} times, because a function asks itself with fetch()",
    status: 508,
    advice:
      "Functions that ask each other in a circle would take every thread. The request's `CDN-Loop` header counts how often " +
      "it has passed. Look for a fetch() of the node's own address.",
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
  CPU_LIMIT: {
    message: "the function ran for {seconds} s without a pause, and its server was ended",
    status: 503,
    advice:
      "Look for an endless loop or a slow regular expression; the log names the request. Work that takes so long by right " +
      "needs a higher cpu_limit, or pauses: `await scheduler.wait(0)`.",
  },
  QUARANTINED: {
    message: "{function} is in quarantine, and gets no requests for {seconds} s",
    status: 503,
    advice:
      "Its code has ended several servers; the log says how. Deploy a version that does not, or start dexter " +
      "again.",
  },
  RESPONSE_TIMEOUT: {
    message: "the function gave no response within {seconds} s",
    status: 504,
    advice:
      "Look for what the handler waits for: a slow upstream, a promise that never settles. Raise response_timeout if it " +
      "takes so long by right.",
  },
  REQUEST_TIMEOUT: {
    message: "the request took longer than {seconds} s",
    status: 504,
    advice: "Raise request_timeout for functions with long streams, or set it to 0.",
  },
  BAD_RESPONSE: {
    message: "the thread's response could not be read: {reason}",
    status: 502,
    advice:
      "A body that ends early: the function's stream failed, or the server ended; the log says which. Anything else is a defect of dexter or of workerd: please report it.",
  },
} as const satisfies ErrorKinds;
