/** The functions as a table that can be sorted by each column. */
import { byId, element, list, setAttribute, setText } from "./dom.ts";
import { count, duration, rate } from "./format.ts";
import type { Shown } from "./memory.ts";
import type { Figures, FunctionState } from "./wire.ts";

/** A node may have a thousand; more rows than this help nobody. */
const MOST_ROWS = 100;
const FILTER_FROM = 12;
const NO_FIGURES: Figures = { perSecond: 0, errors: 0, p50Ms: null, p99Ms: null };

type Row = FunctionState & Figures;

interface Column {
  readonly title: string;
  readonly value: (row: Row) => number | string;
  readonly text: (row: Row) => string;
  /** Numbers begin with the largest. */
  readonly isNumber: boolean;
  readonly alarm?: (row: Row) => boolean;
}

const number = (title: string, value: (row: Row) => number, text = count, alarm = false): Column => ({
  title,
  value,
  text: (row) => text(value(row)),
  isNumber: true,
  ...(alarm && { alarm: (row) => value(row) > 0 }),
});
const time = (title: string, value: (row: Row) => number | null): Column => ({
  title,
  value: (row) => value(row) ?? -1,
  text: (row) => duration(value(row)),
  isNumber: true,
});
const COLUMNS: readonly Column[] = [
  { title: "Function", value: ({ name }) => name, text: ({ name }) => name, isNumber: false },
  number("Req/s", ({ perSecond }) => perSecond, rate),
  time("p50", ({ p50Ms }) => p50Ms),
  time("p99", ({ p99Ms }) => p99Ms),
  number("Errors", ({ errors }) => errors, count, true),
  number("Busy", ({ busy }) => busy),
  number("Spare", ({ idle }) => idle),
  number("Starting", ({ starting }) => starting),
  number("Queued", ({ queued }) => queued, count, true),
  { title: "Version", value: ({ version }) => version, text: versionOf, isNumber: false },
];

export class FunctionTable {
  readonly #body = element("tbody");
  readonly #heads: HTMLElement[];
  readonly #filter = byId<HTMLInputElement>("filter");
  #column = COLUMNS[0]!;
  #descending = false;
  #shown: Shown | undefined;

  constructor() {
    this.#heads = COLUMNS.map((column) => this.#makeHead(column));
    const caption = element("caption", { class: "unseen" }, "Functions; the headings sort");
    const head = element("thead", {}, element("tr", {}, ...this.#heads));
    byId("functions").append(element("table", {}, caption, head, this.#body));
    this.#filter.addEventListener("input", () => this.#render());
    this.#markHeads();
  }

  show(shown: Shown): void {
    this.#shown = shown;
    this.#render();
  }

  #makeHead(column: Column): HTMLElement {
    const button = element("button", { type: "button" }, column.title);
    button.addEventListener("click", () => {
      this.#descending = this.#column === column ? !this.#descending : column.isNumber;
      this.#column = column;
      this.#markHeads();
      this.#render();
    });
    return element("th", { scope: "col", ...(column.isNumber && { class: "number" }) }, button);
  }

  #markHeads(): void {
    for (const [place, head] of this.#heads.entries()) {
      const isOwn = COLUMNS[place] === this.#column;
      setAttribute(head, "aria-sort", isOwn ? (this.#descending ? "descending" : "ascending") : "none");
    }
  }

  #render(): void {
    if (this.#shown === undefined) return;
    const { status, figures } = this.#shown.now;
    const wanted = this.#filter.value.trim().toLowerCase();
    const rows = status.functions
      .filter(({ name }) => name.includes(wanted))
      .map(
        (fn): Row => ({
          ...fn,
          ...(Object.hasOwn(figures.functions, fn.name) ? figures.functions[fn.name]! : NO_FIGURES),
        }),
      );
    rows.sort(
      (a, b) =>
        compare(this.#column.value(a), this.#column.value(b)) * (this.#descending ? -1 : 1) ||
        compare(a.name, b.name),
    );
    byId("filter-row").hidden = status.functions.length < FILTER_FROM;
    list(this.#body, rows.slice(0, MOST_ROWS), { key: ({ name }) => name, make: makeRow, update: updateRow });
    setText(byId("functions-note"), noteOf(rows.length, status.functions.length));
  }
}

function versionOf({ version, canary }: Row): string {
  const live = version || "none";
  return canary ? `${live}, ${canary.percent} % ${canary.version}` : live;
}

function noteOf(rows: number, all: number): string {
  const hidden = rows > MOST_ROWS ? ` The first ${MOST_ROWS} of ${count(rows)} are shown.` : "";
  if (all === 0) return "This node has no function yet.";
  return `Requests/s of the last 10 seconds; p50, p99 and errors of the last minute.${hidden}`;
}

function compare(a: number | string, b: number | string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function makeRow(): HTMLElement {
  const cells = COLUMNS.map(({ isNumber }, place) =>
    place === 0 ? element("th", { scope: "row" }) : element("td", { class: isNumber ? "number" : "code" }),
  );
  return element("tr", {}, ...cells);
}

function updateRow(made: HTMLElement, row: Row): void {
  for (const [place, { text, alarm }] of COLUMNS.entries()) {
    const cell = made.children[place]!;
    setText(cell, text(row));
    setAttribute(cell, "data-alarm", alarm?.(row) ? "yes" : undefined);
  }
}
