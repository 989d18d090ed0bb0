/**
 * One who follows: events wait here until they are taken. There is a bound to what may wait; whoever is too slow
 * loses events, and is told how many.
 */
import { isoTime } from "./access-format.ts";
import type { DroppedEvent, EndEvent } from "./tail-event.ts";
import type { TailFilter } from "./tail-filter.ts";

const MOST_EVENTS = 2_000;
const MOST_CHARS = 1024 * 1024;

/** `ending`: it has what waits, and the end, yet to take. */
type Stage = "following" | "ending" | "ended" | "left";

export class Follower {
  readonly filter: TailFilter;
  /** Resolves when it has gone. */
  readonly gone: Promise<void>;
  #stage: Stage = "following";
  #waiting: string[] = [];
  #chars = 0;
  #dropped = 0;
  #wake: () => void = () => {};
  #goneNow: () => void = () => {};

  constructor(filter: TailFilter) {
    this.filter = filter;
    this.gone = new Promise((resolve) => {
      this.#goneNow = resolve;
    });
  }

  /** @param line an event in JSON, with its line break */
  offer(line: string): void {
    if (this.#stage !== "following") return;
    const isFull = this.#waiting.length >= MOST_EVENTS || this.#chars + line.length > MOST_CHARS;
    if (isFull && this.#waiting.length > 0) this.#dropped++;
    else this.#add(line);
  }

  /** The last that it gets. */
  end(): void {
    if (this.#stage !== "following") return;
    this.#stage = "ending";
    this.#wake();
  }

  /** It follows no more, and what it has not taken is of no use. */
  leave(): void {
    this.#stage = "left";
    this.#waiting = [];
    this.#wake();
    this.#goneNow();
  }

  /** All that waits, or the next that comes; undefined when nothing will. One call at a time. */
  async take(): Promise<string | undefined> {
    if (this.#waiting.length === 0 && this.#stage === "following")
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    if (this.#stage === "ended" || this.#stage === "left") return undefined;
    this.#tellDropped();
    if (this.#stage === "ending") {
      this.#stage = "ended";
      this.#waiting.push(lineOf({ type: "end", time: isoTime(Date.now()) }));
    }
    const text = this.#waiting.join("");
    this.#waiting = [];
    this.#chars = 0;
    return text;
  }

  #tellDropped(): void {
    if (this.#dropped === 0) return;
    const time = isoTime(Date.now());
    this.#waiting.push(lineOf({ type: "dropped", time, what: "events", count: this.#dropped }));
    this.#dropped = 0;
  }

  #add(line: string): void {
    this.#waiting.push(line);
    this.#chars += line.length;
    this.#wake();
  }
}

function lineOf(event: DroppedEvent | EndEvent): string {
  return `${JSON.stringify(event)}\n`;
}
