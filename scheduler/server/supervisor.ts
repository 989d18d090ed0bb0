/**
 * The supervisor owns the server processes. Each pass of `#reconcile` compares what should be with what
 * is, in a few named steps; events (an exit, a request counted, a signal) only bring the next pass
 * forward, so a lost event delays a repair by a second at most and never prevents it.
 */
import type { Fleet } from "../policy/fleet.ts";
import type { Thread } from "../policy/thread.ts";
import { Generations } from "./generations.ts";
import { isOwnDeath, type Member } from "./member.ts";
import { type LoadOutcome, Outcomes } from "./outcomes.ts";
import { Roster } from "./roster.ts";
import { Slot } from "./slot.ts";
import type { RestartCause, SupervisorPorts, SupervisorSettings } from "./supervision.ts";
import { Watch } from "./watch.ts";

const TICK_MS = 1_000;
/** How often servers are looked at: whether they answer, and how busy they are. */
const LOOK_MS = 100;
/** A generation with resident threads that takes longer to start is given up; workerd runs their modules first. */
const START_DEADLINE_MS = 30_000;

export class Supervisor<T> {
  readonly #fleet: Fleet<T>;
  readonly #ports: SupervisorPorts;
  #settings: SupervisorSettings;
  readonly #slots: Slot[] = [];
  readonly #roster = new Roster();
  readonly #outcomes: Outcomes<T>;
  readonly #generations: Generations<T>;
  readonly #watch: Watch<T>;
  readonly #settledWaiters: (() => void)[] = [];
  #functions: Promise<unknown> = Promise.resolve();
  /** Raised by a restart; servers of an older epoch are replaced. */
  #epoch = 1;
  #allAtOnce = false;
  #stopping = false;
  #timer: NodeJS.Timeout | undefined;
  #loadTimer: NodeJS.Timeout | undefined;
  /** How many passes were asked for since the latest began; 0 when none is under way. */
  #passes = 0;

  constructor(fleet: Fleet<T>, settings: SupervisorSettings, ports: SupervisorPorts) {
    this.#fleet = fleet;
    this.#settings = settings;
    this.#ports = ports;
    this.#watch = new Watch(fleet, this.#roster, ports);
    const isLasting = (key: number) => this.member(key)?.isLasting ?? false;
    this.#outcomes = new Outcomes(fleet, { ...ports, isLasting, wake: () => this.wake() });
    this.#generations = new Generations(fleet, {
      ...ports,
      loads: this.#outcomes,
      settings: () => this.#settings,
    });
  }

  /**
   * Starts every server; they get threads and requests only once `functions` (their first builds) are there.
   * Rejects with SERVER_FAILED when one of the first generation does not become ready.
   */
  async start(functions: Promise<unknown>): Promise<void> {
    this.#functions = functions;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#loadTimer = setInterval(() => this.#watch.look(), LOOK_MS);
    this.#reconcile();
    await Promise.all([functions, ...this.#slots.map((slot) => slot.next?.process.ready)]);
    this.#reconcile();
  }

  get settings(): SupervisorSettings {
    return this.#settings;
  }

  /** Takes new settings; `restart` puts them into force. */
  configure(settings: SupervisorSettings): void {
    this.#settings = settings;
  }

  /** How often all servers were restarted: by a reload, a signal, a change of their settings. */
  get restarts(): number {
    return this.#epoch - 1;
  }

  member(key: number): Member | undefined {
    return this.#roster.get(key);
  }

  /** The slot of a server, also for a while after its end: what was lost with it is told then. */
  slotOf(key: number): number | undefined {
    return this.#roster.slotOf(key);
  }

  get members(): Iterable<Member> {
    return this.#roster.all;
  }

  /** Replaces every server: one after the other, or all at once. No request is lost either way. */
  restart(how: "one by one" | "at once"): void {
    this.#epoch++;
    this.#allAtOnce = how === "at once";
    this.#reconcile();
  }

  /** Something happened that may ask for a change. */
  wake(): void {
    this.#reconcile();
  }

  /** Resolves when no server is about to be replaced, or when it stops. */
  settled(): Promise<void> {
    const settled = new Promise<void>((resolve) => this.#settledWaiters.push(resolve));
    this.#reconcile();
    return settled;
  }

  get #isSettled(): boolean {
    if (this.#stopping) return true;
    return this.#slots.every(
      ({ current, next }) =>
        current && !next && current.epoch === this.#epoch && !this.#generations.wantsResidents(current),
    );
  }

  /** Where debuggers find the resident threads of the first server that has an inspector and serves. */
  get inspectorPort(): number | undefined {
    return this.#slots.find(({ current }) => current?.process.inspectorPort)?.current?.process.inspectorPort;
  }

  /** The server may be dying: see `Watch`. */
  suspect(key: number): void {
    this.#watch.suspect(key);
  }

  /** Queues a load at the thread's server. */
  load(thread: Thread): void {
    this.member(thread.server)?.loader.load(thread);
  }

  /** Rejects with LOAD_FAILED when the thread cannot be loaded, or its server died of it. */
  outcome(thread: Thread): Promise<LoadOutcome> {
    return this.#outcomes.of(thread);
  }

  /** Ends a server that does not get on; another takes its place. Resolves when it is gone. */
  async kill(key: number): Promise<void> {
    const process = this.member(key)?.process;
    process?.kill();
    await process?.exited;
  }

  get isStopping(): boolean {
    return this.#stopping;
  }

  end(thread: Thread): void {
    this.member(thread.server)?.loader.end(thread);
  }

  forget(revision: string): void {
    this.#generations.forget(revision);
    for (const member of this.members) member.loader.forget(revision);
  }

  /** Drains and ends every server; `graceful` false kills them. Resolves when all are gone. */
  async stop(graceful: boolean): Promise<void> {
    this.#stopping = true;
    this.#reconcile();
    if (!graceful) for (const member of this.members) member.process.kill();
    await Promise.all([...this.members].map((member) => member.process.exited));
    clearInterval(this.#timer);
    clearInterval(this.#loadTimer);
  }

  #tick(): void {
    this.#fleet.tick(performance.now());
    this.#reconcile();
    this.#ports.onPass();
  }

  /** A step may cause events that ask for another pass. */
  #reconcile(): void {
    if (++this.#passes > 1) return;
    do {
      this.#passes = 1;
      this.#spawnMissing();
      this.#giveUpLate();
      this.#switchToReady();
      this.#drainExcess();
      this.#endDrained();
    } while (this.#passes > 1);
    this.#passes = 0;
    if (this.#settledWaiters.length > 0 && this.#isSettled)
      for (const resolve of this.#settledWaiters.splice(0)) resolve();
  }

  #spawnMissing(): void {
    if (this.#stopping) return;
    while (this.#slots.length < this.#settings.numServers) {
      this.#slots.push(new Slot(this.#settings.firstSlot + this.#slots.length));
    }
    for (const slot of this.#slots.slice(0, this.#settings.numServers)) {
      if (slot.next || !slot.mayStart(Date.now())) continue;
      const cause = slot.current ? this.#causeToReplace(slot.current) : undefined;
      if (slot.current && !cause) continue;
      slot.next = this.#spawn(slot);
      if (cause) this.#ports.onRestart(slot.index, cause);
    }
  }

  #causeToReplace(current: Member): RestartCause | undefined {
    const server = this.#fleet.server(current.key);
    const isSpent = server !== undefined && server.requests >= server.recycleAt;
    if (isSpent && current.ageMs >= this.#settings.recycleAfterMs) return "recycle";
    const outdated = current.epoch !== this.#epoch;
    if (outdated && this.#allAtOnce) return "reload";
    if (this.#slots.some((other) => other.next)) return undefined;
    if (outdated) return "reload";
    return this.#generations.wantsResidents(current) ? "residents" : undefined;
  }

  #spawn(slot: Slot): Member {
    const member = this.#generations.spawn(slot, this.#epoch);
    this.#roster.add(member);
    member.process.exited.then((how) => this.#exited(slot, member, how));
    Promise.all([member.process.ready, this.#functions]).then(
      () => this.#becameReady(slot, member),
      () => {},
    );
    return member;
  }

  #becameReady(slot: Slot, member: Member): void {
    if (slot.next !== member) return;
    this.#generations.admit(member);
    this.wake();
  }

  /** A module scope that never ends would keep the slot from ever getting another generation. */
  #giveUpLate(): void {
    for (const { next } of this.#slots) {
      if (next?.process.stage !== "starting" || next.residents.length === 0) continue;
      if (next.ageMs >= START_DEADLINE_MS) next.process.kill();
    }
  }

  /** With nothing to replace, or nothing that serves, a server opens at once; else with its start threads loaded. */
  #switchToReady(): void {
    for (const slot of this.#slots) {
      const { next, current } = slot;
      if (next?.process.stage !== "running" || !this.#fleet.server(next.key)) continue;
      const serves = current && !this.#fleet.server(current.key)?.isSpent;
      if (serves && !this.#fleet.isWarm(next.key)) continue;
      slot.switch();
      if (current) this.#drain(current);
      this.#fleet.open(next.key, performance.now());
      this.#spawnMissing();
    }
  }

  #drainExcess(): void {
    const keep = this.#stopping ? 0 : this.#settings.numServers;
    for (const slot of this.#slots.splice(keep)) for (const member of slot.members) this.#drain(member);
  }

  #drain(member: Member): void {
    member.drain();
    this.#fleet.drain(member.key, performance.now());
  }

  #endDrained(): void {
    for (const member of this.members) {
      const busy = this.#fleet.server(member.key)?.busy ?? 0;
      member.endDrained(busy, this.#settings.stopTimeoutMs, {
        cut: () => this.#ports.onCut(member.key),
        wake: () => this.wake(),
      });
    }
  }

  #exited(slot: Slot, member: Member, how: string): void {
    const { slot: server, generation, pid } = member.process;
    const isExpected = member.isDraining || this.#stopping;
    this.#roster.remove(member);
    if (!isExpected && !member.isHung && isOwnDeath(how)) this.#ports.onCrash(member);
    this.#ports.onExit(member.key);
    this.#fleet.removeServer(member.key, performance.now());
    if (slot.next === member && member.process.failedToStart && !this.#stopping)
      this.#generations.distrust(member);
    slot.remove(member);
    if (isExpected) this.#ports.onEvent("info", "server ended", { server, generation, pid });
    else {
      const restartInMs = slot.died(member.ageMs, Date.now());
      if (restartInMs > 0) setTimeout(() => this.wake(), restartInMs).unref();
      this.#ports.onEvent("error", `server died: ${how}`, { server, generation, pid, restartInMs });
      this.#ports.onRestart(server, member.process.failedToStart ? "failed-start" : "crash");
    }
    this.#outcomes.lost(member, isExpected ? undefined : how);
    this.wake();
  }
}
