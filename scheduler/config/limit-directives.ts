/**
 * The directives that say who may take how much. Those in `functionLimitShape` may also stand in a function's own
 * `[dexter]` table. docs/limits.md explains them.
 */
import { setting } from "./directive.ts";
import { byteSize, duration, oneOf, whole } from "./values.ts";

/** The most requests in progress of one HTTP/2 connection, when nothing is set. */
const STREAMS = 128;

export const functionLimitShape = {
  cpu_limit: setting(
    duration(50),
    "5s",
    "at once",
    "CPU time that one request may take in a row. A server that runs away for longer is killed.",
  ),
  response_timeout: setting(
    duration(),
    "100s",
    "at once",
    "How long a function may take until the head of its response. Then the client gets 504. 0 = no limit.",
  ),
  request_timeout: setting(
    duration(),
    "1h",
    "at once",
    "How long a request may take in all, streams included; WebSockets are not. Then it is cut off. 0 = no limit.",
  ),
  retry: setting(
    oneOf(["off", "safe", "idempotent"]),
    "safe",
    "at once",
    "Which requests run again in another server, once, when their server dies before the first byte of the answer: safe = GET, HEAD and OPTIONS, idempotent = PUT and DELETE, too, off = none.",
  ),
  max_body_bytes: setting(
    byteSize(0, 2 ** 40),
    "100MiB",
    "at once",
    "The longest body of a request. A longer one is answered with 413. 0 = no limit.",
  ),
  max_sockets: setting(
    whole(0, 1_000_000, "WebSockets"),
    10_000,
    "at once",
    "The most open WebSockets of one function in the node. A further one is answered with 503. 0 = no limit.",
  ),
  idle_socket_timeout: setting(
    duration(),
    "10m",
    "at once",
    "How long a WebSocket may be without a message or a ping in either direction. Then it is closed. 0 = no limit.",
  ),
};

export const nodeLimitShape = {
  request_buffer: setting(
    byteSize(0, 2 ** 26),
    "48KiB",
    "at once",
    "A request gets a thread when its body is whole, or when more than this has come of it. 0 = with its head.",
  ),
  body_timeout: setting(
    duration(),
    "30s",
    "at once",
    "How long a client may pause within a body. Then it gets 408, or its connection is closed. 0 = no limit.",
  ),
  min_rate: setting(
    byteSize(0, 2 ** 30),
    "1KiB",
    "at once",
    "Bytes per second that a client must send of a body that is longer than request_buffer, on average. 0 = no limit.",
  ),
  response_buffer: setting(
    byteSize(0, 2 ** 30),
    "1MiB",
    "at once",
    "How much of a response is read from the function before the client has taken it.",
  ),
  max_buffered_bytes: setting(
    byteSize(0, 2 ** 40),
    "128MiB",
    "at once",
    "How much of bodies and responses the node buffers in all. Beyond it, functions wait for slow clients.",
  ),
  send_timeout: setting(
    duration(),
    "30s",
    "at once",
    "How long a client may take nothing of an answer that waits for it. Then its connection is closed. 0 = no limit.",
  ),
  max_share_per_client: setting(
    whole(1, 100, "percent of the threads"),
    25,
    "at once",
    "While requests of others wait, one client address holds at most this share of all threads; its WebSockets never hold more.",
  ),
  max_connections: setting(
    whole(0, 1_000_000, "connections"),
    0,
    "at once",
    "The most connections of clients. 0 = as many as the file descriptors of the process allow.",
    { shown: "0: from the limit of file descriptors" },
  ),
  max_connections_per_client: setting(
    whole(0, 1_000_000, "connections"),
    1_000,
    "at once",
    "The most connections of one client address; those of trusted_proxies are not counted. 0 = no limit.",
  ),
  max_streams: setting(
    whole(1, 10_000, "streams"),
    STREAMS,
    "at once",
    "The most requests in progress of one HTTP/2 connection. Connections that are open keep theirs.",
  ),
  retry_budget: setting(
    whole(0, 100, "percent of the requests"),
    10,
    "at once",
    "The most requests that run again, as a share of the requests of the last minute.",
  ),
};
