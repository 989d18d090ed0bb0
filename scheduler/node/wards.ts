/** The servers that are kept apart: one for requests on trial, and one for each function in quarantine. */
import type { Dispatcher } from "../dispatch/dispatcher.ts";
import type { Exchange } from "../dispatch/exchange.ts";
import type { Blame } from "../limits/blame.ts";
import type { Fleet } from "../policy/fleet.ts";
import type { FunctionSpec } from "../policy/thread.ts";
import type { Supervisor } from "../server/supervisor.ts";
import { Trial } from "./trial.ts";
import { Ward } from "./ward.ts";

interface WardsParts {
  readonly dispatcher: Dispatcher;
  readonly blame: Blame;
  /** A supervisor of one server, with this slot, for this fleet. */
  supervise(fleet: Fleet<Exchange>, slot: number): Supervisor<Exchange>;
  /** The version that the function's requests go to. */
  specOf(pool: string): FunctionSpec | undefined;
}

/** More than there may be of the others: their numbers do not change. */
const FIRST_SLOT = 256;
/** Functions in quarantine beyond this share the servers that there are. */
const MOST_WARDS = 4;

export class Wards {
  readonly trial: Trial;
  readonly #parts: WardsParts;
  readonly #open = new Set<Ward>();
  readonly #confined = new Map<string, Ward>();
  readonly #slots = new Set<number>();

  constructor(parts: WardsParts) {
    this.#parts = parts;
    this.trial = new Trial(() => this.#ward());
  }

  get all(): Iterable<Ward> {
    return this.#open;
  }

  /** Requests of the function go to a server of its own from now on. */
  confine(name: string): void {
    const wards = [...new Set(this.#confined.values())];
    const ward = wards.length < MOST_WARDS ? this.#ward() : wards[this.#confined.size % MOST_WARDS]!;
    this.#confined.set(name, ward);
    void ward.serve(name);
    const pausedUntilMs = () => this.#parts.blame.quarantined.get(name)?.pausedUntilMs ?? 0;
    this.#parts.dispatcher.confine(name, { fleet: ward.fleet, pausedUntilMs });
  }

  /** They go to the servers of all functions again. @returns the version that was confined */
  free(name: string): FunctionSpec | undefined {
    const ward = this.#confined.get(name);
    if (ward === undefined) return undefined;
    this.#confined.delete(name);
    this.#parts.dispatcher.unconfine(name, ward.fleet);
    if (![...this.#confined.values()].includes(ward)) void ward.close();
    return ward.specOf(name);
  }

  /** Functions of which another version is live by now. */
  outdated(): string[] {
    return [...this.#confined]
      .filter(([name, ward]) => ward.specOf(name)?.revision !== this.#parts.specOf(name)?.revision)
      .map(([name]) => name);
  }

  async close(): Promise<void> {
    await Promise.all([this.trial.close(), ...[...this.#open].map((ward) => ward.close())]);
  }

  #ward(): Ward {
    let slot = FIRST_SLOT;
    while (this.#slots.has(slot)) slot++;
    this.#slots.add(slot);
    const { dispatcher, specOf, supervise } = this.#parts;
    const ward: Ward = new Ward({
      dispatcher,
      specOf,
      supervise: (fleet) => supervise(fleet, slot),
      onClose: () => {
        this.#open.delete(ward);
        this.#slots.delete(slot);
      },
    });
    this.#open.add(ward);
    return ward;
  }
}
