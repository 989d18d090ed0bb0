/**
 * php-fpm's `pm = dynamic`, as its fpm_process_ctl.c has it: a pool for each function, looked at once a second.
 * With too few idle threads it starts some, at most 1, 2, 4, … 32 in successive seconds; with too many it ends the
 * one idle for longest. Requests start nothing.
 */
import type { Effects } from "../../scheduler/policy/fleet.ts";
import type { Thread } from "../../scheduler/policy/thread.ts";
import type { NodeSettings, Request } from "./policy.ts";
import { type Line, Pools } from "./pools.ts";

const MAX_SPAWN_RATE = 32;

export class Dynamic extends Pools {
  readonly #rates = new Map<Line, number>();
  /** `pm.max_children`: one pool may take the whole node. */
  readonly #maxChildren: number;

  constructor(effects: Effects<Request>, node: NodeSettings, functions: readonly string[]) {
    // As without process.max: room for whatever the pools want.
    const idle = functions.length * Math.max(node.startThreads, node.maxSpareThreads);
    super(effects, node, functions, Math.ceil(idle / node.servers) + 2 * node.maxThreads);
    this.#maxChildren = node.servers * node.maxThreads;
    for (let round = 0; round < node.startThreads; round++)
      for (const line of this.lines.values()) this.start(line);
  }

  protected override onTick(): void {
    const longestIdle = new Map<string, Thread>();
    for (const thread of this.idle)
      if (!longestIdle.has(thread.functionName)) longestIdle.set(thread.functionName, thread);
    for (const line of this.lines.values()) this.#look(line, longestIdle.get(line.spec.pool));
  }

  #look(line: Line, longestIdle: Thread | undefined): void {
    const { minSpareThreads, maxSpareThreads } = this.node;
    const idle = line.idle + line.starting;
    const rate = this.#rates.get(line) ?? 1;
    this.#rates.delete(line);
    if (idle > maxSpareThreads && longestIdle) return this.retire(longestIdle);
    if (idle >= minSpareThreads || line.size >= this.#maxChildren) return;
    const count = Math.min(rate, minSpareThreads - idle, this.#maxChildren - line.size);
    for (let started = 0; started < count; started++) this.start(line);
    this.#rates.set(line, Math.min(MAX_SPAWN_RATE, rate * 2));
  }
}
