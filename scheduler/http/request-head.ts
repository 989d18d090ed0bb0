/**
 * Reads the heads of the requests of one connection, strictly (RFC 9112 §2–5). A client mostly sends the
 * headers that it sent last time, with another target: then comparing them is all the reading that is done,
 * and what was found out about them, or rendered of them, is used again.
 */
import { renderForwarded } from "./forwarded.ts";
import { findHeadEnd, readHeaderLines } from "./header-lines.ts";
import { inspectHeaders, inspectTarget, type Refusal, type RequestFacts, type RequestSource } from "./vet.ts";

/** Most bytes of a head, with the empty lines before it. */
export const MAX_HEAD = 16_384;

/** One request's head. */
export interface RequestHead {
  /** The target as it was sent. */
  readonly url: string;
  readonly facts: RequestFacts;
  readonly block: HeaderBlock;
}

/** How far a head has come: read, refused, or not whole yet. */
type HeadResult =
  | { readonly head: RequestHead; readonly next: number }
  | { readonly refusal: Refusal }
  | undefined;

const REQUEST_LINE = /^([!#$%&'*+.^_`|~\dA-Za-z-]+) ([^ ]+) HTTP\/(\d)\.(\d)$/;

function refusal(status: number, reason: string): { refusal: Refusal } {
  return { refusal: { status, reason } };
}

export class RequestHeadReader {
  #block: HeaderBlock | undefined;

  /**
   * Reads a head at the start of `bytes` (the empty lines that RFC 9112 §2.2 allows before it are skipped).
   * @param from how far an earlier call has looked already
   */
  read(bytes: Buffer, from = 0): HeadResult {
    let start = 0;
    while (bytes[start] === 13 && bytes[start + 1] === 10) start += 2;
    const end = findHeadEnd(bytes, Math.max(start, from - 3));
    if ((end < 0 ? bytes.length : end) > MAX_HEAD)
      return refusal(431, `the head is over ${MAX_HEAD / 1024} KB`);
    if (end < 0) return refuseStart(bytes, start);
    const text = bytes.toString("latin1", start, end);
    const lineEnd = text.indexOf("\r\n");
    const line = REQUEST_LINE.exec(lineEnd < 0 ? text : text.slice(0, lineEnd));
    if (line === null) return refusal(400, "this is no request line of HTTP/1.1 or HTTP/1.0");
    const [, method, url, major, minor] = line as unknown as [string, string, string, string, string];
    const source = {
      method,
      httpVersionMajor: Number(major),
      httpVersionMinor: Number(minor),
      headers: lineEnd < 0 ? "" : text.slice(lineEnd + 2),
    };
    if (!this.#block?.isOf(source)) {
      const rawHeaders = readHeaderLines(source.headers, 0);
      if (typeof rawHeaders === "string") return refusal(400, rawHeaders);
      this.#block = new HeaderBlock(source, rawHeaders);
    }
    return { head: { url, facts: this.#block.factsFor(url), block: this.#block }, next: end + 4 };
  }
}

/** What can be told of a head before it is whole: what can become no request is not waited for. */
function refuseStart(bytes: Buffer, start: number): HeadResult {
  const text = bytes.toString("latin1", start);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/^[^!#$%&'*+.^_`|~\dA-Za-z\r-]|[\0-\x08\x0b\x0c\x0e-\x1f]|(?:^|[^\r])\n|\r[^\n]/.test(text))
    return refusal(400, "this is no HTTP request");
  return undefined;
}

/** As `request.cf.httpProtocol` names them. */
export type HttpProtocol = "HTTP/1.0" | "HTTP/1.1" | "HTTP/2";

/** A head without its target. `headers` is everything of it that is not named otherwise: equal text, equal headers. */
export type HeadSource = Omit<RequestSource, "rawHeaders"> & { readonly headers: string };

/** Everything about a head but its target. */
export class HeaderBlock {
  readonly method: string;
  readonly protocol: HttpProtocol;
  readonly rawHeaders: readonly string[];
  readonly #source: HeadSource;
  readonly #facts: Readonly<RequestFacts>;
  #forwarded = "";
  #forwardedTrusted: boolean | undefined;

  constructor(source: HeadSource, rawHeaders: readonly string[], protocol?: HttpProtocol) {
    this.method = source.method;
    this.protocol = protocol ?? (source.httpVersionMinor === 1 ? "HTTP/1.1" : "HTTP/1.0");
    this.rawHeaders = rawHeaders;
    this.#source = source;
    this.#facts = inspectHeaders({ ...source, rawHeaders });
  }

  isOf({ headers, method, httpVersionMajor, httpVersionMinor }: HeadSource): boolean {
    const known = this.#source;
    return (
      headers === known.headers &&
      method === known.method &&
      httpVersionMinor === known.httpVersionMinor &&
      httpVersionMajor === known.httpVersionMajor
    );
  }

  factsFor(url: string): RequestFacts {
    return inspectTarget(this.#facts, url);
  }

  /** The client's headers as they go on to a thread. */
  forwarded(trusted: boolean): string {
    if (this.#forwardedTrusted !== trusted) {
      this.#forwarded = renderForwarded(this.rawHeaders, this.#facts, trusted);
      this.#forwardedTrusted = trusted;
    }
    return this.#forwarded;
  }
}
