/**
 * Runs one case against one target and returns what a client could observe, as plain data that can be
 * compared. A case never sleeps: it waits for bytes, for a gate or for a note, under one deadline.
 */
import { createHash } from "node:crypto";
import WebSocket from "ws";
import { CutError, type ResponseHead } from "../support/answer.ts";
import { type Connection, RawConnection, type RequestOptions } from "../support/http.ts";
import { Http2Client } from "../support/http2.ts";
import { REQUEST_HEADER_DIFFERENCES, RESPONSE_HEADER_DIFFERENCES } from "./differences.ts";
import { SocketLog } from "./socketLog.ts";
import type { WitnessSlot } from "./witness.ts";

const CASE_DEADLINE_MS = 30_000;
const LONGEST_BODY_SHOWN = 2_000;

const FRAMING = /^(content-length|transfer-encoding):/;

/** Something that serves the functions: plain workerd or dexter. */
export interface Target {
  readonly name: string;
  /** The loopback port where the function answers at host `<name>.localhost`. */
  port(functionName: string): number;
  /** What is spoken there. */
  readonly protocol: Protocol;
}

export type Protocol = "http1" | "https1" | "http2";

/** `exact` compares all; `echo` takes request headers out of a JSON body; `failure` keeps the status only. */
export type View = "exact" | "echo" | "failure";

export interface ViewOptions {
  readonly view?: View;
  /** Headers to compare although they are listed as differences: the handler sets them. */
  readonly keep?: readonly string[];
}

export interface Exchange {
  readonly head: ResponseHead;
  readonly bytes: Buffer;
  readonly cut: boolean;
}

/** What a case is given: one function of one target, and a corner of the witness. */
export class Session {
  readonly target: Target;
  readonly host: string;
  readonly witness: WitnessSlot;
  #port: number;
  #closers: (() => void)[] = [];

  constructor(target: Target, functionName: string, witness: WitnessSlot) {
    this.target = target;
    this.host = `${functionName}.localhost`;
    this.witness = witness;
    this.#port = target.port(functionName);
  }

  async connect(): Promise<Connection> {
    const connection = await OPENERS[this.target.protocol](this.#port);
    this.#closers.push(() => connection.destroy());
    return connection;
  }

  /** The request with this function's host and the way to the witness. */
  addressed(request: RequestOptions): RequestOptions {
    const headers = [...(request.headers ?? []), ["x-witness", this.witness.url] as const];
    return { host: this.host, ...request, headers };
  }

  /** One request on a connection of its own, read to the end. */
  async exchange(request: RequestOptions): Promise<Exchange> {
    const connection = await this.connect();
    await connection.send(this.addressed(request));
    const exchange = await readExchange(connection, request.method);
    connection.destroy();
    return exchange;
  }

  /** A WebSocket to the function, and the log of all that it says. */
  webSocket(path: string, options: { protocols?: string[]; compress?: boolean } = {}): SocketLog {
    const scheme = this.target.protocol === "http1" ? "ws" : "wss";
    const socket = new WebSocket(`${scheme}://127.0.0.1:${this.#port}${path}`, options.protocols ?? [], {
      rejectUnauthorized: false,
      headers: { Host: this.host, "x-witness": this.witness.url },
      perMessageDeflate: options.compress ?? false,
    });
    this.#closers.push(() => socket.terminate());
    return new SocketLog(socket);
  }

  close(): void {
    for (const close of this.#closers.splice(0)) close();
  }
}

const OPENERS: Readonly<Record<Protocol, (port: number) => Promise<Connection>>> = {
  http1: (port) => RawConnection.open(port),
  https1: (port) => RawConnection.openSecure(port, { ALPNProtocols: ["http/1.1"] }),
  http2: (port) => Http2Client.open(port),
};

/** What stands for the head of a connection that ended without a response. */
const NO_RESPONSE: ResponseHead = { version: "", status: 0, statusText: "no response", headers: [] };

/** Reads one whole response; a connection that ends before its head counts as status 0, cut. */
export async function readExchange(connection: Connection, method = "GET"): Promise<Exchange> {
  try {
    const head = await connection.head();
    return { head, ...(await connection.body(head, method).rest()) };
  } catch (error) {
    if (!(error instanceof CutError)) throw error;
    return { head: NO_RESPONSE, bytes: Buffer.alloc(0), cut: true };
  }
}

/** What a client could observe of an exchange, minus the documented differences. */
export function observed({ head, bytes, cut }: Exchange, options: ViewOptions = {}): Record<string, unknown> {
  if (options.view === "failure") return { status: head.status, statusText: head.statusText };
  const headers = observedHeaders(head, options.keep);
  const echo = options.view === "echo";
  return {
    version: head.version,
    status: head.status,
    statusText: head.statusText,
    headers: echo ? headers.filter((line) => !line.startsWith("content-length:")) : headers,
    body: echo ? echoedBody(bytes) : bodyText(bytes),
    cut,
  };
}

/** All headers in their order, but those that frame the body last: each hop writes them where it likes. */
export function observedHeaders(head: ResponseHead, keep: readonly string[] = []): string[] {
  const left = new Set(RESPONSE_HEADER_DIFFERENCES.map(({ name }) => name));
  for (const name of keep) left.delete(name);
  const lines = head.headers.filter(([name]) => !left.has(name)).map(([name, value]) => `${name}: ${value}`);
  const framing = (line: string) => Number(FRAMING.test(line));
  return lines.sort((one, other) => framing(one) - framing(other));
}

/** Latin-1 text, so that any two different bodies differ, or a digest when it is long. */
export function bodyText(bytes: Buffer): string {
  if (bytes.length <= LONGEST_BODY_SHOWN) return bytes.toString("latin1");
  return `${bytes.length} bytes, sha256 ${createHash("sha256").update(bytes).digest("hex")}`;
}

/** The JSON that the echo function answers with; its own length depends on the headers left out here. */
function echoedBody(bytes: Buffer): unknown {
  if (bytes[0] !== 0x7b) return bodyText(bytes);
  const echo = JSON.parse(bytes.toString()) as { headers: [string, string][] };
  const left = new Set([...REQUEST_HEADER_DIFFERENCES.map(({ name }) => name), "x-witness"]);
  return { ...echo, headers: echo.headers.filter(([name]) => !left.has(name)) };
}

/** Runs `scenario` under the deadline and closes whatever it opened. */
export async function withSession<T>(session: Session, scenario: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${session.target.name}: still waiting after ${CASE_DEADLINE_MS} ms`)),
      CASE_DEADLINE_MS,
    );
  });
  try {
    return await Promise.race([scenario(), deadline]);
  } catch (error) {
    if (error instanceof CutError)
      throw new Error(`${session.target.name}: ${error.message}`, { cause: error });
    throw error;
  } finally {
    clearTimeout(timer);
    session.close();
  }
}
