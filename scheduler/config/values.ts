/** The kinds of value that the configuration schema is made of; each says in words what it expects. */
import { isIP, isIPv4, isIPv6 } from "node:net";
import * as z from "zod";
import type { ListenAddress } from "../types.ts";
import { anyCase, type JsonSchema, kindOf, ofKind } from "./kind.ts";

/** Timers in Node.js hold 31 bits of milliseconds. */
const LONGEST_MS = 2 ** 31 - 1;
const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";

/** A value that `parse` turns into another, or refuses with undefined. */
function parsed<T>(expected: string, parse: (value: unknown) => T | undefined) {
  return z.unknown().transform((value, context): T => {
    const result = parse(value);
    if (result !== undefined) return result;
    context.addIssue({ code: "custom", message: expected });
    return z.NEVER;
  });
}

/** A whole number within bounds, both included. @param unit what it counts */
export function whole(min: number, max: number, unit: string) {
  const error = `must be a whole number from ${min} to ${max}`;
  const schema = z.int({ error }).min(min, { error }).max(max, { error });
  const json = { type: "integer", minimum: min, maximum: max };
  return ofKind(schema, "whole number", json, { bounds: `${min} to ${max}`, unit });
}

/** A duration, given as seconds or with a unit; comes out as milliseconds. */
export function duration(minMs = 0) {
  const least = minMs === 0 ? "" : minMs < 1000 ? "more than 0, " : `at least ${minMs / 1000} s, `;
  const bounds = `${least}up to 24 days`;
  const schema = parsed(
    `must be a duration such as "300s", "5m", "250ms" or a number of seconds, ${bounds}`,
    (value) => {
      const match = /^(\d+(?:\.\d+)?) ?(ms|s|m|h|d)?$/.exec(String(value).trim());
      if (!match || (typeof value !== "string" && typeof value !== "number")) return undefined;
      const ms = Math.round(Number(match[1]) * UNIT_MS[(match[2] ?? "s") as keyof typeof UNIT_MS]);
      return ms >= minMs && ms <= LONGEST_MS ? ms : undefined;
    },
  );
  const json = anyOf(
    { type: "string", pattern: "^\\s*\\d+(\\.\\d+)? ?(ms|s|m|h|d)?\\s*$" },
    { type: "number", minimum: 0, maximum: LONGEST_MS / 1000 },
  );
  return ofKind(schema, "duration", json, { bounds, unit: "seconds unless given" });
}

const SIZE_UNIT = { "": 1, k: 1000, ki: 1024, m: 1e6, mi: 2 ** 20, g: 1e9, gi: 2 ** 30 } as const;

/** A number of bytes, given as such or with a unit: "64KiB", "1MiB", "10MB". */
export function byteSize(min: number, max: number) {
  const schema = parsed(
    `must be a size such as "64KiB", "1MiB" or a number of bytes, from ${min} to ${max}`,
    (value) => {
      const match = /^(\d+(?:\.\d+)?) ?(?:([kmg]i?)?b?)$/i.exec(String(value).trim());
      if (!match || (typeof value !== "string" && typeof value !== "number")) return undefined;
      const unit = (match[2] ?? "").toLowerCase() as keyof typeof SIZE_UNIT;
      const bytes = Math.round(Number(match[1]) * SIZE_UNIT[unit]);
      return bytes >= min && bytes <= max ? bytes : undefined;
    },
  );
  const json = anyOf(
    { type: "string", pattern: "^\\s*\\d+(\\.\\d+)? ?([kKmMgG][iI]?)?[bB]?\\s*$" },
    { type: "integer", minimum: min, maximum: max },
  );
  return ofKind(schema, "size", json, { bounds: `${min} to ${max}`, unit: "bytes unless given" });
}

/** true, false, or Apache's words for them. */
export const onOff = ofKind(
  parsed('must be true, false, "on" or "off"', (value) => {
    if (typeof value === "boolean") return value;
    const word = typeof value === "string" ? value.toLowerCase() : "";
    return word === "on" ? true : word === "off" ? false : undefined;
  }),
  "word",
  wordsOrBoolean("on", "off"),
  { bounds: "on, off" },
);

/** On, off, or always; true and false are accepted for the first two. */
export const onOffAlways = ofKind(
  parsed('must be "on", "off" or "always"', (value) => {
    if (typeof value === "boolean") return value ? "on" : "off";
    const word = typeof value === "string" ? value.toLowerCase() : "";
    return word === "on" || word === "off" || word === "always" ? word : undefined;
  }),
  "word",
  wordsOrBoolean("on", "off", "always"),
  { bounds: "on, off, always" },
);

function wordsOrBoolean(...words: readonly string[]): JsonSchema {
  const pattern = `^(${words.map(anyCase).join("|")})$`;
  // The list is what an editor offers.
  return anyOf({ enum: [...words, true, false] }, { type: "string", pattern });
}

/** One value or a list of them; comes out as a list. */
export function listOf<T extends z.ZodType>(item: T) {
  const schema = z.preprocess((value) => (Array.isArray(value) ? value : [value]), z.array(item));
  const { name, bounds, json } = kindOf(item)!;
  const list = { type: "array", items: json };
  return ofKind(schema, `${name}, or a list of them`, anyOf(json, list), { bounds });
}

function anyOf(...kinds: readonly JsonSchema[]): JsonSchema {
  return { anyOf: kinds };
}

/** `[address:]port`. A port alone means 127.0.0.1, so that nothing is open to the network unasked. */
const listenAddress = parsed(
  'must be [address:]port, such as 8787, "127.0.0.1:8787", "[::1]:8787" or "*:80"',
  (value): ListenAddress | undefined => {
    if (typeof value !== "string" && typeof value !== "number") return undefined;
    const match = /^(?:(\*|\[[^\]]+\]|[^:[\]]+):)?(\d{1,5})$/.exec(String(value).trim());
    if (!match || Number(match[2]) > 65535) return undefined;
    const host = listenHost(match[1] ?? "127.0.0.1");
    return host === undefined ? undefined : { host, port: Number(match[2]) };
  },
);

/** What `listen` takes: the same, and where `https://` stands before it, its connections are encrypted. */
export const listenEntry = ofKind(
  parsed(
    'must be [address:]port, such as 8787, "127.0.0.1:8787", "[::1]:8787", "*:80" or "https://*:443"',
    (value): ListenAddress | undefined => {
      const [, scheme, rest] = /^(?:(https?):\/\/)?([^/]*)\/?$/i.exec(String(value).trim()) ?? [];
      const { success, data } = listenAddress.safeParse(typeof value === "string" ? rest : value);
      if (!success) return undefined;
      return scheme?.toLowerCase() === "https" ? { ...data, secure: true } : data;
    },
  ),
  "[https://][address:]port",
  anyOf(
    { type: "integer", minimum: 0, maximum: 65_535 },
    { type: "string", pattern: `^\\s*(${anyCase("http")}[sS]?://)?([^/]+:)?\\d{1,5}/?\\s*$` },
  ),
);

function listenHost(host: string): string | undefined {
  if (host === "*") return "0.0.0.0";
  if (host.startsWith("[")) return isIPv6(host.slice(1, -1)) ? host.slice(1, -1) : undefined;
  if (/^[\d.]+$/.test(host)) return isIPv4(host) ? host : undefined;
  return new RegExp(`^${LABEL}(\\.${LABEL})*$`, "i").test(host) ? host.toLowerCase() : undefined;
}

/** Formats a listening address as it is written in a configuration. */
export function formatListen({ host, port }: ListenAddress): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether both cannot be listened on at once: the kernel gives a wildcard the port on all addresses. */
export function sameListen(a: ListenAddress, b: ListenAddress): boolean {
  if (a.port !== b.port || a.port === 0) return false;
  if (a.host === b.host || a.host === "::" || b.host === "::") return true;
  return (a.host === "0.0.0.0" && !isIPv6(b.host)) || (b.host === "0.0.0.0" && !isIPv6(a.host));
}

function isRange(text: string): boolean {
  const [address, bits, more] = text.split("/");
  const family = isIP(address ?? "");
  if (family === 0 || more !== undefined) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

/** An IP address, or a range of them in CIDR notation. */
export const addressRange = ofKind(
  parsed('must be an IP address or a range such as "10.0.0.0/8" or "fd00::/8"', (value) =>
    typeof value === "string" && isRange(value) ? value : undefined,
  ),
  "IP address or range",
  { type: "string" },
);

/** What workerd's `Network.allow` takes; it wants a prefix length on every address. */
export const networkRange = ofKind(
  parsed('must be "public", "private", "local" or a range such as "10.0.0.0/8"', (value) => {
    if (typeof value !== "string") return undefined;
    if (["public", "private", "local", "network"].includes(value)) return value;
    if (!isRange(value)) return undefined;
    return value.includes("/") ? value : `${value}/${isIPv4(value) ? 32 : 128}`;
  }),
  "public, private, local, IP address or range",
  { type: "string" },
);

/** @param pattern without flags, so that JSON Schema can have it as well */
function matching(name: string, pattern: RegExp, error: string) {
  const schema = z.string({ error }).regex(pattern, { error });
  return ofKind(schema, name, { type: "string", pattern: pattern.source });
}

/** A user or group, by name or number, as Apache writes them. */
export const account = matching(
  "name or #number",
  /^(#\d{1,10}|[A-Za-z_][A-Za-z0-9_.-]*\$?)$/,
  'must be a name, or a number written "#1000"',
);

/** A function's name: it becomes a host name, `<name>.localhost`. */
export const DNS_LABEL = new RegExp(`^${LABEL}$`);
export const NAME_RULE = 'must be lower-case letters, digits and "-", at most 63, with no "-" at either end';
export const functionName = matching("function's name", DNS_LABEL, NAME_RULE);

export const hostName = matching(
  "host name",
  new RegExp(`^${LABEL}(\\.${LABEL})*$`),
  'must be a lower-case host name such as "example.com"',
);

/** A host, or all names one label below it. */
export const certificateHost = matching(
  "host name",
  new RegExp(`^(\\*\\.)?${LABEL}(\\.${LABEL})*$`),
  'must be a lower-case host name such as "example.com" or "*.example.com"',
);

export const filePath = ofKind(
  z.string({ error: "must be a path" }).regex(/^[^\0]+$/, { error: "must be a path" }),
  "path",
  { type: "string", minLength: 1 },
);

export const urlPath = matching(
  "path of a URL",
  /^\/[\x21-\x7e]*$/,
  'must be a path of a URL, such as "/health"',
);

export const v8Flag = matching(
  "V8 flag",
  /^--[a-z]/,
  'must be a V8 flag that starts with "--", such as "--max-heap-size=128"',
);

/** One of some words. */
export function oneOf<const T extends readonly [string, ...string[]]>(words: T) {
  const schema = z.enum(words, { error: `must be one of ${words.map((word) => `"${word}"`).join(", ")}` });
  return ofKind(schema, "word", { enum: words }, { bounds: words.join(", ") });
}
