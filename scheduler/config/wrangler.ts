/** wrangler's own fields: which are supported, what they must be, and how an environment overrides them. */
import * as z from "zod";
import { routeProblem } from "../policy/route-pattern.ts";
import type { ModuleRuleType } from "../types.ts";
import { NEWEST_COMPATIBILITY_DATE } from "./compatibility.ts";
import { canonicalDirective } from "./directives.ts";
import type { Document } from "./document.ts";
import { parseEntries } from "./entries.ts";
import { ofKind } from "./kind.ts";
import { didYouMean } from "./nearest.ts";
import { type Entry, formatValue, type KeyPath, type Problems } from "./problems.ts";
import { filePath, functionName, listOf, oneOf } from "./values.ts";
import { HARMLESS_FIELDS, UNSUPPORTED_FIELDS } from "./wrangler-fields.ts";

const RULE_TYPES = [
  "ESModule",
  "CommonJS",
  "CompiledWasm",
  "Text",
  "Data",
] as const satisfies ModuleRuleType[];

const compatibilityDate = ofKind(
  z.iso
    .date({ error: `must be a date written "${NEWEST_COMPATIBILITY_DATE}"`, abort: true })
    .refine((date) => date <= NEWEST_COMPATIBILITY_DATE, {
      error: `must be at most "${NEWEST_COMPATIBILITY_DATE}", the newest date that the installed workerd supports`,
    }),
  "date",
  { type: "string", pattern: "^\\d{4}-\\d{2}-\\d{2}$" },
);

const ROUTE_EXPECTED = 'must be a pattern such as "example.com/api/*", or a table with one as its "pattern"';

/** Comes out as a pattern. A custom domain is a whole host, so it becomes the pattern of all its paths. */
const route = z
  .union(
    [z.string().min(1), z.object({ pattern: z.string().min(1), custom_domain: z.boolean().optional() })],
    { error: ROUTE_EXPECTED },
  )
  .transform((given, context) => {
    const report = (message: string, ...path: string[]) =>
      context.addIssue({ code: "custom", path, message });
    if (typeof given === "string") return checkedPattern(given, report);
    const { pattern, custom_domain: isDomain } = given;
    if (!isDomain) return checkedPattern(pattern, (message) => report(message, "pattern"));
    if (/[/*]/.test(pattern))
      report('must be a host without path or "*" when custom_domain is set', "pattern");
    return checkedPattern(`${pattern.replace(/[/*].*/, "")}/*`, (message) => report(message, "pattern"));
  });

function checkedPattern(pattern: string, report: (message: string) => void): string {
  const problem = routeProblem(pattern);
  if (problem !== undefined) report(problem);
  return pattern;
}

const jsonValue = z.custom<unknown>(isJson, { error: "must be a value that JSON can hold" });

/** The supported fields. Where wrangler has a default, the code that uses the field knows it. */
export const wranglerShape = {
  name: functionName,
  main: filePath,
  compatibility_date: compatibilityDate,
  compatibility_flags: z.array(z.string()),
  vars: z.record(z.string(), jsonValue),
  route,
  routes: z.array(route),
  rules: z.array(
    z.strictObject({
      type: oneOf(RULE_TYPES),
      globs: z.array(z.string()).min(1, { error: "must name at least one pattern" }),
      fallthrough: z.boolean().optional(),
    }),
  ),
  define: z.record(z.string(), z.string()),
  alias: z.record(z.string(), z.string()),
  minify: z.boolean(),
  keep_names: z.boolean(),
  no_bundle: z.boolean(),
  tsconfig: filePath,
  build: z.strictObject({
    command: z.string().optional(),
    cwd: filePath.optional(),
    watch_dir: listOf(filePath).optional(),
    // A leftover of wrangler 1, which wrangler takes and ignores as well.
    upload: z.unknown().optional(),
  }),
};

const KNOWN_FIELDS = [...Object.keys(wranglerShape), "dexter", "env"];
const NOT_INHERITED = ["vars", "define"];

export interface WranglerConfig {
  readonly fields: ReturnType<typeof parseEntries<typeof wranglerShape>>;
  /** Where each field stands, for messages about it. */
  readonly pathOf: (field: string) => KeyPath;
  /** The `[dexter]` tables, the environment's last. */
  readonly dexter: readonly Entry[];
}

/**
 * Checks a file's wrangler fields, as seen by environment `envName`. With `envRequired` a missing
 * environment is an error; otherwise the top level serves.
 */
export function parseWrangler(
  document: Document,
  options: { envName?: string | undefined; envRequired: boolean },
  problems: Problems,
): WranglerConfig {
  const top = tableEntries(document, [], document.data);
  warnOfFields(top, problems);
  const env = environment(document, options, problems);
  if (env) warnOfFields(env, problems);
  for (const level of env ? [top, env] : [top]) {
    const routes = level.get("routes");
    if (routes && level.has("route"))
      problems.error(document, routes.path, 'must not stand beside "route"; keep one of them');
  }
  const merged = env ? inherit(top, env, problems) : top;
  return {
    fields: parseEntries(wranglerShape, merged, problems),
    pathOf: (field) => merged.get(field)?.path ?? [],
    dexter: [top.get("dexter"), env?.get("dexter")].filter((entry) => entry !== undefined),
  };
}

/** The routes of a file, whichever of the two fields holds them. */
export function routesOf({ fields }: WranglerConfig): readonly string[] {
  return fields.routes ?? (fields.route === undefined ? [] : [fields.route]);
}

function tableEntries(document: Document, path: KeyPath, table: object): Map<string, Entry> {
  return new Map(
    Object.entries(table).map(([key, value]) => [key, { value, source: document, path: [...path, key] }]),
  );
}

function environment(
  document: Document,
  { envName, envRequired }: { envName?: string | undefined; envRequired: boolean },
  problems: Problems,
): Map<string, Entry> | undefined {
  const { env } = document.data;
  if (env !== undefined && !isTable(env))
    problems.error(document, ["env"], `must be a table of environments (got ${formatValue(env)})`);
  if (envName === undefined) return undefined;
  const known = isTable(env) ? Object.keys(env) : [];
  if (!isTable(env) || !known.includes(envName)) {
    const list =
      known.length > 0 ? `the environments are ${known.join(", ")}` : "the file has no environments";
    if (envRequired) problems.error(document, [], `env.${envName}: there is no such environment; ${list}`);
    return undefined;
  }
  const table = env[envName];
  if (isTable(table)) return tableEntries(document, ["env", envName], table);
  problems.error(document, ["env", envName], `must be a table (got ${formatValue(table)})`);
  return undefined;
}

/** wrangler's rules: an environment inherits all fields but `vars` and `define`. */
function inherit(
  top: ReadonlyMap<string, Entry>,
  env: ReadonlyMap<string, Entry>,
  problems: Problems,
): Map<string, Entry> {
  const merged = new Map(top);
  for (const field of NOT_INHERITED) {
    const entry = top.get(field);
    merged.delete(field);
    if (entry && !env.has(field))
      problems.warn(
        entry.source,
        entry.path,
        "environments do not inherit it; repeat it in the one that needs it",
      );
  }
  // `route` and `routes` say the same thing: either replaces both.
  if (env.has("route") || env.has("routes")) {
    merged.delete("route");
    merged.delete("routes");
  }
  for (const [field, entry] of env) merged.set(field, entry);
  return merged;
}

function warnOfFields(entries: ReadonlyMap<string, Entry>, problems: Problems): void {
  for (const [field, { source, path }] of entries) {
    const inEnvironment = path.length > 1;
    if (HARMLESS_FIELDS.has(field)) continue;
    if (KNOWN_FIELDS.includes(field) && !(inEnvironment && field === "env")) continue;
    if (UNSUPPORTED_FIELDS.has(field))
      problems.warn(source, path, "dexter does not support this wrangler field yet and ignores it");
    else problems.warn(source, path, strangeField(field));
  }
}

function strangeField(field: string): string {
  const directive = canonicalDirective(field);
  if (directive !== undefined) return `ignored here; ${directive} belongs in the [dexter] table`;
  const known = [...KNOWN_FIELDS, ...UNSUPPORTED_FIELDS, ...HARMLESS_FIELDS];
  return `neither wrangler nor dexter knows this field; it is ignored${didYouMean(field, known)}`;
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** TOML has infinities and NaN; JSON has not, and a function's `env` is JSON. */
function isJson(value: unknown): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  return typeof value !== "object" || value === null || Object.values(value).every(isJson);
}
