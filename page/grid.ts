/** The scoreboard: the threads of each server as cells, each with its letter, a colour and a text. */
import { byId, element, list, setAttribute, setText } from "./dom.ts";
import { megabytes, plural } from "./format.ts";
import { moveInGrid } from "./grid-keys.ts";
import type { Shown } from "./memory.ts";
import { Tip } from "./tip.ts";
import type { ServerState, ThreadStatus } from "./wire.ts";

const LETTERS = { idle: "_", busy: "W", starting: "S", retiring: "G", open: "." } as const;
const WORDS: Readonly<Record<keyof typeof LETTERS, string>> = {
  idle: "idle",
  busy: "busy",
  starting: "starting",
  retiring: "retiring",
  open: "open slot",
};
/** A request that takes this long is worth a look. */
const LONG_S = 5;

interface Cell {
  readonly slot: number;
  readonly thread?: ThreadStatus;
}

export class Grid {
  readonly #tip = new Tip();

  constructor() {
    const states = Object.keys(LETTERS) as (keyof typeof LETTERS)[];
    byId("legend").append(
      ...states.map((state) =>
        element(
          "li",
          {},
          element("span", { class: "cell", "data-state": state }, LETTERS[state]),
          WORDS[state],
        ),
      ),
      element(
        "li",
        {},
        element("span", { class: "cell", "data-state": "busy", "data-long": "yes" }, "W"),
        `over ${LONG_S} s`,
      ),
    );
  }

  /** @param all whether other threads than these are open slots, and not somebody else's */
  show({ now }: Shown, all: boolean): void {
    list<ServerState>(byId("servers"), now.status.servers, {
      key: ({ slot, generation }) => `${slot}.${generation}`,
      make: (server) => this.#makeServer(server),
      update: (made, server) => this.#updateServer(made, server, all ? now.slotsPerServer : 0),
    });
    this.#tip.refresh();
  }

  #makeServer({ slot, generation }: ServerState): HTMLElement {
    const name = `server-${slot}-${generation}`;
    const row = element("div", { role: "row", class: "cells" });
    const grid = element("div", { role: "grid", "aria-labelledby": name, "aria-readonly": "true" }, row);
    moveInGrid(grid);
    this.#tip.explain(grid);
    return element(
      "article",
      { class: "server" },
      element("h3", { id: name }, `Server ${slot}`),
      element("p", { class: "quiet" }),
      grid,
    );
  }

  #updateServer(made: HTMLElement, server: ServerState, slots: number): void {
    const { pid, generation, state, requests, rssBytes, threads } = server;
    const facts = [
      `process ${pid}`,
      `generation ${generation}`,
      megabytes(rssBytes),
      plural(requests, "request"),
    ];
    setText(made.querySelector("p")!, [state, ...facts].filter((fact) => fact !== "").join(" · "));
    setAttribute(made, "data-state", state);
    const cells: Cell[] = threads.map((thread) => ({ slot: thread.slot, thread }));
    const taken = new Set(threads.map(({ slot }) => slot));
    for (let slot = 0; slot < slots; slot++) if (!taken.has(slot)) cells.push({ slot });
    cells.sort((a, b) => a.slot - b.slot);
    const row = made.querySelector(".cells")!;
    list(row, cells, {
      key: ({ slot }) => String(slot),
      make: () => element("div", { role: "gridcell", class: "cell", tabindex: "-1" }),
      update: updateCell,
    });
    // One of them is where the tab key leads.
    if (row.querySelector('[tabindex="0"]') === null) row.firstElementChild?.setAttribute("tabindex", "0");
  }
}

function updateCell(made: HTMLElement, { slot, thread }: Cell): void {
  const state = thread?.state ?? "open";
  setText(made, LETTERS[state]);
  setAttribute(made, "data-state", state);
  setAttribute(made, "data-kind", thread?.kind);
  const longest = Math.max(0, ...(thread?.serving ?? []).map(({ seconds }) => seconds));
  setAttribute(made, "data-long", longest >= LONG_S ? "yes" : undefined);
  const text = textOf(slot, thread);
  setAttribute(made, "aria-label", text.join(", "));
  made.dataset.tip = text.join("\n");
}

function textOf(slot: number, thread: ThreadStatus | undefined): string[] {
  if (thread === undefined) return [`Thread ${slot}: ${WORDS.open}`];
  const serving = (thread.serving ?? []).map(
    ({ method, path, seconds }) => `${method} ${path} for ${seconds.toFixed(1)} s`,
  );
  const about = `${thread.kind}, ${plural(thread.requests, "request")}`;
  return [`Thread ${slot}: ${WORDS[thread.state]}`, thread.function, ...serving, about];
}
