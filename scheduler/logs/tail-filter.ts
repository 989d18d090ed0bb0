/** Which events somebody wants to follow. The command line and the admin API read filters alike. */
import { DexterError } from "../errors.ts";
import type { TailEvent } from "./tail-event.ts";

export interface TailQuery {
  readonly function?: string | undefined;
  /** `404`, `5xx`, `200-299`, or several with commas. */
  readonly status?: string | undefined;
  readonly method?: string | undefined;
  /** The share of requests, from 0 to 1. */
  readonly sample?: string | undefined;
  readonly text?: string | undefined;
}

export interface TailFilter {
  /** Those of one, of some, or of all and none. */
  readonly functions: readonly string[] | undefined;
  readonly statuses: readonly { readonly from: number; readonly to: number }[] | undefined;
  /** In capitals. */
  readonly methods: readonly string[] | undefined;
  readonly sample: number;
  /** In small letters. */
  readonly text: string | undefined;
}

/**
 * @param allowed the functions that may be followed; undefined for all
 * @throws USAGE
 */
export function parseTailFilter(query: TailQuery, allowed?: readonly string[]): TailFilter {
  const { status, method, sample, text } = query;
  return {
    functions: query.function === undefined ? allowed : [query.function],
    statuses: status === undefined ? undefined : status.split(",").map(statusRange),
    methods: method === undefined ? undefined : method.split(",").map(methodName),
    sample: sample === undefined ? 1 : share(sample),
    text: text === undefined || text === "" ? undefined : text.toLowerCase(),
  };
}

function statusRange(given: string): { from: number; to: number } {
  const [, hundred, from, to] = /^\s*(?:([1-5])xx|([1-9]\d\d)(?:-([1-9]\d\d))?)\s*$/i.exec(given) ?? [];
  if (hundred) return { from: Number(`${hundred}00`), to: Number(`${hundred}99`) };
  if (from && Number(to ?? from) >= Number(from)) return { from: Number(from), to: Number(to ?? from) };
  throw usage("status", "a status such as 404, 5xx or 200-299, or several with commas", given);
}

function methodName(given: string): string {
  if (/^\s*[a-z]+\s*$/i.test(given)) return given.trim().toUpperCase();
  throw usage("method", "a method such as GET, or several with commas", given);
}

function share(given: string): number {
  const value = /^(?:\d+\.?\d*|\.\d+)$/.test(given) ? Number(given) : Number.NaN;
  if (value > 0 && value <= 1) return value;
  throw usage("sample", "a share of the requests, more than 0 and at most 1, such as 0.1", given);
}

function usage(what: string, expected: string, given: string): DexterError {
  return new DexterError("USAGE", { option: what, rule: `must be ${expected} (got "${given}")` });
}

/**
 * Filters by status and method are about requests: of what they choose, the exceptions are told too, but no console
 * lines, which come before a request's status is known.
 */
export function wants(filter: TailFilter, event: TailEvent): boolean {
  if (event.type === "end") return true;
  if (filter.functions && !filter.functions.includes(event.function ?? "")) return false;
  if (event.type === "dropped") return true;
  const { statuses, methods, text } = filter;
  if (statuses || methods) {
    if (event.type === "console") return false;
    const { status, method } = event;
    if (statuses && !statuses.some(({ from, to }) => status >= from && status <= to)) return false;
    if (methods && !methods.includes(method ?? "")) return false;
  }
  if (text !== undefined && !textOf(event).toLowerCase().includes(text)) return false;
  return filter.sample === 1 || chance(event.id) < filter.sample;
}

function textOf(event: Exclude<TailEvent, { type: "dropped" | "end" }>): string {
  if (event.type === "console") return `${event.id} ${event.message}`;
  const { id, method, host, path } = event;
  return `${id} ${method} ${host}${path} ${event.type === "exception" ? event.text : ""}`;
}

/** From 0 to 1, and the same for all events of a request: FNV-1a, and the last steps of MurmurHash3. */
function chance(id: string | null): number {
  if (id === null) return Math.random();
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
