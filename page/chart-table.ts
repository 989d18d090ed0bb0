/** What the charts show, in numbers: a row for each minute, the latest first. */
import { byId, element } from "./dom.ts";
import { count, duration, moment, rate } from "./format.ts";
import type { Sample } from "./wire.ts";

const MINUTE_MS = 60_000;
const HEADS = ["Minute from", "Requests/s", "p99", "Errors"];

export class ChartTable {
  readonly #details = byId<HTMLDetailsElement>("chart-table");
  #samples: readonly Sample[] = [];
  /** Of the newest sample that is in the table. */
  #shownAt: string | undefined;

  constructor() {
    this.#details.addEventListener("toggle", () => this.#render());
  }

  show(samples: readonly Sample[]): void {
    this.#samples = samples;
    this.#render();
  }

  #render(): void {
    const at = this.#samples.at(-1)?.at;
    // Whoever reads in it is not to be disturbed without need.
    if (!this.#details.open || at === this.#shownAt) return;
    this.#shownAt = at;
    const heads = HEADS.map((title) => element("th", { scope: "col" }, title));
    const head = element("thead", {}, element("tr", {}, ...heads));
    const body = element("tbody", {}, ...minutesOf(this.#samples).map(rowOf));
    this.#details.querySelector(".scroll")!.replaceChildren(element("table", {}, head, body));
  }
}

function rowOf([at, samples]: [at: string, samples: readonly Sample[]]): HTMLElement {
  const requests = samples.reduce((sum, { perSecond }) => sum + perSecond, 0) / samples.length;
  const slowest = samples.map(({ p99Ms }) => p99Ms).filter((ms) => ms !== null);
  const errors = samples.reduce((sum, one) => sum + one.errors, 0);
  const texts = [rate(requests), duration(slowest.length > 0 ? Math.max(...slowest) : null), count(errors)];
  const cells = texts.map((text) => element("td", {}, text));
  return element("tr", {}, element("th", { scope: "row" }, moment(at)), ...cells);
}

/** The latest minute first. */
function minutesOf(samples: readonly Sample[]): [at: string, samples: Sample[]][] {
  const minutes = new Map<number, Sample[]>();
  for (const sample of samples) {
    const minute = Math.floor(Date.parse(sample.at) / MINUTE_MS);
    minutes.set(minute, [...(minutes.get(minute) ?? []), sample]);
  }
  return [...minutes].reverse().map(([minute, own]) => [new Date(minute * MINUTE_MS).toISOString(), own]);
}
