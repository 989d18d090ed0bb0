/**
 * The supervisor owns the server processes. Each pass of `#reconcile` compares what should be with what
 * is, in a few named steps; events (an exit, a request counted, a signal) only bring the next pass
 * forward, so a lost event delays a repair by a second at most and never prevents it.
 */
import type { VersionPayload } from "../../runtime/protocol.ts";
import type { DexterError } from "../errors.ts";
import { functionOf } from "../policy/canary.ts";
import type { Fleet } from "../policy/fleet.ts";
import type { FunctionSpec, Thread } from "../policy/thread.ts";
import { contentId } from "../versions/revision.ts";
import type { ServerOptions } from "./launch.ts";
import { LoadMeter } from "./load.ts";
import { LoadError } from "./load-error.ts";
import { Loader } from "./loader.ts";
import { ServerProcess } from "./process.ts";
import { type Resident, residentsOf } from "./residents.ts";

/** What the supervisor keeps to. Replaced as a whole by `configure`. */
export interface SupervisorSettings {
  readonly numServers: number;
  readonly maxThreadsPerChild: number;
  readonly maxRequestsPerChild: number;
  /** How old a server becomes at least before its requests end it; 0 = they are a limit. */
  readonly recycleAfterMs: number;
  readonly stopTimeoutMs: number;
  /** All of a server's options but its place. */
  readonly server: Omit<
    ServerOptions,
    "slot" | "generation" | "directory" | "threadSlots" | "residents" | "onLine"
  >;
  /** Whose threads generations are born with: of no function, of hot ones, of all active ones. */
  readonly residents: "none" | "hot" | "all";
  /** For so long servers and versions are left alone before a server is replaced for resident threads. */
  readonly residentsAfterMs: number;
  /** A folder for a generation's sockets. */
  directoryOf(slot: number, generation: number): string;
}

/** Why a generation has to take the place of another. */
export const RESTART_CAUSES = ["crash", "failed-start", "recycle", "reload", "residents"] as const;
export type RestartCause = (typeof RESTART_CAUSES)[number];

export interface SupervisorPorts {
  payload(versionId: string): VersionPayload | undefined;
  /** Whether threads of the version may be resident. */
  mayReside(versionId: string): boolean;
  onLine(line: string, stream: "stdout" | "stderr", member: Member): void;
  /** A server became ready, was replaced, died, …: one line for the log. */
  onEvent(level: "info" | "warn" | "error", event: string, details: Record<string, unknown>): void;
  /** The server in the slot is to be replaced, or has to be because it ended. */
  onRestart(slot: number, cause: RestartCause): void;
  onLoaded(thread: Thread, tookMs: number): void;
  onLoadFailed(thread: Thread, reason: DexterError): void;
  /** The server that the fleet knew by this key is gone. */
  onExit(key: number): void;
  /** What should be has been compared with what is, as it is every second. */
  onPass(): void;
}

/** A process, its loader, and the key that the fleet knows it by. */
export interface Member {
  readonly key: number;
  readonly epoch: number;
  readonly process: ServerProcess;
  readonly loader: Loader;
  readonly load: LoadMeter;
  /** What it was born with, in its first slots. */
  readonly residents: readonly Resident[];
  drainingSinceMs?: number;
  settled?: "asked" | "done";
}

/** What became of a thread; `lost` with its server, or retired before its turn, for no fault of its own. */
export type LoadOutcome = "loaded" | "lost";

interface Slot {
  current?: Member;
  next?: Member;
  generation: number;
  /** Deaths in a row, each soon after its start. */
  failures: number;
  startAfterMs: number;
}

const TICK_MS = 1_000;
/** How often the load of a server that takes requests is looked at. */
const LOAD_MS = 100;
/** A generation with resident threads that takes longer to start is given up; workerd runs their modules first. */
const START_DEADLINE_MS = 30_000;
/** After a start that failed for no reason that names a function, so long none of its functions is resident. */
const DISTRUST_MS = 60_000;
const PROBE_TIMEOUT_MS = 1_000;
/** A server that lived this long did not fail to start. */
const STABLE_AFTER_MS = 10_000;
const MAX_BACKOFF_MS = 10_000;
/** Of how many servers the slot is known, ended ones among them: more than run at once, with all that replace them. */
const KEYS_KEPT = 2_048;

export class Supervisor<T> {
  readonly #fleet: Fleet<T>;
  readonly #ports: SupervisorPorts;
  #settings: SupervisorSettings;
  readonly #slots: Slot[] = [];
  readonly #members = new Map<number, Member>();
  /** Versions with which a generation did not start, and until when they are loaded only. */
  readonly #distrusted = new Map<string, number>();
  readonly #outcomes = new Map<
    Thread,
    { resolve: (outcome: LoadOutcome) => void; reject: (reason: DexterError) => void }
  >();
  readonly #settledWaiters: (() => void)[] = [];
  #functions: Promise<unknown> = Promise.resolve();
  #nextKey = 1;
  /** Of the latest servers, by key. */
  readonly #slotNumbers = new Map<number, number>();
  /** Raised by a restart; servers of an older epoch are replaced. */
  #epoch = 1;
  #allAtOnce = false;
  #stopping = false;
  #timer: NodeJS.Timeout | undefined;
  #loadTimer: NodeJS.Timeout | undefined;
  #pass: "none" | "running" | "again" = "none";

  constructor(fleet: Fleet<T>, settings: SupervisorSettings, ports: SupervisorPorts) {
    this.#fleet = fleet;
    this.#settings = settings;
    this.#ports = ports;
  }

  /**
   * Starts every server; they get threads and requests only once `functions` (their first builds) are there.
   * Rejects with SERVER_FAILED when one of the first generation does not become ready.
   */
  async start(functions: Promise<unknown>): Promise<void> {
    this.#functions = functions;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#loadTimer = setInterval(() => this.#readLoads(), LOAD_MS);
    this.#reconcile();
    await Promise.all([functions, ...this.#slots.map((slot) => slot.next?.process.ready)]);
    this.#reconcile();
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
    return this.#members.get(key);
  }

  /** The slot of a server, also for a while after its end: what was lost with it is told then. */
  slotOf(key: number): number | undefined {
    return this.#slotNumbers.get(key);
  }

  get members(): Iterable<Member> {
    return this.#members.values();
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
        current && !next && current.epoch === this.#epoch && !this.#wantsResidents(current),
    );
  }

  /** Where debuggers find the resident threads of the first server that has an inspector and serves. */
  get inspectorPort(): number | undefined {
    return this.#slots.find(({ current }) => current?.process.inspectorPort)?.current?.process.inspectorPort;
  }

  /** A server that may be dying gets no requests, where others can take them, before it has answered a probe. */
  suspect(key: number): void {
    const member = this.#members.get(key);
    if (!member || this.#fleet.server(key)?.responsive === false) return;
    this.#fleet.probed(key, false, performance.now());
    void this.#probe(member);
  }

  /** Queues a load at the thread's server. */
  load(thread: Thread): void {
    this.#members.get(thread.server)?.loader.load(thread);
  }

  /** Rejects with LOAD_FAILED when the thread cannot be loaded, or its server died of it. */
  outcome(thread: Thread): Promise<LoadOutcome> {
    return new Promise((resolve, reject) => this.#outcomes.set(thread, { resolve, reject }));
  }

  /** The thread whose modules the server runs now. */
  loadingIn(key: number): Thread | undefined {
    return this.#members.get(key)?.loader.loading;
  }

  /** Ends a server that does not get on; another takes its place. Resolves when it is gone. */
  async kill(key: number): Promise<void> {
    const process = this.#members.get(key)?.process;
    process?.kill();
    await process?.exited;
  }

  get isStopping(): boolean {
    return this.#stopping;
  }

  end(thread: Thread): void {
    this.#members.get(thread.server)?.loader.end(thread);
  }

  forget(versionId: string): void {
    this.#distrusted.delete(versionId);
    for (const member of this.#members.values()) member.loader.forget(versionId);
  }

  /** Drains and ends every server; `graceful` false kills them. Resolves when all are gone. */
  async stop(graceful: boolean): Promise<void> {
    this.#stopping = true;
    this.#reconcile();
    if (!graceful) for (const member of this.#members.values()) member.process.kill();
    await Promise.all([...this.#members.values()].map((member) => member.process.exited));
    clearInterval(this.#timer);
    clearInterval(this.#loadTimer);
  }

  #tick(): void {
    this.#fleet.tick(performance.now());
    this.#reconcile();
    this.#ports.onPass();
    for (const member of this.#members.values())
      if (member.process.stage !== "starting") void this.#probe(member);
  }

  /** A step may cause events that ask for another pass. */
  #reconcile(): void {
    if (this.#pass !== "none") {
      this.#pass = "again";
      return;
    }
    do {
      this.#pass = "running";
      this.#spawnMissing();
      this.#giveUpLate();
      this.#switchToReady();
      this.#drainExcess();
      this.#endDrained();
    } while ((this.#pass as string) === "again");
    this.#pass = "none";
    if (this.#settledWaiters.length > 0 && this.#isSettled)
      for (const resolve of this.#settledWaiters.splice(0)) resolve();
  }

  #spawnMissing(): void {
    if (this.#stopping) return;
    while (this.#slots.length < this.#settings.numServers) {
      this.#slots.push({ generation: 0, failures: 0, startAfterMs: 0 });
    }
    this.#slots.slice(0, this.#settings.numServers).forEach((slot, index) => {
      if (slot.next || Date.now() < slot.startAfterMs) return;
      const cause = slot.current ? this.#causeToReplace(slot.current) : undefined;
      if (slot.current && !cause) return;
      slot.next = this.#spawn(slot, index);
      if (cause) this.#ports.onRestart(index, cause);
    });
  }

  #causeToReplace(current: Member): RestartCause | undefined {
    const server = this.#fleet.server(current.key);
    const ageMs = Date.now() - current.process.startedAtMs;
    if (server && server.requests >= server.recycleAt && ageMs >= this.#settings.recycleAfterMs)
      return "recycle";
    const outdated = current.epoch !== this.#epoch;
    if (outdated && this.#allAtOnce) return "reload";
    if (this.#slots.some((other) => other.next)) return undefined;
    if (outdated) return "reload";
    return this.#wantsResidents(current) ? "residents" : undefined;
  }

  #wantsResidents({ key }: Member): boolean {
    const wanted = this.#residents();
    const { residentsAfterMs } = this.#settings;
    return (
      wanted !== undefined && this.#fleet.wantsResidents(key, wanted, performance.now(), residentsAfterMs)
    );
  }

  /** What a generation that starts now is to be born with; undefined when that is not wanted at all. */
  #residents(): FunctionSpec[] | undefined {
    const { residents } = this.#settings;
    if (residents === "none") return undefined;
    const trusted = (version: string) => Date.now() >= (this.#distrusted.get(version) ?? 0);
    return this.#fleet.residents(
      residents,
      this.#limits(),
      ({ version }) => trusted(version) && this.#ports.mayReside(version),
    );
  }

  #spawn(slot: Slot, index: number): Member {
    const settings = this.#settings;
    const key = this.#nextKey++;
    const generation = ++slot.generation;
    const residents = residentsOf(this.#residents() ?? [], (version) => this.#ports.payload(version)!);
    const process = new ServerProcess({
      ...settings.server,
      slot: index,
      generation,
      directory: settings.directoryOf(index, generation),
      // One more than may serve: there a new version proves itself when the server is full.
      threadSlots: settings.maxThreadsPerChild + 1,
      residents,
      onLine: (line, stream) => this.#ports.onLine(line, stream, member),
    });
    const loader = new Loader(process, {
      payload: (id) => this.#ports.payload(id),
      isAwaited: (thread) => this.#isAwaited(thread),
      hasWaiting: () => this.#fleet.queue.size > 0,
      loaded: (thread, tookMs) => {
        this.#ports.onLoaded(thread, tookMs);
        this.#settleOutcome(thread, "loaded");
        this.#fleet.loaded(thread, performance.now());
        if (slot.next === member) this.wake();
      },
      failed: (thread, reason) => this.#loadFailed(thread, reason),
      ended: (thread) => this.#fleet.ended(thread, performance.now()),
      unstarted: (thread) => {
        this.#settleOutcome(thread, "lost");
        this.#fleet.unstarted(thread, performance.now());
        if (slot.next === member) this.wake();
      },
    });
    const load = new LoadMeter(process.pid ?? 0);
    const member: Member = { key, epoch: this.#epoch, process, loader, load, residents };
    this.#members.set(key, member);
    this.#slotNumbers.set(key, index);
    this.#slotNumbers.delete(key - KEYS_KEPT);
    process.exited.then((how) => this.#exited(slot, member, how));
    Promise.all([process.ready, this.#functions]).then(
      () => this.#becameReady(slot, member),
      () => {},
    );
    return member;
  }

  #becameReady(slot: Slot, member: Member): void {
    if (slot.next !== member) return;
    const { slot: index, generation, pid } = member.process;
    const { residents } = member;
    const specs = residents.map(({ spec }) => spec);
    this.#fleet.addServer(member.key, this.#limits(), index, specs, performance.now());
    member.loader.adopt(this.#fleet.server(member.key)!.residents, residents);
    this.#ports.onEvent("info", "server is ready", { server: index, generation, pid });
    this.wake();
  }

  #limits() {
    const { maxThreadsPerChild, maxRequestsPerChild, recycleAfterMs } = this.#settings;
    return { maxThreads: maxThreadsPerChild, maxRequests: maxRequestsPerChild, lenient: recycleAfterMs > 0 };
  }

  /** A module scope that never ends would keep the slot from ever getting another generation. */
  #giveUpLate(): void {
    for (const { next } of this.#slots) {
      if (next?.process.stage !== "starting" || next.residents.length === 0) continue;
      if (Date.now() - next.process.startedAtMs >= START_DEADLINE_MS) next.process.kill();
    }
  }

  /** With nothing to replace, or nothing that serves, a server opens at once; else with its start threads loaded. */
  #switchToReady(): void {
    for (const slot of this.#slots) {
      const { next, current } = slot;
      if (next?.process.stage !== "running" || !this.#fleet.server(next.key)) continue;
      const serves = current && !this.#fleet.server(current.key)?.isSpent;
      if (serves && !this.#fleet.isWarm(next.key)) continue;
      slot.current = next;
      delete slot.next;
      if (current) this.#drain(current);
      this.#fleet.open(next.key, performance.now());
      this.#spawnMissing();
    }
  }

  #drainExcess(): void {
    const keep = this.#stopping ? 0 : this.#settings.numServers;
    for (const slot of this.#slots.splice(keep)) {
      for (const member of [slot.current, slot.next]) if (member) this.#drain(member);
    }
  }

  #drain(member: Member): void {
    member.process.drain();
    member.drainingSinceMs ??= Date.now();
    this.#fleet.drain(member.key, performance.now());
  }

  /** A drained server ends when its requests and their `waitUntil` work are done, or its time is up. */
  #endDrained(): void {
    for (const member of this.#members.values()) {
      if (member.drainingSinceMs === undefined) continue;
      const late = Date.now() - member.drainingSinceMs >= this.#settings.stopTimeoutMs;
      const busy = this.#fleet.server(member.key)?.busy ?? 0;
      if (late) member.process.kill();
      else if (busy === 0 && member.settled === undefined) {
        member.settled = "asked";
        member.loader.settle().then(() => {
          member.settled = "done";
          this.wake();
        });
      } else if (busy === 0 && member.settled === "done") member.process.term(this.#settings.stopTimeoutMs);
    }
  }

  #exited(slot: Slot, member: Member, how: string): void {
    const { slot: index, generation, pid } = member.process;
    const expected = member.drainingSinceMs !== undefined;
    this.#members.delete(member.key);
    this.#ports.onExit(member.key);
    this.#fleet.removeServer(member.key, performance.now());
    if (slot.next === member && member.process.failedToStart && !this.#stopping) this.#distrust(member);
    if (slot.next === member) delete slot.next;
    if (slot.current === member) delete slot.current;
    if (!expected && !this.#stopping) {
      const lived = Date.now() - member.process.startedAtMs;
      slot.failures = lived >= STABLE_AFTER_MS ? 0 : slot.failures + 1;
      // The first replacement comes at once.
      const backoff = slot.failures <= 1 ? 0 : Math.min(MAX_BACKOFF_MS, 100 * 2 ** (slot.failures - 2));
      slot.startAfterMs = Date.now() + backoff;
      if (backoff > 0) setTimeout(() => this.wake(), backoff).unref();
      this.#ports.onEvent("error", `server died: ${how}`, {
        server: index,
        generation,
        pid,
        restartInMs: backoff,
      });
      this.#ports.onRestart(index, member.process.failedToStart ? "failed-start" : "crash");
    } else {
      this.#ports.onEvent("info", "server ended", { server: index, generation, pid });
    }
    this.#settleLost(member, expected ? undefined : how);
    this.wake();
  }

  /**
   * What a server was to be born with is the likeliest reason that it did not start. Loaded, a version that is at
   * fault fails alone, and says why.
   */
  #distrust({ process, residents }: Member): void {
    const named = residents.filter(({ name }) => process.failedResidents.has(name));
    const until = named.length > 0 ? Number.POSITIVE_INFINITY : Date.now() + DISTRUST_MS;
    for (const { spec } of named.length > 0 ? named : residents) {
      if (this.#distrusted.has(spec.version) && until < Number.POSITIVE_INFINITY) continue;
      if (this.#distrusted.get(spec.version) === until) continue;
      this.#distrusted.set(spec.version, until);
      this.#ports.onEvent(
        "warn",
        "a server did not start with resident threads of a function; its threads are loaded instead",
        {
          server: process.slot,
          function: spec.name,
          version: contentId(spec.version),
        },
      );
    }
  }

  /** By a request, by who wants to know its outcome, or by a generation that does not serve before it is warm. */
  #isAwaited(thread: Thread): boolean {
    if (this.#fleet.queue.waiting(thread.functionName) > 0 || this.#outcomes.has(thread)) return true;
    return this.#fleet.server(thread.server)?.stage === "warming";
  }

  #loadFailed(thread: Thread, reason: DexterError): void {
    const alive =
      this.#members.has(thread.server) && this.#members.get(thread.server)!.process.stage !== "exited";
    this.#settleOutcome(thread, alive ? reason : "lost");
    // First, because whoever answers the requests that waited asks what is known of the function.
    if (alive) this.#ports.onLoadFailed(thread, reason);
    this.#fleet.loadFailed(thread, String(reason.details.reason ?? reason.message), performance.now());
    this.wake();
  }

  /** What a server ran as it died is the likeliest reason. @param how it died; undefined when it was to end */
  #settleLost({ key, loader }: Member, how: string | undefined): void {
    for (const thread of [...this.#outcomes.keys()]) {
      if (thread.server !== key) continue;
      const name = functionOf(thread.functionName);
      const fault = how !== undefined && thread === loader.loading && !this.#stopping;
      this.#settleOutcome(
        thread,
        fault ? new LoadError(name, `the server in which it was loaded ended (${how})`) : "lost",
      );
    }
  }

  #settleOutcome(thread: Thread, outcome: LoadOutcome | DexterError): void {
    const waiting = this.#outcomes.get(thread);
    this.#outcomes.delete(thread);
    if (typeof outcome === "string") waiting?.resolve(outcome);
    else waiting?.reject(outcome);
  }

  #readLoads(): void {
    const nowMs = performance.now();
    for (const member of this.#members.values()) {
      const load = member.load.read(this.#fleet.server(member.key)?.requests ?? 0, nowMs);
      if (load) this.#fleet.adapt(member.key, load, nowMs);
    }
  }

  async #probe(member: Member): Promise<void> {
    const answered = await member.process
      .control("GET", "/", { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) })
      .then(
        () => true,
        () => false,
      );
    this.#fleet.probed(member.key, answered, performance.now());
  }
}
