/**
 * W3C Trace Context (https://www.w3.org/TR/trace-context/): what the header `traceparent` may look like, and the
 * chance that its ids are made of.
 */
import { randomFillSync } from "node:crypto";

/** Version, trace id, parent id, flags. Neither id may be all zeros; version ff is none; later ones may say more. */
const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:-.*)?$/;
const LENGTH = 55;

/** Whether a `traceparent` is one that goes on. */
export function isTraceparent(value: string): boolean {
  return TRACEPARENT.test(value) && (value.length === LENGTH || !value.startsWith("00"));
}

export interface TraceParts {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
}

/** @param traceparent one that `isTraceparent` */
export function traceParts(traceparent: string): TraceParts {
  return {
    traceId: traceparent.slice(3, 35),
    spanId: traceparent.slice(36, 52),
    sampled: (Number.parseInt(traceparent.slice(53, LENGTH), 16) & 1) === 1,
  };
}

export function renderTraceparent({ traceId, spanId, sampled }: TraceParts): string {
  return `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`;
}

/** Chance is fetched for so many bytes at once: a call for each request would cost 1 µs, a slice costs a twentieth. */
const random = Buffer.alloc(4_096);
let digits = "";
let used = 0;

/** So many random hexadecimal digits, an even number. */
function randomHex(count: number): string {
  if (used + count > digits.length) {
    digits = randomFillSync(random).toString("hex");
    used = 0;
  }
  used += count;
  return digits.slice(used - count, used);
}

export const newTraceId = (): string => randomHex(32);
export const newSpanId = (): string => randomHex(16);
