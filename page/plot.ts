/** Points to the paths of an SVG. */

export const WIDTH = 900;
export const HEIGHT = 100;
/** Between samples further apart than this the node was away: the line has a gap. */
const GAP = WIDTH / 40;
/** A sample is of 5 seconds. */
const BAR = WIDTH / 180;

export interface Point {
  readonly x: number;
  /** Undefined where there is no value. */
  readonly y: number | undefined;
}

/** The next number that reads well, as the top of a scale. */
export function niceTop(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 1.5, 2, 3, 5, 7.5, 10].map((step) => step * power).find((step) => step >= most) ?? most;
}

export function lineOf(points: readonly Point[]): string {
  // A point alone is a dot.
  return runsOf(points)
    .map((run) => `M${run.map(at).join("L")}${run.length === 1 ? "h.1" : ""}`)
    .join("");
}

export function areaOf(points: readonly Point[]): string {
  return runsOf(points)
    .map(
      (run) =>
        `M${run[0]!.x.toFixed(1)} ${HEIGHT}L${run.map(at).join("L")}L${run.at(-1)!.x.toFixed(1)} ${HEIGHT}Z`,
    )
    .join("");
}

export function barsOf(points: readonly Point[]): string {
  return points
    .filter(({ y }) => y !== undefined && y < HEIGHT)
    .map(
      ({ x, y }) =>
        `M${(x - BAR).toFixed(1)} ${HEIGHT}V${y!.toFixed(1)}h${(BAR * 0.8).toFixed(1)}V${HEIGHT}Z`,
    )
    .join("");
}

function at({ x, y }: Point): string {
  return `${x.toFixed(1)} ${y!.toFixed(1)}`;
}

/** Points that hang together. */
function runsOf(points: readonly Point[]): Point[][] {
  const runs: Point[][] = [];
  let before: Point | undefined;
  for (const point of points) {
    const hangs = before?.y !== undefined && point.x - before.x < GAP;
    if (point.y !== undefined && hangs) runs.at(-1)!.push(point);
    else if (point.y !== undefined) runs.push([point]);
    before = point;
  }
  return runs;
}
