/**
 * Whose code may be what holds a server up. All code of a server runs on one thread, so what was sent to it after it
 * ceased to answer has not begun. Pure.
 */

/** A request in a server. */
export interface Inside {
  readonly functionName: string;
  /** When it was sent there. */
  readonly sentMs: number;
}

/** A probe and a request go over two sockets, of which either may be read first. */
const SLACK_MS = 50;

/** @param owesSinceMs when the first probe was sent that has no answer */
export function suspectsOf<T extends Inside>(inside: readonly T[], owesSinceMs: number): T[] {
  return inside.filter(({ sentMs }) => sentMs <= owesSinceMs + SLACK_MS);
}

export function functionsOf(requests: readonly Inside[]): string[] {
  return [...new Set(requests.map(({ functionName }) => functionName))];
}
