/** Arrow keys in a grid of cells: the tab key leads to one of them, arrows, Home and End to the others. */

const STEPS: Readonly<Record<string, (place: number, last: number, columns: number) => number>> = {
  ArrowRight: (place) => place + 1,
  ArrowLeft: (place) => place - 1,
  ArrowDown: (place, _, columns) => place + columns,
  ArrowUp: (place, _, columns) => place - columns,
  Home: () => 0,
  End: (_, last) => last,
};

export function moveInGrid(grid: HTMLElement): void {
  grid.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    const cells = cellsOf(grid);
    const place = cells.indexOf(event.target as HTMLElement);
    if (step === undefined || place < 0) return;
    event.preventDefault();
    cells[step(place, cells.length - 1, columnsOf(cells))]?.focus();
  });
  grid.addEventListener("focusin", ({ target }) => {
    for (const cell of cellsOf(grid)) cell.setAttribute("tabindex", cell === target ? "0" : "-1");
  });
}

function cellsOf(grid: HTMLElement): HTMLElement[] {
  return [...grid.querySelectorAll<HTMLElement>('[role="gridcell"]')];
}

/** How many there are in the first line, as it is laid out now. */
function columnsOf(cells: readonly HTMLElement[]): number {
  const below = cells.findIndex(({ offsetTop }) => offsetTop > cells[0]!.offsetTop);
  return below < 0 ? cells.length : below;
}
