/**
 * A request that was sent ahead of its turn, and whose client has left. Whether its handler has begun is not known yet,
 * and a connection that closes before would be a turn that nobody takes. So its connection is kept for a while.
 */
import { AHEAD_MS } from "../../runtime/protocol.ts";
import type { ResponseSink, ThreadConnection } from "./thread-client.ts";

/** By then the thread has mostly begun it, or has returned it. */
const KNOWN_AFTER_MS = 2 * AHEAD_MS;
/** A longer answer to nobody is not waited for. */
const DISCARDED_BYTES = 65_536;

/**
 * Ends a request that was sent ahead so long ago.
 * @param over is called once the thread is done with it
 */
export function abandonAhead(connection: ThreadConnection, sentAgoMs: number, over: () => void): void {
  let ended = false;
  const end = () => {
    if (ended) return;
    ended = true;
    clearTimeout(timer);
    over();
  };
  const abandon = () => {
    connection.abandon();
    end();
  };
  const timer = setTimeout(abandon, Math.max(0, KNOWN_AFTER_MS - sentAgoMs));
  const nothing = () => {};
  const sink: ResponseSink = {
    onHead({ bodyKind, contentLength }) {
      const isShort = bodyKind === "none" || (bodyKind === "length" && contentLength <= DISCARDED_BYTES);
      if (!isShort) abandon();
    },
    onResponseBody: () => false,
    onSent: nothing,
    onReadDone: nothing,
    onThreadDrain: nothing,
    onEnd: end,
    onLost: end,
  };
  connection.handOver(sink);
}
