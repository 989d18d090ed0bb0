/** The last requests that failed, with their stacks, for whoever looks later; in bounded memory. */
import type { Failure } from "../../page/wire.ts";
import type { ExceptionEvent } from "../logs/tail-event.ts";
import type { Sees } from "./history.ts";

const MOST = 50;
const MOST_CHARS = 8_192;
const MOST_PATH_CHARS = 500;

interface Kept extends Failure {
  /** Rises with each change of any. */
  readonly seq: number;
}

export class RecentFailures {
  /** The latest at the end. */
  #kept: Kept[] = [];
  #seq = 0;

  /** The number of the last change. */
  get seq(): number {
    return this.#seq;
  }

  /** One that is like another of its function takes that one's place: what fails all the time says it once. */
  add(event: ExceptionEvent): void {
    const { type: _, server: _server, thread: _thread, ...rest } = event;
    const text = shortened(event.text, MOST_CHARS);
    const same = this.#kept.find((one) => one.function === event.function && one.text === text);
    const path = shortened(event.path, MOST_PATH_CHARS);
    const seq = ++this.#seq;
    this.#kept = this.#kept.filter((one) => one !== same);
    this.#kept.push({ ...rest, path, text, seq, key: same?.key ?? seq, count: (same?.count ?? 0) + 1 });
    if (this.#kept.length > MOST) this.#giveUpOne();
  }

  /** What has changed after that number, the latest first. */
  list(after = 0, sees?: Sees): Failure[] {
    return this.#kept
      .filter((one) => one.seq > after && (sees === undefined || sees(one.function)))
      .map(({ seq: _, ...failure }) => failure)
      .reverse();
  }

  /** The oldest of the function that has the most: one that fails a lot must not push out all others. */
  #giveUpOne(): void {
    const counts = new Map<string, number>();
    for (const one of this.#kept) counts.set(one.function, (counts.get(one.function) ?? 0) + 1);
    const most = Math.max(...counts.values());
    const place = this.#kept.findIndex((one) => counts.get(one.function) === most);
    this.#kept.splice(place, 1);
  }
}

function shortened(text: string, chars: number): string {
  return text.length > chars ? `${text.slice(0, chars)}…` : text;
}
