/** The servers that there are, by the keys that the fleet knows them by. */
import type { Member } from "./member.ts";

/** Of how many servers the slot is known, ended ones among them: more than run at once, with all that replace them. */
const KEYS_KEPT = 2_048;

export class Roster {
  readonly #members = new Map<number, Member>();
  /** Of the latest servers, by key. */
  readonly #slotNumbers = new Map<number, number>();

  add(member: Member): void {
    this.#members.set(member.key, member);
    this.#slotNumbers.set(member.key, member.process.slot);
    this.#slotNumbers.delete(member.key - KEYS_KEPT);
  }

  remove({ key }: Member): void {
    this.#members.delete(key);
  }

  get(key: number): Member | undefined {
    return this.#members.get(key);
  }

  /** The slot of a server, also for a while after its end: what was lost with it is told then. */
  slotOf(key: number): number | undefined {
    return this.#slotNumbers.get(key);
  }

  get all(): Iterable<Member> {
    return this.#members.values();
  }
}
