/**
 * Who may hold how many threads. A thread is only given, never taken away: what is to be left for others must be kept
 * before somebody holds it for long. Pure arithmetic.
 */

/** Of so many threads one is kept. A node with fewer keeps none from ordinary requests. */
const KEPT_OF = 16;

/** How many of the node's threads are kept for those who have few. */
export function kept(slots: number): number {
  return Math.floor(slots / KEPT_OF);
}

/**
 * Whether one who holds `held` threads may take one more, while `free` of `slots` can be taken. Who holds none always may.
 * The more somebody holds, the more must stay free: one alone can hold all but those that are kept, a second one all but
 * one of those that are kept, and a third gets that one.
 */
export function mayTake(held: number, free: number, slots: number): boolean {
  return held === 0 || free - 1 >= Math.ceil(((held + 1) * kept(slots)) / slots);
}

interface SocketHolders {
  readonly slots: number;
  /** Threads that sockets of other functions hold. */
  readonly others: number;
  /** There is no other function in the node. */
  readonly isAlone: boolean;
}

/**
 * How many threads the sockets of one function may hold. A socket holds its thread for as long as it likes, and is known to:
 * so sockets leave at least one thread to ordinary requests, and a function leaves as many to those of other
 * functions as it takes. A single thread may be held all the same.
 */
export function socketShare({ slots, others, isAlone }: SocketHolders): number {
  const left = Math.max(1, slots - Math.max(1, kept(slots))) - others;
  if (left <= 0) return 0;
  return isAlone ? left : Math.max(1, Math.floor(left / 2));
}

/** How many threads one client may hold while others wait, and its sockets at any time. @param share from 0 to 1 */
export function clientShare(slots: number, share: number): number {
  return Math.max(1, Math.floor(slots * share));
}
