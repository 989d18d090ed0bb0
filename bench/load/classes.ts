/**
 * A load generator that tells classes of requests apart: of those to one address a share goes to `/heavy`, in
 * an order that is random and the same in every run. A Node.js program, so for some thousand requests a second.
 */

import { fileURLToPath } from "node:url";
import { run } from "../child.ts";
import { GRACE_MS } from "./generator.ts";

const program = fileURLToPath(new URL("classes-child.ts", import.meta.url));

export interface ClassRequest {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  /** The part of the requests that is heavy, 0 to 1. */
  readonly heavyShare: number;
}

export interface ClassFigures {
  readonly requests: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface ClassResult {
  readonly seconds: number;
  readonly light: ClassFigures;
  readonly heavy: ClassFigures;
  readonly failures: number;
  readonly failureText: string;
}

/** Throws if the generator itself fails; failed requests are counted in the result. */
export async function runClasses(request: ClassRequest): Promise<ClassResult> {
  const args = ["--import", import.meta.resolve("tsx"), program, JSON.stringify(request)];
  const timeoutMs = request.seconds * 1000 + GRACE_MS;
  const stdout = await run({ name: "the load generator", command: process.execPath, args, timeoutMs });
  return JSON.parse(stdout) as ClassResult;
}
