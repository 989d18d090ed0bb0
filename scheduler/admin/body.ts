/** The bodies of calls: how large each may be, and how long it may take. */
import type { IncomingMessage } from "node:http";
import { DexterError } from "../errors.ts";

/** What of a call's context is needed here. */
interface Call {
  readonly env: { readonly incoming: IncomingMessage };
  readonly req: { raw: Request };
}

export interface BodyLimit {
  readonly bytes: number;
  readonly ms: number;
}

const MEBIBYTE = 2 ** 20;

/** What a call takes unless it says otherwise. */
export const SMALL_BODY: BodyLimit = { bytes: MEBIBYTE, ms: 30_000 };
/**
 * A version as it is uploaded, compressed, over a slow line. workerd takes no isolates of more than some ten
 * megabytes.
 */
export const UPLOAD: BodyLimit = { bytes: 64 * MEBIBYTE, ms: 600_000 };

/**
 * Holds the body that `c.req` gives to the limit. A length that says too much is refused at once, with
 * BODY_TOO_LARGE; otherwise reading fails with that or with BODY_TIMEOUT.
 */
export function limitBody(c: Call, limit: BodyLimit): void {
  const { incoming } = c.env;
  const { method, url, headers, signal } = c.req.raw;
  const length = incoming.headers["content-length"];
  if (length !== undefined && Number(length) > limit.bytes) throw tooLarge(limit);
  const hasBody = length !== undefined || incoming.headers["transfer-encoding"] !== undefined;
  // A request with these methods hands no body on, whatever was sent.
  if (!hasBody || method === "GET" || method === "HEAD") return;
  const body = limited(incoming, limit);
  c.req.raw = new Request(url, { method, headers: [...headers], body, duplex: "half", signal });
}

function tooLarge({ bytes }: BodyLimit): DexterError {
  return new DexterError("BODY_TOO_LARGE", { size: `${bytes / MEBIBYTE} MiB` });
}

/** What comes, as it is asked for, up to the limit. */
function limited(incoming: IncomingMessage, limit: BodyLimit): ReadableStream<Uint8Array> {
  // What is not read must stay: destroying the request would end the connection that the answer needs.
  const pieces = incoming.iterator({ destroyOnReturn: false });
  let left = limit.bytes;
  let timer: NodeJS.Timeout | undefined;
  let late: Promise<never> | undefined;
  const startTimer = () => {
    late = new Promise((_, reject) => {
      const seconds = Math.ceil(limit.ms / 1000);
      timer = setTimeout(() => reject(new DexterError("BODY_TIMEOUT", { seconds })), limit.ms);
    });
    // It is always raced; alone it would be a rejection that nobody handles.
    late.catch(() => {});
    return late;
  };
  const next = async () => {
    const { value, done } = await Promise.race([pieces.next(), late ?? startTimer()]);
    if (done) return undefined;
    left -= (value as Buffer).length;
    if (left < 0) throw tooLarge(limit);
    return value as Buffer;
  };
  return new ReadableStream(
    {
      async pull(controller) {
        const piece = await next().catch((error) => {
          clearTimeout(timer);
          throw error;
        });
        if (piece) return controller.enqueue(piece);
        clearTimeout(timer);
        controller.close();
      },
      cancel: () => clearTimeout(timer),
    },
    // Nothing is read ahead of being asked for.
    { highWaterMark: 0 },
  );
}
