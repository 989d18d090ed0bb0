/** A process that has no file descriptor left: this one, for a moment. */
import { spawnSync } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import type { TestContext } from "node:test";

/** More than it takes to run a program, by which the limit is set back. */
const SPARE = 60;

/** Leaves `count` descriptors to this process. The function that it returns, and the end of the test, give all back. */
export function leaveDescriptors(test: TestContext, count: number): () => void {
  const before = /^Max open files +(\w+)/m.exec(readFileSync("/proc/self/limits", "utf8"))![1]!;
  const highest = Math.max(...readdirSync("/proc/self/fd").map(Number));
  const limit = (most: string | number) =>
    spawnSync("prlimit", ["--pid", String(process.pid), `--nofile=${most}:`], { timeout: 10_000 });
  limit(highest + SPARE);
  const held: number[] = [];
  try {
    for (;;) held.push(openSync("/dev/null", "r"));
  } catch {
    for (const descriptor of held.splice(0, count)) closeSync(descriptor);
  }
  const giveBack = () => {
    if (held.length === 0) return;
    for (const descriptor of held.splice(0)) closeSync(descriptor);
    limit(before);
  };
  test.after(giveBack);
  return giveBack;
}
