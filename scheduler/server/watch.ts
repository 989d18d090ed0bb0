/** Whether servers answer, and how busy their processes are. The fleet is told; who does not get on is reported. */
import type { Fleet } from "../policy/fleet.ts";
import type { Member } from "./member.ts";
import type { Roster } from "./roster.ts";
import type { SupervisorPorts } from "./supervision.ts";
import { clockOf } from "./usage.ts";

type WatchPorts = Pick<SupervisorPorts, "onAlive" | "cpuLimitMs" | "onHung">;

export class Watch<T> {
  readonly #fleet: Fleet<T>;
  readonly #roster: Roster;
  readonly #ports: WatchPorts;

  constructor(fleet: Fleet<T>, roster: Roster, ports: WatchPorts) {
    this.#fleet = fleet;
    this.#roster = roster;
    this.#ports = ports;
  }

  /** A server that may be dying gets no requests before it has answered a probe. */
  suspect(key: number): void {
    const member = this.#roster.get(key);
    if (!member || this.#fleet.server(key)?.responsive === false) return;
    member.health.suspect();
    this.#fleet.probed(key, false, performance.now());
    this.#probe(member);
  }

  /** Ten times a second. */
  look(): void {
    const nowMs = performance.now();
    for (const member of [...this.#roster.all]) {
      if (member.process.stage === "starting") continue;
      this.#lookAt(member, nowMs);
      const found = member.load.read(this.#fleet.server(member.key)?.requests ?? 0, nowMs);
      if (found) this.#fleet.adapt(member.key, found, nowMs);
    }
  }

  #lookAt(member: Member, nowMs: number): void {
    const { key, health } = member;
    const { answers = 0, busy = 0 } = this.#fleet.server(key) ?? {};
    if (health.look({ nowMs, answers, busy })) this.#probe(member);
    this.#fleet.probed(key, health.responsive, nowMs);
    // A debugger stops a server for as long as it likes.
    if (!health.owes || member.process.inspectorPort !== undefined) return;
    const condition = health.judge(clockOf(member.process.pid), this.#ports.cpuLimitMs(key));
    if (condition === "fine" || member.isHung) return;
    member.isHung = true;
    this.#ports.onHung(member, condition);
    member.process.kill();
  }

  #probe(member: Member): void {
    const { key, process, health } = member;
    const id = health.ask(performance.now());
    const answered = () => {
      if (health.answered(id)) this.#ports.onAlive(key);
      this.#fleet.probed(key, health.responsive, performance.now());
    };
    // A process that cannot even be asked owes the answer all the same: it ends, or is ended.
    const failed = ({ code }: NodeJS.ErrnoException) =>
      health.undelivered(code === "EMFILE" || code === "ENFILE");
    process.control("GET", "/").then(answered, failed);
  }
}
