/**
 * A package: one version of a function with its settings, as `dexter deploy` sends it and as the store keeps it.
 * It comes from outside, so everything in it is checked; its id is a hash of its content and is checked as well.
 */
import * as z from "zod";
import { functionLimitsSchema } from "../config/limits.ts";
import { concurrency, maxSpareThreads, minSpareThreads, startThreads } from "../config/thread-directives.ts";
import { DNS_LABEL } from "../config/values.ts";
import { DexterError } from "../errors.ts";
import { parseRoute } from "../policy/routes.ts";
import type { FunctionSettings, Version } from "../types.ts";
import { versionId } from "./version.ts";

export interface FunctionPackage {
  readonly settings: FunctionSettings;
  readonly version: Version;
}

const FORMAT = 1;
const MAX_MODULES = 10_000;
const MAX_NAME_BYTES = 512;

/** Modules are found by these names inside workerd, and nowhere else; a name that could be a way out is refused. */
function isModuleName(name: string): boolean {
  if (name.length === 0 || Buffer.byteLength(name) > MAX_NAME_BYTES) return false;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
  if (/[\u0000-\u001f\u007f\\]/.test(name) || name.startsWith("dexter-") || name === "__proto__")
    return false;
  return name.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}

const base64 = z.base64();
const moduleSchema = z.union([
  z.strictObject({ js: z.string() }),
  z.strictObject({ cjs: z.string() }),
  z.strictObject({ text: z.string() }),
  z.strictObject({ json: z.json() }),
  z.strictObject({ dataBase64: base64 }),
  z.strictObject({ wasmBase64: base64 }),
]);

const moduleName = z.string().refine(isModuleName, "is no name for a module: use a relative path without ..");
const modules = z
  .record(moduleName, moduleSchema)
  .refine((all) => Object.keys(all).length <= MAX_MODULES, `holds more than ${MAX_MODULES} modules`);

const route = z.string().superRefine((pattern, context) => {
  try {
    parseRoute(pattern);
  } catch (error) {
    context.addIssue((error as Error).message);
  }
});

const threads = z.strictObject({
  startThreads,
  minSpareThreads,
  maxSpareThreads,
  concurrency,
  idleTimeoutMs: z.int().min(1),
});

/** Checked before the schema, which would set the prototype of its result by it. */
const noProto = (key: string, value: unknown) => {
  if (key === "__proto__") throw new SyntaxError('the key "__proto__" is not allowed');
  return value;
};

const schema = z.strictObject({
  format: z.literal(FORMAT, `must be ${FORMAT}; node and command are of different versions`),
  id: z.string().regex(/^[0-9a-f]{16}$/, "must be 16 hexadecimal digits"),
  name: z.string().regex(DNS_LABEL, "must be a DNS label"),
  mainModule: z.string(),
  modules,
  compatibilityDate: z.iso.date(),
  compatibilityFlags: z.array(z.string().max(100)).max(100),
  env: z.record(z.string(), z.json()),
  sourceMap: z.string().optional(),
  routes: z.array(route).max(1000),
  catchAll: z.boolean(),
  threads,
  healthPath: z.string().regex(/^\//, "must begin with /").optional(),
  limits: functionLimitsSchema.optional(),
});

/** What of a function's configuration a package has beside its version. */
export function settingsOf({ name, routes, catchAll, threads, limits, healthPath }: FunctionSettings) {
  return { name, routes, catchAll, threads, ...defined({ limits, healthPath }) } as FunctionSettings;
}

function defined(values: object): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/** As the store and the wire have it; `unpack` takes it apart again. */
export function pack({ settings, version }: FunctionPackage): string {
  const { functionName: _, ...content } = version;
  return JSON.stringify({ format: FORMAT, ...content, ...settings });
}

/** @throws PACKAGE_INVALID, with what is wrong and where; DIGEST_WRONG when the id is not that of the content */
export function unpack(text: string): FunctionPackage {
  const found = schema.safeParse(parseJson(text));
  if (!found.success) throw invalid(firstIssue(found.error));
  const {
    format: _,
    name,
    routes,
    catchAll,
    threads,
    healthPath,
    limits,
    sourceMap,
    ...content
  } = found.data;
  if (content.modules[content.mainModule] === undefined)
    throw invalid(`mainModule: there is no module "${content.mainModule}"`);
  if (threads.maxSpareThreads < threads.minSpareThreads)
    throw invalid("threads: maxSpareThreads is below minSpareThreads");
  const settings = settingsOf({ name, routes, catchAll, threads, limits, healthPath } as FunctionSettings);
  const version = Object.freeze({
    functionName: name,
    ...content,
    ...(sourceMap === undefined ? {} : { sourceMap }),
  });
  const id = versionId(version, settings);
  if (id !== version.id) throw new DexterError("DIGEST_WRONG", { claimed: version.id, found: id });
  return { settings, version };
}

/** So many texts and so many bytes beside them are plenty for what a package is; more take seconds to read. */
const MOST_STRINGS = 300_000;
const MOST_BESIDE = 4 << 20;

/** Looks over the text for more parts than a package has: the scheduler stands still while it is read. */
function isReasonable(text: string): boolean {
  let beside = 0;
  let from = 0;
  for (let strings = 0; strings < MOST_STRINGS; strings++) {
    const begin = text.indexOf('"', from);
    beside += (begin < 0 ? text.length : begin) - from;
    if (beside > MOST_BESIDE) return false;
    if (begin < 0) return true;
    let end = text.indexOf('"', begin + 1);
    while (end >= 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
    if (end < 0) return true;
    from = end + 1;
  }
  return false;
}

function isEscaped(text: string, place: number): boolean {
  let slashes = 0;
  while (text.charCodeAt(place - 1 - slashes) === 0x5c) slashes++;
  return slashes % 2 === 1;
}

function parseJson(text: string): unknown {
  if (!isReasonable(text)) throw invalid("it has more parts than a version has");
  try {
    return JSON.parse(text, noProto);
  } catch (cause) {
    throw invalid(`it is not JSON (${(cause as Error).message})`);
  }
}

function invalid(reason: string): DexterError {
  return new DexterError("PACKAGE_INVALID", { reason });
}

function firstIssue({ issues }: z.ZodError): string {
  const [issue] = issues;
  const where = issue!.path.map((part) => JSON.stringify(String(part)).slice(1, -1)).join(" › ");
  // What is wrong with a key is told one level deeper.
  const { message } = (issue!.code === "invalid_key" && issue!.issues[0]) || issue!;
  return where === "" ? message : `${where}: ${message}`;
}
