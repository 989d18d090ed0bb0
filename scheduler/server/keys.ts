/** By which number the fleets know a server process. It says whose it is: several supervisors may count their own. */

const PER_SUPERVISOR = 1_000_000_000;

/** @param firstSlot of the supervisor */
export function serverKey(firstSlot: number, count: number): number {
  return firstSlot * PER_SUPERVISOR + count;
}

export function firstSlotOf(key: number): number {
  return Math.floor(key / PER_SUPERVISOR);
}
