/**
 * Follows the node: a stream of lines, each with the state as it is. Where a proxy on the way holds streams back, the
 * page asks again and again instead. A connection that is lost is tried again until somebody ends it.
 */
import { type NodeCalls, Refused } from "./node-calls.ts";
import type { LiveEnd, LiveState } from "./wire.ts";

export type ConnectionState = "live" | "polling" | "lost" | "ended";

interface ConnectionEvents {
  state(state: LiveState): void;
  changed(state: ConnectionState): void;
  /** The token does not do; the connection has ended. */
  refused(reason: string): void;
}

/** The node sends a line a second. */
const SILENCE_MS = 8_000;
const POLL_MS = 2_000;
const AGAIN_MS = 2_000;

export class Connection {
  readonly #calls: NodeCalls;
  readonly #events: ConnectionEvents;
  readonly #closed = new AbortController();
  #cursor = "";
  #polls = false;

  constructor(calls: NodeCalls, events: ConnectionEvents) {
    this.#calls = calls;
    this.#events = events;
  }

  close(): void {
    this.#closed.abort();
  }

  async run(): Promise<void> {
    while (!this.#closed.signal.aborted) {
      try {
        await (this.#polls ? this.#poll() : this.#stream());
      } catch (error) {
        if (this.#closed.signal.aborted) return;
        if (error instanceof Refused && error.isOfToken) return this.#events.refused(error.message);
        this.#events.changed(error instanceof Ended ? "ended" : "lost");
        await this.#pause(AGAIN_MS);
      }
    }
  }

  async #poll(): Promise<void> {
    const within = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(SILENCE_MS)]);
    const response = await this.#calls.get(`live?once&after=${this.#cursor}`, within);
    this.#take(await response.text(), "polling");
    await this.#pause(POLL_MS);
  }

  /** Ends without an error when the node has said enough for once. */
  async #stream(): Promise<void> {
    const silence = new AbortController();
    let timer = setTimeout(() => silence.abort(), SILENCE_MS);
    let lines = 0;
    try {
      const signal = AbortSignal.any([this.#closed.signal, silence.signal]);
      const response = await this.#calls.get(`live?after=${this.#cursor}`, signal);
      for await (const line of linesOf(response)) {
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), SILENCE_MS);
        this.#take(line, "live");
        lines++;
      }
      if (lines === 0) throw new Error("nothing came");
    } catch (error) {
      // Something between here and the node waits for an end that does not come.
      if (silence.signal.aborted && lines === 0) this.#polls = true;
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  #take(line: string, how: ConnectionState): void {
    const told = JSON.parse(line) as LiveState | LiveEnd;
    if ("end" in told) throw new Ended();
    this.#cursor = told.cursor;
    this.#events.changed(how);
    this.#events.state(told);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#closed.signal.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

/** The node stops. */
class Ended extends Error {}

async function* linesOf({ body }: Response): AsyncGenerator<string> {
  if (body === null) return;
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}
