/** What a cell says, shown beside the one that is pointed at or has the focus. Escape hides it. */
import { byId } from "./dom.ts";

const GAP = 6;

export class Tip {
  readonly #box = byId("tip");
  #cell: HTMLElement | undefined;

  constructor() {
    document.addEventListener("keydown", ({ key }) => {
      if (key === "Escape") this.#hide();
    });
  }

  /** For the cells in this grid. */
  explain(grid: HTMLElement): void {
    grid.addEventListener("focusin", ({ target }) => this.#show(target));
    grid.addEventListener("focusout", () => this.#hide());
    grid.addEventListener("pointerover", ({ target }) => this.#show(target));
    grid.addEventListener("pointerleave", () => this.#hide());
  }

  /** The state has changed. */
  refresh(): void {
    if (this.#cell?.isConnected) this.#show(this.#cell);
    else this.#hide();
  }

  #show(target: EventTarget | null): void {
    const cell = (target as HTMLElement | null)?.closest<HTMLElement>('[role="gridcell"]');
    if (!cell) return;
    this.#cell = cell;
    this.#box.textContent = cell.dataset.tip ?? "";
    this.#box.hidden = false;
    const at = cell.getBoundingClientRect();
    const own = this.#box.getBoundingClientRect();
    const left = Math.min(at.left, document.documentElement.clientWidth - own.width - GAP);
    const fitsBelow = at.bottom + GAP + own.height < window.innerHeight;
    const top = fitsBelow ? at.bottom + GAP : at.top - GAP - own.height;
    this.#box.style.left = `${Math.max(GAP, left)}px`;
    this.#box.style.top = `${top}px`;
  }

  #hide(): void {
    this.#cell = undefined;
    this.#box.hidden = true;
  }
}
