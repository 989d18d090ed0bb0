/** The last 15 minutes: three charts above each other on one time. */

import { ChartTable } from "./chart-table.ts";
import { byId, element, setAttribute, setText } from "./dom.ts";
import { count, duration, moment, rate } from "./format.ts";
import type { Shown } from "./memory.ts";
import { areaOf, barsOf, HEIGHT, lineOf, niceTop, type Point, WIDTH } from "./plot.ts";
import type { Sample } from "./wire.ts";

const SPAN_MS = 15 * 60_000;
const SVG = "http://www.w3.org/2000/svg";

interface Series {
  readonly title: string;
  readonly kind: "rate" | "time" | "errors";
  readonly value: (sample: Sample) => number | null;
  readonly text: (value: number) => string;
  readonly least: number;
}

const SERIES: readonly Series[] = [
  { title: "Requests/s", kind: "rate", value: ({ perSecond }) => perSecond, text: rate, least: 1 },
  { title: "p99", kind: "time", value: ({ p99Ms }) => p99Ms, text: duration, least: 1 },
  { title: "Errors in 5 s", kind: "errors", value: ({ errors }) => errors, text: count, least: 1 },
];

interface Drawn {
  readonly series: Series;
  readonly picture: SVGElement;
  readonly paths: readonly SVGElement[];
  readonly cross: SVGElement;
  readonly top: HTMLElement;
  readonly now: HTMLElement;
}

export class Chart {
  readonly #drawn = SERIES.map(draw);
  readonly #table = new ChartTable();
  #shown: Shown | undefined;
  #from = 0;

  constructor() {
    const charts = byId("charts");
    charts.append(
      ...this.#drawn.map(({ picture, top, now, series }) =>
        element(
          "figure",
          { class: `chart ${series.kind}` },
          element("figcaption", {}, series.title, now),
          top,
          picture,
        ),
      ),
      element(
        "p",
        { class: "axis quiet", "aria-hidden": "true" },
        ...["−15 min", "−10", "−5", "now"].map((text) => element("span", {}, text)),
      ),
    );
    charts.addEventListener("pointermove", ({ clientX }) => this.#point(clientX));
    charts.addEventListener("pointerleave", () => this.#point(undefined));
  }

  show(shown: Shown): void {
    this.#shown = shown;
    this.#from = Date.parse(shown.now.time) - SPAN_MS;
    for (const drawn of this.#drawn) this.#render(drawn, shown.samples);
    this.#table.show(shown.samples);
  }

  #render({ series, picture, paths, top, now }: Drawn, samples: readonly Sample[]): void {
    const values = samples.map(series.value);
    const most = niceTop(Math.max(series.least, ...values.map((value) => value ?? 0)));
    const points = samples.map(
      (sample, place): Point => ({
        x: this.#placeOf(sample),
        y: values[place] == null ? undefined : HEIGHT - (HEIGHT * values[place]!) / most,
      }),
    );
    const shapes =
      series.kind === "errors"
        ? [barsOf(points)]
        : [lineOf(points), series.kind === "rate" ? areaOf(points) : ""];
    for (const [place, shape] of shapes.entries()) setAttribute(paths[place]!, "d", shape);
    setText(top, series.text(most));
    const latest = values.at(-1) ?? null;
    setText(now, latest === null ? "–" : series.text(latest));
    const highest = Math.max(0, ...values.map((value) => value ?? 0));
    const said = latest === null ? "none" : series.text(latest);
    setAttribute(
      picture,
      "aria-label",
      `${series.title}: now ${said}, at most ${series.text(highest)} in the last 15 minutes`,
    );
  }

  #placeOf({ at }: Sample): number {
    return ((Date.parse(at) - this.#from) / SPAN_MS) * WIDTH;
  }

  /** Reads out the sample that is pointed at. */
  #point(clientX: number | undefined): void {
    const box = this.#drawn[0]!.picture.getBoundingClientRect();
    const x = clientX === undefined ? undefined : ((clientX - box.left) / box.width) * WIDTH;
    const samples = this.#shown?.samples ?? [];
    const distance = (sample: Sample) => Math.abs(this.#placeOf(sample) - x!);
    const near =
      x === undefined || samples.length === 0
        ? undefined
        : samples.reduce((a, b) => (distance(b) < distance(a) ? b : a));
    for (const { cross } of this.#drawn) {
      setAttribute(cross, "d", near ? `M${this.#placeOf(near).toFixed(1)} 0V${HEIGHT}` : "");
    }
    setText(byId("readout"), near ? `${moment(near.at)} · ${textOf(near)}` : "");
  }
}

function textOf({ perSecond, p50Ms, p99Ms, errors, busy, queued }: Sample): string {
  return `${rate(perSecond)} requests/s · p50 ${duration(p50Ms)} · p99 ${duration(p99Ms)} · ${count(errors)} errors · ${count(busy)} busy · ${count(queued)} queued`;
}

function svg(
  tag: string,
  attributes: Readonly<Record<string, string>>,
  ...children: SVGElement[]
): SVGElement {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function draw(series: Series): Drawn {
  const paths = [svg("path", { class: "line" }), svg("path", { class: "area" })];
  const cross = svg("path", { class: "cross" });
  const grid = svg("path", {
    class: "grid",
    d: `M${WIDTH / 3} 0V${HEIGHT}M${(WIDTH * 2) / 3} 0V${HEIGHT}M0 ${HEIGHT}H${WIDTH}M0 0H${WIDTH}`,
  });
  const picture = svg(
    "svg",
    { role: "img", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none" },
    grid,
    ...paths,
    cross,
  );
  return {
    series,
    picture,
    paths,
    cross,
    top: element("span", { class: "top quiet", "aria-hidden": "true" }),
    now: element("b"),
  };
}
