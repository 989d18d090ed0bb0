/**
 * A change in two steps. All that can fail is done first, beside what is in force: files are opened, ports are taken,
 * versions prove themselves. Then the change counts, which cannot fail; or all is as if it had never been prepared.
 */

/** A change of which all that can fail is done. Exactly one of its methods is to be called. */
export interface Prepared {
  /** From now on what is new counts, and what was there before is given up. */
  finish(): void;
  /** Gives up what is new. */
  abandon(): void;
}

/** Prepares one part of a change; undefined when there is nothing to change. */
type Maker = () => Prepared | undefined | Promise<Prepared | undefined>;

/**
 * Takes the next step of a change. When that fails, what is prepared already is abandoned.
 * @returns what the step returns
 * @throws what the step throws
 */
export async function orAbandon<T>(prepared: Prepared | undefined, step: () => T | Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    prepared?.abandon();
    throw error;
  }
}

/**
 * Prepares several parts of a change, one after the other, to be finished in the same order. When one of them fails,
 * those before it are abandoned, the last one first.
 */
export async function allOf(...makers: readonly Maker[]): Promise<Prepared> {
  const parts: Prepared[] = [];
  const all: Prepared = {
    finish: () => {
      for (const part of parts) part.finish();
    },
    abandon: () => {
      for (const part of parts.toReversed()) part.abandon();
    },
  };
  for (const make of makers) {
    const part = await orAbandon(all, make);
    if (part) parts.push(part);
  }
  return all;
}
