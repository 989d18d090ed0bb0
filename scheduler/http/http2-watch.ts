/**
 * Tells of a client of HTTP/2 whose connection is of no more use. The library ends its side of HTTP/2 with a GOAWAY when
 * a client breaks the protocol, and takes floods of frames that ask for nothing; of either it says nothing, and leaves
 * the connection open. So what has come is compared, once a second, with what came of it.
 */
import type { ServerHttp2Session } from "node:http2";
import type { TLSSocket } from "node:tls";
import { outflowOf } from "./backlog.ts";

/** A ping, or the answer to one. */
const PING_BYTES = 17;
/** So many bytes in a second, of which nothing comes, are a flood, … */
const FLOOD_BYTES = 65_536;
/** … in the second second: a body that nobody wants any more may be on its way. */
const MOST_FLOODS = 1;
/** How many requests a client may give up at once, and a second. Just below what the library ends a connection for. */
const MOST_GIVEN_UP = 900;
const GIVEN_UP_A_SECOND = 33;

/** What has come of a connection so far. */
interface Yield {
  readonly streams: number;
  readonly bodyBytes: number;
  /** Streams at the moment. */
  readonly open: number;
}

export class Http2Watch {
  readonly #socket: TLSSocket;
  readonly #session: ServerHttp2Session;
  #readBytes = 0;
  #sentBytes = 0;
  #streams = 0;
  #bodyBytes = 0;
  #isAsked = false;
  #floods = 0;
  #givenUp = 0;

  constructor(socket: TLSSocket, session: ServerHttp2Session) {
    this.#socket = socket;
    this.#session = session;
  }

  /** To be asked once a second. */
  isUseless({ streams, bodyBytes, open }: Yield): boolean {
    const { bytesRead } = this.#socket;
    const { taken, waiting } = outflowOf(this.#socket);
    const read = bytesRead - this.#readBytes;
    const sent = taken - this.#sentBytes;
    const isFruitless = streams === this.#streams && bodyBytes <= this.#bodyBytes;
    this.#readBytes = bytesRead;
    this.#sentBytes = taken;
    this.#streams = streams;
    this.#bodyBytes = bodyBytes;
    if (this.#session.destroyed) return false;
    // A client that takes a long answer says often how much more it takes.
    this.#floods = isFruitless && read > FLOOD_BYTES && sent < read ? this.#floods + 1 : 0;
    if (this.#floods > MOST_FLOODS) return true;
    this.#givenUp = Math.max(0, this.#givenUp - GIVEN_UP_A_SECOND);
    // A session that the library has ended sends nothing any more, though nothing is in its way.
    if (this.#isAsked) return waiting === 0 && (this.#session.state.outboundQueueSize ?? 0) > 0;
    if (read > PING_BYTES && (isFruitless || open === 0)) this.#ask();
    return false;
  }

  /** A request was given up. @returns whether there have been too many of these */
  givesUpTooMuch(): boolean {
    return ++this.#givenUp > MOST_GIVEN_UP;
  }

  #ask(): void {
    this.#isAsked = true;
    this.#session.ping(() => {
      this.#isAsked = false;
    });
  }
}
