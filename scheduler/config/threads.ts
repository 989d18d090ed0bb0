/** How the thread settings of a node or a function follow from what the user set. Pure. */
import type { NodeConfig, ThreadSettings } from "../types.ts";
import type { DirectiveValues } from "./directives.ts";
import type { Entries, Problems } from "./problems.ts";

type Given = Partial<
  Pick<
    DirectiveValues,
    "start_threads" | "min_spare_threads" | "max_spare_threads" | "concurrency" | "idle_timeout"
  >
>;

/**
 * Fills in what is not given. Defaults give way to what is: they stay within `limit` (all threads of a
 * server) and within the spare threads given, and the upper bound keeps its distance of twice the lower,
 * because bounds that meet would start and retire a thread with every request.
 */
export function resolveThreads(given: Given, fallback: ThreadSettings, limit: number): ThreadSettings {
  const max = given.max_spare_threads;
  const min = given.min_spare_threads;
  const ceiling = Math.min(limit, max ?? limit);
  return {
    startThreads: given.start_threads ?? Math.min(fallback.startThreads, ceiling),
    minSpareThreads: min ?? Math.min(fallback.minSpareThreads, ceiling),
    maxSpareThreads: max ?? Math.min(Math.max(fallback.maxSpareThreads, 2 * (min ?? 0)), limit),
    concurrency: given.concurrency ?? fallback.concurrency,
    idleTimeoutMs: given.idle_timeout ?? fallback.idleTimeoutMs,
  };
}

/** Reports thread settings that cannot hold together. */
export function checkThreads(given: Given, entries: Entries, limit: number, problems: Problems): void {
  const report = (name: keyof Given, message: string) => {
    const entry = entries.get(name)!;
    problems.error(entry.source, entry.path, `${message} (got ${given[name]})`);
  };
  for (const name of ["start_threads", "min_spare_threads"] as const) {
    if ((given[name] ?? 0) > limit) report(name, `must be at most max_threads_per_child, which is ${limit}`);
  }
  const { min_spare_threads: min, max_spare_threads: max } = given;
  if (min !== undefined && max !== undefined && max < min)
    report("max_spare_threads", `must be at least min_spare_threads, which is ${min}`);
}

/**
 * At start every function counts as active if the start threads of all fit into a server together;
 * otherwise each gets its first thread with its first request.
 */
export function fitsAllAtOnce(
  functions: readonly { readonly threads: ThreadSettings }[],
  node: Pick<NodeConfig, "maxThreadsPerChild">,
): boolean {
  const wanted = functions.reduce((sum, config) => sum + Math.max(1, config.threads.startThreads), 0);
  return wanted <= node.maxThreadsPerChild;
}
