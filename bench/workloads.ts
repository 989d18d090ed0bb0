/** What is asked of every peer. A further workload is one more entry of the list. */

import {
  downloadHandler,
  holdHandler,
  jsonHandler,
  mixedHandler,
  records,
  textHandler,
  uploadHandler,
  waitHandler,
} from "./handlers.ts";

export interface Workload {
  readonly name: string;
  /** What the table says of it; the number of connections is added where it is not the workload's own. */
  readonly title: string;
  /** How it is driven; see `bench/drives/`. */
  readonly drive: "load" | "mixed" | "burst" | "count";
  /** The function's TypeScript, the same for every peer; called once in a run, when it is needed. */
  source(): string;
  /** dexter routes by the first segment of the path; the other peers have one handler and ignore it. */
  readonly path: string;
  /** The body that proves that the handler answered, checked once before load. */
  readonly expect: string | RegExp;
  /** Instead of `--connections`. */
  readonly connections?: number;
  /** Warmed up and measured for half as long. */
  readonly short?: boolean;
  /** The body of each request, in bytes; without it, they are GETs. */
  readonly uploadBytes?: number;
  /** Directives of dexter that belong to the workload. */
  readonly settings?: readonly string[];
  /** How many requests are in progress is looked up in dexter's status, under load. */
  readonly inProgress?: boolean;
  /** Peers that take part in every round; a target rests on them. */
  readonly judged: readonly string[];
  /** The others take part in the first round, to be compared; or not at all. */
  readonly others: boolean;
  /** One round only. */
  readonly once?: boolean;
}

const DEXTERS = ["dexter", "dexter-resident"];
const JUDGED = ["plain", ...DEXTERS];
const MIB = 2 ** 20;
const WAIT_MS = 50;
export const HEAVY_MS = 50;
export const BURST = 64;

const hello = { path: "/hello", expect: "Hello World", source: () => textHandler("Hello World") };

export const workloads: readonly Workload[] = [
  {
    ...hello,
    name: "hello",
    title: '"Hello World"',
    drive: "load",
    judged: ["plain", "miniflare", "wrangler", ...DEXTERS],
    others: false,
  },
  {
    ...hello,
    name: "hello-1-server",
    title: '"Hello World", dexter with 1 server',
    drive: "load",
    settings: ["num_servers=1"],
    judged: JUDGED,
    others: false,
  },
  {
    ...hello,
    name: "hello-1-connection",
    title: '"Hello World", 1 connection',
    drive: "load",
    connections: 1,
    short: true,
    judged: JUDGED,
    others: true,
  },
  {
    ...hello,
    name: "memory",
    title: "peak memory of a server after many requests",
    drive: "count",
    judged: JUDGED,
    others: false,
    once: true,
  },
  {
    name: "json",
    title: "10 KB of JSON",
    drive: "load",
    source: () => jsonHandler,
    path: "/json",
    expect: JSON.stringify(records),
    short: true,
    judged: JUDGED,
    others: true,
  },
  {
    name: "download",
    title: "1 MiB response",
    drive: "load",
    source: () => downloadHandler(MIB),
    path: "/download",
    expect: "x".repeat(MIB),
    short: true,
    judged: JUDGED,
    others: true,
  },
  {
    name: "upload",
    title: "1 MiB upload",
    drive: "load",
    source: () => uploadHandler,
    path: "/upload",
    expect: String(MIB),
    uploadBytes: MIB,
    short: true,
    judged: JUDGED,
    others: true,
  },
  {
    name: "wait",
    title: `${WAIT_MS} ms of waiting, 200 connections`,
    drive: "load",
    source: () => waitHandler(WAIT_MS),
    path: "/wait",
    expect: "waited",
    connections: 200,
    inProgress: true,
    short: true,
    judged: JUDGED,
    others: true,
  },
  {
    name: "mixed",
    title: `mixed: 5 % of the requests burn ${HEAVY_MS} ms of CPU; light and heavy apart`,
    drive: "mixed",
    source: () => mixedHandler(HEAVY_MS),
    path: "/mixed",
    expect: "light",
    judged: JUDGED,
    others: true,
  },
  {
    name: "burst",
    title: `burst: after rest, ${BURST} requests at once`,
    drive: "burst",
    source: () => holdHandler,
    path: "/burst",
    expect: /^\d{13,}$/,
    connections: BURST,
    judged: JUDGED,
    others: true,
  },
];
