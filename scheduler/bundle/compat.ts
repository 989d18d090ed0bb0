/**
 * Which Node.js interfaces a function has, by its compatibility date and flags. Measured on workerd:
 * a date from 2026-08-04 on implies both flags; `no_nodejs_compat` takes the `node:` modules away, and
 * `no_nodejs_compat_v2` the globals (`process`, `Buffer`) and the names without `node:`.
 */

/** From this date on `nodejs_compat` implies `nodejs_compat_v2`. */
const V2_DATE = "2024-09-23";
/** From this date on `nodejs_compat` is the default. */
const DEFAULT_DATE = "2026-08-04";
/** From this date on `navigator` is a global. */
const NAVIGATOR_DATE = "2022-03-21";

/** `none`: no `node:` modules; `als`: `node:async_hooks` only; `v1`: modules; `v2`: modules, globals, polyfills. */
export type NodeMode = "none" | "als" | "v1" | "v2";

export interface Compatibility {
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
}

export function nodeMode({ compatibilityDate: date, compatibilityFlags }: Compatibility): NodeMode {
  const flags = new Set(compatibilityFlags);
  const modules =
    flags.has("nodejs_compat_v2") ||
    flags.has("nodejs_compat") ||
    (date >= DEFAULT_DATE && !flags.has("no_nodejs_compat"));
  if (!modules) return flags.has("nodejs_als") ? "als" : "none";
  if (flags.has("nodejs_compat_v2")) return "v2";
  return date >= V2_DATE && !flags.has("no_nodejs_compat_v2") ? "v2" : "v1";
}

export function hasNavigator({ compatibilityDate: date, compatibilityFlags: flags }: Compatibility): boolean {
  return (
    flags.includes("global_navigator") || (date >= NAVIGATOR_DATE && !flags.includes("no_global_navigator"))
  );
}
