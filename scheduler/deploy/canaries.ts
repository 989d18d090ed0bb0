/**
 * The canaries that run: each new version serves its part of a function's requests from threads of its own, which
 * the fleet keeps in a pool of their own. What comes of it `policy/canary.ts` decides, once a second. A canary
 * lives in memory only: a node that is started again serves the version that was live.
 */
import type { Exchange } from "../dispatch/exchange.ts";
import type { RequestHead } from "../http/request-head.ts";
import type { Logger } from "../logs/logger.ts";
import { Canary, type CanarySettings, type CanaryStatus, type Verdict } from "../policy/canary.ts";
import type { FunctionPackage } from "../versions/package.ts";
import type { Candidate } from "./deployer.ts";
import type { FunctionRegistry } from "./registry.ts";

const LOOK_MS = 1_000;

export interface CanaryPorts {
  readonly registry: FunctionRegistry;
  readonly log: Logger;
  /** Requests that wait for threads of the first pool get one of the second's. */
  reroute(from: string, to: string): void;
  /** Does what was decided; rejects when that is not possible now. */
  carryOut(functionName: string, verdict: Verdict): Promise<void>;
}

interface Running {
  readonly given: FunctionPackage;
  readonly by: string;
  readonly canary: Canary;
  /** What the fleet keeps its threads and requests under. */
  readonly pool: string;
  deciding: boolean;
}

export class Canaries {
  readonly #ports: CanaryPorts;
  readonly #running = new Map<string, Running>();
  #timer: NodeJS.Timeout | undefined;

  constructor(ports: CanaryPorts) {
    this.#ports = ports;
  }

  /** The package on trial, and who deployed it. */
  of(functionName: string): { readonly given: FunctionPackage; readonly by: string } | undefined {
    return this.#running.get(functionName);
  }

  /** Begins with a version that has proved itself in the canary's pool. */
  begin(candidate: Candidate, given: FunctionPackage, settings: CanarySettings, by: string): void {
    const { name } = given.settings;
    this.#ports.registry.canaries.set(name, candidate.entry);
    candidate.finish();
    const canary = new Canary(settings, performance.now());
    this.#running.set(name, { given, by, canary, pool: candidate.entry.pool, deciding: false });
    this.#timer ??= setInterval(() => this.#look(performance.now()), LOOK_MS).unref();
  }

  /** Ends the trial; all requests go to the live version. @returns the version that was on trial */
  end(functionName: string): string | undefined {
    const running = this.#running.get(functionName);
    if (running === undefined) return undefined;
    this.#running.delete(functionName);
    this.#ports.registry.canaries.delete(functionName);
    this.#ports.reroute(running.pool, functionName);
    if (this.#running.size === 0) this.close();
    return running.given.version.id;
  }

  /** From which pool this request gets its thread. */
  poolFor(functionName: string, head: RequestHead): string {
    if (this.#running.size === 0) return functionName;
    const running = this.#running.get(functionName);
    if (running === undefined) return functionName;
    const { canary, pool } = running;
    const { sticky } = canary.settings;
    const key = sticky && keyOf(head, sticky);
    return canary.takes(key, Math.random()) ? pool : functionName;
  }

  /** A request is over. What its client gave up says nothing about the version. */
  observe(exchange: Exchange): void {
    if (this.#running.size === 0) return;
    const { functionName, pool, outcome, request, startedAtMs } = exchange;
    const running = this.#running.get(functionName);
    if (running === undefined || outcome === "aborted") return;
    const failed = outcome === "lost" || request.status >= 500;
    const side = pool === running.pool ? "new" : "old";
    running.canary.observe(side, failed, performance.now() - startedAtMs);
  }

  status(functionName: string): CanaryStatus | undefined {
    const running = this.#running.get(functionName);
    if (running === undefined) return undefined;
    const { given, canary } = running;
    return {
      version: given.version.id,
      percent: canary.settings.percent,
      secondsLeft: Math.ceil(canary.leftMs(performance.now()) / 1_000),
      old: canary.old,
      new: canary.new,
    };
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(nowMs: number): void {
    for (const [name, running] of this.#running) {
      const verdict = running.deciding ? undefined : running.canary.verdict(nowMs);
      if (verdict === undefined) continue;
      running.deciding = true;
      this.#ports
        .carryOut(name, verdict)
        .catch((error: Error) => {
          this.#ports.log.error(
            `${name}: the canary cannot be ended (${verdict.decision}): ${error.message}`,
          );
        })
        .finally(() => {
          running.deciding = false;
        });
    }
  }
}

function keyOf(
  { block }: RequestHead,
  { from, name }: NonNullable<CanarySettings["sticky"]>,
): string | undefined {
  if (from === "header") return headerOf(block.rawHeaders, name);
  for (const pair of (headerOf(block.rawHeaders, "cookie") ?? "").split(";")) {
    const [key = "", ...value] = pair.split("=");
    // A value may hold "=" itself.
    if (key.trim() === name) return value.join("=");
  }
  return undefined;
}

function headerOf(raw: readonly string[], name: string): string | undefined {
  for (let i = 0; i + 1 < raw.length; i += 2) if (raw[i]!.toLowerCase() === name) return raw[i + 1];
  return undefined;
}
