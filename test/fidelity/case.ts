/**
 * What a case is: a function, a scenario against it, and what must hold on plain workerd for the
 * comparison to mean anything (two equal failures prove nothing).
 */
import assert from "node:assert/strict";
import type { RequestOptions } from "../support/http.ts";
import type { Difference } from "./differences.ts";
import { observed, type Session, type ViewOptions } from "./driver.ts";

export interface Case {
  readonly title: string;
  readonly fn: string;
  /** Returns what a client observed: plain data, the same on every target. */
  run(session: Session): Promise<unknown>;
  /** Asserts on plain workerd's observation that the scenario did what its title says. */
  proves(observation: unknown): void;
  /** Why it cannot be told in HTTP/2. */
  readonly http1Only?: string;
  /** Where dexter does something else, by intention: what it does instead. */
  readonly differs?: {
    readonly difference: Difference;
    /** Asserts that dexter's observation is the documented one, given plain workerd's. */
    holds(seen: unknown, plain: unknown): void;
  };
}

export interface Expected extends ViewOptions {
  /** 200 unless given. */
  readonly status?: number;
  /** Found in the body (latin-1 text, or the JSON of an echo). */
  readonly body?: string | RegExp;
  /** Found in the list of headers, one `name: value` a line. */
  readonly header?: RegExp;
  readonly cut?: boolean;
}

export interface Observation {
  readonly status: number;
  readonly headers?: readonly string[];
  readonly body?: unknown;
  readonly cut?: boolean;
}

/** A case of one request on a connection of its own. */
export function one(
  fn: string,
  title: string,
  request: RequestOptions | string,
  expected: Expected = {},
): Case {
  const options = typeof request === "string" ? { path: request } : request;
  return {
    title,
    fn,
    run: async (session) => observed(await session.exchange(options), expected),
    proves: (observation) => meets(observation as Observation, expected),
  };
}

/** A case of its own kind; `proof` sees the observation of plain workerd. */
export function scenario<T>(
  fn: string,
  title: string,
  run: (session: Session) => Promise<T>,
  proof: (observation: T) => void,
): Case {
  return { title, fn, run, proves: (observation) => proof(observation as T) };
}

/** A case in which dexter behaves as documented instead of like plain workerd. */
export function differing<T>(difference: Difference, of: Case, holds: (seen: T, plain: T) => void): Case {
  return { ...of, differs: { difference, holds: (seen, plain) => holds(seen as T, plain as T) } };
}

/** A case about something that only HTTP/1 has. */
export function overHttp1(why: string, of: Case): Case {
  return { ...of, http1Only: why };
}

/** For `differing`: dexter's observation is exactly what this makes of plain workerd's. */
export function becomes<T>(translate: (plain: T) => T): (seen: T, plain: T) => void {
  return (seen, plain) => assert.deepEqual(seen, translate(plain));
}

/** For `becomes`: the same observation with another text in its body, and the length that goes with it. */
export function saying(from: string, to: string): (plain: Observation) => Observation {
  return (plain) => {
    if (typeof plain.body !== "string")
      return { ...plain, body: JSON.parse(JSON.stringify(plain.body).replaceAll(from, to)) };
    const body = plain.body.replaceAll(from, to);
    const length = (line: string) => line.replace(/^(content-length: )\d+$/, `$1${body.length}`);
    return { ...plain, body, headers: (plain.headers ?? []).map(length) };
  };
}

/** For `becomes`: the same observation without Content-Length. */
export function withoutLength(plain: Observation): Observation {
  return { ...plain, headers: (plain.headers ?? []).filter((line) => !line.startsWith("content-length:")) };
}

/** Asserts that an observation is what the case is about. */
export function meets(observation: Observation, expected: Expected): void {
  const { status = 200, body, header, cut = false } = expected;
  assert.equal(observation.status, status);
  if (expected.view !== "failure") assert.equal(observation.cut, cut);
  if (header) assert.match((observation.headers ?? []).join("\n"), header);
  if (body === undefined) return;
  const text = typeof observation.body === "string" ? observation.body : JSON.stringify(observation.body);
  if (typeof body === "string") assert.ok(text.includes(body), `no ${body} in ${text}`);
  else assert.match(text, body);
}
