/**
 * Counts through how often a request has come back: what a function sends out with `fetch()` carries in `CDN-Loop`
 * (RFC 8586) one entry more than the request that it answers. The scheduler refuses what comes back too often: functions
 * that ask each other in a circle would otherwise take every thread.
 *
 * Imported before the user's modules, which may keep a `fetch` of their own from the start. A proxy, so that nothing else
 * of the function changes: its name, what it throws, how it reads its `this`.
 */
import { incoming } from "./dexter-console.js";
import { LOOP_ENTRY, LOOP_HEADER, loopHops } from "./protocol.ts";

const passed = () => loopHops(incoming()?.headers.get(LOOP_HEADER));

/** What the arguments ask for, with the header; undefined for what fetch() refuses, in words of its own. */
function counted(args: unknown[]): Request | undefined {
  try {
    const request = new Request(...(args as [string, RequestInit?]));
    // A function that passes headers on has the entries in them already.
    const there = loopHops(request.headers.get(LOOP_HEADER));
    const missing = Math.max(passed(), there) + 1 - there;
    request.headers.append(LOOP_HEADER, Array(missing).fill(LOOP_ENTRY).join(", "));
    return request;
  } catch {
    return undefined;
  }
}

const holder = Object.hasOwn(globalThis, "fetch") ? globalThis : Object.getPrototypeOf(globalThis);
const value = new Proxy(fetch, {
  apply(target, self, args) {
    const request = counted(args);
    return Reflect.apply(target, self, request ? [request] : args);
  },
});
Object.defineProperty(holder, "fetch", { ...Object.getOwnPropertyDescriptor(holder, "fetch"), value });
