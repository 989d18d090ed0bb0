/**
 * Makes generations: decides with which resident threads one is born, starts its process, and gives it to the fleet
 * when it is ready.
 */
import type { Fleet } from "../policy/fleet.ts";
import type { ServerLimits } from "../policy/server.ts";
import type { FunctionSpec } from "../policy/thread.ts";
import { Distrust } from "./distrust.ts";
import { serverKey } from "./keys.ts";
import type { LoaderPorts } from "./loader.ts";
import { Member } from "./member.ts";
import { prepareResidents } from "./residents.ts";
import type { Slot } from "./slot.ts";
import type { SupervisorPorts, SupervisorSettings } from "./supervision.ts";

interface GenerationPorts extends Pick<SupervisorPorts, "payload" | "mayReside" | "onLine" | "onEvent"> {
  readonly loads: LoaderPorts;
  settings(): SupervisorSettings;
}

export class Generations<T> {
  readonly #fleet: Fleet<T>;
  readonly #ports: GenerationPorts;
  readonly #distrust = new Distrust();
  #latestKey = 0;

  constructor(fleet: Fleet<T>, ports: GenerationPorts) {
    this.#fleet = fleet;
    this.#ports = ports;
  }

  /** Whether the server should be replaced by one that is born with other threads. */
  wantsResidents({ key }: Member): boolean {
    const wanted = this.#residents();
    const { residentsAfterMs } = this.#ports.settings();
    if (wanted === undefined) return false;
    return this.#fleet.residency.isOutdated(key, wanted, performance.now(), residentsAfterMs);
  }

  /** What a generation that starts now is to be born with; undefined when that is not wanted at all. */
  #residents(): FunctionSpec[] | undefined {
    const { residents } = this.#ports.settings();
    if (residents === "none") return undefined;
    const nowMs = Date.now();
    return this.#fleet.residency.wanted(
      residents,
      this.#limits(),
      (spec) => this.#distrust.trusts(spec.revision, nowMs) && this.#ports.mayReside(spec),
    );
  }

  /** Starts the next process of the slot. */
  spawn(slot: Slot, epoch: number): Member {
    const settings = this.#ports.settings();
    const generation = ++slot.generation;
    return new Member({
      key: serverKey(settings.firstSlot, ++this.#latestKey),
      epoch,
      server: {
        ...settings.server,
        slot: slot.index,
        generation,
        directory: settings.directoryOf(slot.index, generation),
        // One more than may serve: there a new version proves itself when the server is full.
        threadSlots: settings.maxThreadsPerChild + 1,
        residents: prepareResidents(this.#residents() ?? [], (revision) => this.#ports.payload(revision)!),
      },
      loads: this.#ports.loads,
      onLine: (line, stream, member, cut) => this.#ports.onLine(line, stream, member, cut),
    });
  }

  /** Its process is ready: the fleet may load threads in it. */
  admit({ key, process, residents, loader }: Member): void {
    const { slot: server, generation, pid } = process;
    const specs = residents.map(({ spec }) => spec);
    this.#fleet.addServer(key, this.#limits(), server, specs, performance.now());
    loader.adopt(this.#fleet.server(key)!.residents, residents);
    this.#ports.onEvent("info", "server is ready", { server, generation, pid });
  }

  #limits(): ServerLimits {
    const { maxThreadsPerChild, maxRequestsPerChild, recycleAfterMs } = this.#ports.settings();
    return { maxThreads: maxThreadsPerChild, maxRequests: maxRequestsPerChild, lenient: recycleAfterMs > 0 };
  }

  /** Its process ended before it was ready: the next one is born with other threads. */
  distrust(member: Member): void {
    for (const { functionName, version } of this.#distrust.blame(member, Date.now())) {
      this.#ports.onEvent(
        "warn",
        "a server did not start with resident threads of a function; its threads are loaded instead",
        { server: member.process.slot, function: functionName, version },
      );
    }
  }

  forget(revision: string): void {
    this.#distrust.forget(revision);
  }
}
