/**
 * Loads and ends the isolates of one server through its control socket, one at a time: a load keeps the
 * server's only CPU busy for 5 to 13 ms, an end for 1 to 3. What somebody waits for comes first and without a
 * pause; between the rest, requests get their turn.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { LoadRequest, VersionPayload } from "../../runtime/protocol.ts";
import type { DexterError } from "../errors.ts";
import type { Thread } from "../policy/thread.ts";
import { LoadError } from "./load-error.ts";
import type { ServerProcess } from "./process.ts";
import type { Resident } from "./residents.ts";

/** How long after its last sign of life a dead server's exit is noticed at the latest. */
const EXIT_NOTICED_MS = 1_000;

/** Pause after work that nobody waits for. */
const REST_MS = 4;

/** Versions without a thread whose modules a server keeps all the same, to be quicker with the next. */
const UNUSED_VERSIONS = 32;

export interface LoaderPorts {
  payload(revision: string): VersionPayload | undefined;
  /** Whether somebody waits for this thread, such as a request of its function. */
  isAwaited(thread: Thread): boolean;
  /** Whether a request waits, which may need the slot of a thread that ends. */
  hasWaiting(): boolean;
  /** @param tookMs the server's time for it, without the wait for its turn */
  loaded(thread: Thread, tookMs: number): void;
  failed(thread: Thread, reason: DexterError): void;
  /** The isolate has ended, or its load had not begun when the thread retired. */
  ended(thread: Thread): void;
}

export class Loader {
  readonly #process: ServerProcess;
  readonly #ports: LoaderPorts;
  readonly #loads: Thread[] = [];
  readonly #ends: Thread[] = [];
  /** Versions whose modules are there, those used last at the end. */
  readonly #uploaded = new Set<string>();
  #forgetting: Promise<unknown> = Promise.resolve();
  readonly #names = new Map<string, Thread>();
  #count = 0;
  #running = false;
  #loading: Thread | undefined;

  constructor(process: ServerProcess, ports: LoaderPorts) {
    this.#process = process;
    this.#ports = ports;
  }

  /** Names the isolates of threads that the server was born with, so that their console lines find them. */
  adopt(threads: readonly Thread[], residents: readonly Resident[]): void {
    for (const [place, { name }] of residents.entries()) this.#names.set(name, threads[place]!);
  }

  /** Queues the thread for loading; `loaded` or `failed` tells the outcome. */
  load(thread: Thread): void {
    this.#loads.push(thread);
    if (!this.#running) void this.#run();
  }

  /** Ends the isolate once its `waitUntil` work is done. */
  end(thread: Thread): void {
    this.#ends.push(thread);
    if (!this.#running) void this.#run();
  }

  /** Resolves when no thread has `waitUntil` work left. */
  async settle(): Promise<void> {
    await this.#process.control("POST", "/settle").catch(() => {});
  }

  /** The host worker may forget this version: no thread of it will be loaded any more. */
  forget(revision: string): void {
    if (!this.#uploaded.delete(revision)) return;
    const call = () => this.#process.control("DELETE", `/versions/${revision}`).catch(() => {});
    this.#forgetting = this.#forgetting.then(call);
  }

  /** The thread whose modules the server runs now. */
  get loading(): Thread | undefined {
    return this.#loading;
  }

  threadNamed(name: string): Thread | undefined {
    return this.#names.get(name);
  }

  async #run(): Promise<void> {
    this.#running = true;
    await this.#process.ready.catch(() => {});
    while (this.#loads.length + this.#ends.length > 0) {
      if (this.#dropRetired()) continue;
      const awaited = this.#loads.findIndex((thread) => this.#ports.isAwaited(thread));
      if (awaited < 0 && this.#ends.length > 0) this.#endOne(this.#ends.shift()!);
      else {
        this.#loading = this.#loads.splice(Math.max(0, awaited), 1)[0]!;
        await this.#loadOne(this.#loading);
        this.#loading = undefined;
      }
      if (!this.#isUrgent) await sleep(REST_MS);
    }
    this.#running = false;
  }

  /** Forgets loads that nobody wants any more; whether there was one. */
  #dropRetired(): boolean {
    const place = this.#loads.findIndex((thread) => thread.state === "retiring");
    if (place < 0) return false;
    this.#ports.ended(this.#loads.splice(place, 1)[0]!);
    return true;
  }

  get #isUrgent(): boolean {
    if (this.#loads.some((thread) => this.#ports.isAwaited(thread))) return true;
    return this.#ends.length > 0 && this.#ports.hasWaiting();
  }

  /** Not waited for: the isolate's `waitUntil` work may take its time. */
  #endOne(thread: Thread): void {
    const ended = () => {
      for (const [name, known] of this.#names) if (known === thread) this.#names.delete(name);
      this.#ports.ended(thread);
    };
    this.#process.control("DELETE", `/threads/${thread.slot}`).then(ended, ended);
  }

  async #loadOne(thread: Thread): Promise<void> {
    try {
      await this.#upload(thread.revision);
      const name = `${thread.functionName}-${++this.#count}`;
      this.#names.set(name, thread);
      const load: LoadRequest = { name, version: thread.revision, concurrent: thread.concurrency > 1 };
      const body = JSON.stringify(load);
      const sentMs = performance.now();
      const answer = await this.#process.control("PUT", `/threads/${thread.slot}`, { body });
      if (answer.status === 200) return this.#ports.loaded(thread, performance.now() - sentMs);
      this.#names.delete(name);
      this.#ports.failed(thread, new LoadError(thread.functionName, answer.text));
    } catch (cause) {
      // No answer: most likely the server is dying. Then its exit, which may be noticed later than the end of
      // the connection, settles the thread, and requests that wait for it get another one elsewhere.
      if (await this.#process.exitsWithin(EXIT_NOTICED_MS)) return;
      const reason = cause instanceof Error ? cause.message : String(cause);
      this.#ports.failed(thread, new LoadError(thread.functionName, reason));
    }
  }

  async #upload(revision: string): Promise<void> {
    if (this.#uploaded.delete(revision)) return void this.#uploaded.add(revision);
    this.#forgetUnused();
    await this.#forgetting;
    const payload = this.#ports.payload(revision);
    if (payload === undefined) throw new Error(`version ${revision} is no longer kept`);
    const answer = await this.#process.control("PUT", `/versions/${revision}`, {
      body: JSON.stringify(payload),
    });
    if (answer.status !== 200) throw new Error(`the server refused version ${revision}: ${answer.text}`);
    this.#uploaded.add(revision);
  }

  #forgetUnused(): void {
    const used = new Set([...this.#names.values()].map(({ revision }) => revision));
    const unused = [...this.#uploaded].filter((revision) => !used.has(revision));
    for (const revision of unused.slice(0, Math.max(0, unused.length - UNUSED_VERSIONS)))
      this.forget(revision);
  }
}
