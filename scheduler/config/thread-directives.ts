/** The directives that a function's own `[dexter]` table may set as well, and the bounds of thread settings. */
import { optional, setting } from "./directive.ts";
import { functionLimitShape } from "./limit-directives.ts";
import { duration, urlPath, whole } from "./values.ts";

const MAX_THREADS = 4096;

/** What numbers of threads and requests may be, wherever they come from. */
export const startThreads = whole(0, MAX_THREADS, "threads");
export const minSpareThreads = whole(0, MAX_THREADS, "threads");
export const maxSpareThreads = whole(1, MAX_THREADS, "threads");
export const maxThreadsPerChild = whole(1, MAX_THREADS, "threads");
export const concurrency = whole(1, 10_000, "requests");

export const functionShape = {
  start_threads: setting(
    startThreads,
    5,
    "with a rolling restart",
    "Threads that each server starts with, for each active function.",
    { original: "StartThreads" },
  ),
  min_spare_threads: setting(
    minSpareThreads,
    5,
    "at once",
    "Idle threads that are kept ready, for each active function in each server.",
    { original: "MinSpareThreads" },
  ),
  max_spare_threads: setting(
    maxSpareThreads,
    10,
    "at once",
    "The most idle threads of a function in each server. Threads above that number are retired.",
    { original: "MaxSpareThreads" },
  ),
  concurrency: setting(concurrency, 1, "at once", "Requests that one thread may serve at the same time."),
  idle_timeout: setting(
    duration(1),
    "300s",
    "at once",
    "How long a function stays active after its last request. A function that is not active keeps no threads.",
  ),
  health_path: optional(
    urlPath,
    "at once",
    "A path that each new version must answer with a status below 400. If it does not, it does not go live.",
  ),
  ...functionLimitShape,
};
