/** What tests do in place of a fixed pause. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

/** Waits until the condition holds; fails with `what` when it does not within the time. */
export async function until<T>(
  what: string,
  condition: () => T | false | undefined | Promise<T | false | undefined>,
  withinMs = 10_000,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > deadline) assert.fail(`not within ${withinMs} ms: ${what}`);
    await sleep(10);
  }
}
