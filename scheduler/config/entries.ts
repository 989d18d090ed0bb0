/** Checks settings one by one against a schema's fields, so that one bad value does not hide another. */
import type { z } from "zod";
import { type Entries, formatValue, type KeyPath, type Problems } from "./problems.ts";

type Values<S extends z.ZodRawShape> = { -readonly [K in keyof S]?: Exclude<z.output<S[K]>, undefined> };

/**
 * Parses each entry that `shape` has a field for; reports every bad one and leaves it out of the result.
 * Defaults are not filled in: the result holds what the user set.
 */
export function parseEntries<S extends z.ZodRawShape>(
  shape: S,
  entries: Entries,
  problems: Problems,
): Values<S> {
  const values: Record<string, unknown> = {};
  for (const [name, entry] of entries) {
    // A user's key may be called "constructor".
    if (!Object.hasOwn(shape, name)) continue;
    const schema = shape[name] as z.ZodType;
    const result = schema.safeParse(entry.value, { error: expectation });
    if (result.success) values[name] = result.data;
    for (const issue of result.error?.issues ?? []) {
      const { path, value } = locate(entry.value, issue.path as KeyPath);
      problems.error(entry.source, [...entry.path, ...path], `${issue.message} (got ${formatValue(value)})`);
    }
  }
  return values as Values<S>;
}

/** The value an issue is about. A lone value that the schema took as a list keeps its own key. */
function locate(value: unknown, path: KeyPath): { path: KeyPath; value: unknown } {
  let current = value;
  for (const [depth, key] of path.entries()) {
    if (typeof current !== "object" || current === null)
      return { path: path.slice(0, depth), value: current };
    current = (current as Record<string | number, unknown>)[key];
  }
  return { path, value: current };
}

const EXPECTED: Record<string, string> = {
  string: "a string",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a table",
  record: "a table",
};

/** Words for the issues whose schema brings none of its own. */
function expectation(issue: {
  code?: string;
  expected?: unknown;
  keys?: readonly string[];
}): string | undefined {
  if (issue.code === "invalid_type") return `must be ${EXPECTED[String(issue.expected)] ?? issue.expected}`;
  if (issue.code === "unrecognized_keys")
    return `must not have the key ${issue.keys?.join(", ")}: it is unknown here`;
  return undefined;
}
