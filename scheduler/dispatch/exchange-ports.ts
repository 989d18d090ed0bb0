/** What an exchange asks of the dispatcher, and whom it tells of its course. `E` is the exchange. */
import type { ExceptionReport } from "../../runtime/protocol.ts";
import type { DexterError } from "../errors.ts";
import type { IncidentKind } from "../limits/incidents.ts";
import type { RefusalCause } from "../policy/effects.ts";
import type { Departure, Thread } from "../policy/thread.ts";
import type { Sockets } from "./sockets.ts";
import type { ThreadClient } from "./thread-client.ts";

/** What an exchange asks of the dispatcher. */
export interface ExchangePorts<E> {
  /** Undefined when the thread's server is gone. */
  clientOf(thread: Thread): ThreadClient | undefined;
  /** The exchange has left the thread. */
  release(exchange: E, thread: Thread, how: Departure): void;
  /** No thread has begun the request: another one may serve it. */
  retry(exchange: E): void;
  /** Its connection was lost, and it may run again if its server is found to be dead. @returns whether that is awaited */
  awaitFate(exchange: E, server: number): boolean;
  /** The exchange is over, and waits for nothing. */
  forget(exchange: E): void;
}

/** Who is told of requests on their way: the rest of the node. */
export interface RequestObserver<E> {
  readonly sockets: Pick<Sockets, "admit" | "join" | "left">;
  /** The traceparent that the function gets. @param given the client's, if it is valid */
  traceparent(given: string | undefined): string;
  /** A waiting request gets no thread. */
  refused(exchange: E, why: RefusalCause): void;
  /** The connection to a thread of the server with this key was lost: it may be dying. */
  suspect(serverKey: number): void;
  /** It may be what its server has died of, and may run again. */
  suspected(exchange: E): void;
  /** A limit was hit. */
  limited(exchange: E, kind: IncidentKind, message: string): void;
  /** Write an answer for a failure that is dexter's or the function's. */
  renderFailure(exchange: E, failure: DexterError | ExceptionReport): void;
  /** The exchange is over: for logs and counters, each in its turn. */
  readonly finished: readonly ((exchange: E) => void)[];
}
