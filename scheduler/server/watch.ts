/** Whether servers answer, and how busy their processes are. The fleet is told. */
import type { Fleet } from "../policy/fleet.ts";
import type { Member } from "./member.ts";
import type { Roster } from "./roster.ts";

const PROBE_TIMEOUT_MS = 1_000;

export class Watch<T> {
  readonly #fleet: Fleet<T>;
  readonly #roster: Roster;

  constructor(fleet: Fleet<T>, roster: Roster) {
    this.#fleet = fleet;
    this.#roster = roster;
  }

  probeAll(): void {
    for (const member of this.#roster.all) if (member.process.stage !== "starting") void this.#probe(member);
  }

  /** A server that may be dying gets no requests, where others can take them, before it has answered a probe. */
  suspect(key: number): void {
    const member = this.#roster.get(key);
    if (!member || this.#fleet.server(key)?.responsive === false) return;
    this.#fleet.probed(key, false, performance.now());
    void this.#probe(member);
  }

  async #probe({ key, process }: Member): Promise<void> {
    const answered = await process
      .control("GET", "/", { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) })
      .then(
        () => true,
        () => false,
      );
    this.#fleet.probed(key, answered, performance.now());
  }

  readLoads(): void {
    const nowMs = performance.now();
    for (const { key, load } of this.#roster.all) {
      const found = load.read(this.#fleet.server(key)?.requests ?? 0, nowMs);
      if (found) this.#fleet.adapt(key, found, nowMs);
    }
  }
}
