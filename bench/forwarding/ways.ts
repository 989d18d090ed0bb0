/** The ways to forward that are compared. The words about them are those of the report. */

export interface Way {
  readonly name: string;
  readonly title: string;
  /** Who reads the clients' requests, and who asks the threads. */
  readonly server: "node" | "own";
  readonly client: "agent" | "undici" | "own";
  /** Requests that may be at a thread at once: one that is in it, and those sent ahead. */
  readonly depth: number;
  /** How many of the threads are used. */
  readonly threads: number;
}

/** Sockets of each server, each with a service behind it. */
export const THREADS_PER_SERVER = 8;
export const SERVERS = 2;
const THREADS = THREADS_PER_SERVER * SERVERS;

/** As many as dexter sends ahead (scheduler/policy/pool.ts), and the one in the thread. */
const DEPTH = 1 + 4;
/** As many as dexter keeps hot in a saturated server (scheduler/policy/server.ts). */
const HOT = 3;

export const ways: readonly Way[] = [
  {
    name: "agent",
    title: "Node's `http` server, `http.request` with a keep-alive agent for each thread",
    server: "node",
    client: "agent",
    depth: 1,
    threads: THREADS,
  },
  {
    name: "undici",
    title: "Node's `http` server, undici: a `Client` for each thread, `dispatch`",
    server: "node",
    client: "undici",
    depth: 1,
    threads: THREADS,
  },
  {
    name: "own-client",
    title: "Node's `http` server, dexter's `ThreadClient`",
    server: "node",
    client: "own",
    depth: 1,
    threads: THREADS,
  },
  {
    name: "own",
    title: "dexter's `Listener` and `ThreadClient`",
    server: "own",
    client: "own",
    depth: 1,
    threads: THREADS,
  },
  {
    name: "own-ahead",
    title: "the same, up to 4 requests sent ahead to each thread",
    server: "own",
    client: "own",
    depth: DEPTH,
    threads: THREADS,
  },
  {
    name: "own-ahead-few",
    title: `the same, with ${HOT} threads of each server`,
    server: "own",
    client: "own",
    depth: DEPTH,
    threads: HOT * SERVERS,
  },
];
