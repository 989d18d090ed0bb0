/** The kinds of value that the configuration schema is made of; each says in words what it expects. */
import { isIP, isIPv4, isIPv6 } from "node:net";
import * as z from "zod";
import type { ListenAddress } from "../types.ts";

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

/** A whole number within bounds, both included. */
export function whole(min: number, max: number) {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

/** A duration, given as seconds or with a unit; comes out as milliseconds. */
export function duration(minMs = 0) {
  const least = minMs > 0 ? ", more than 0" : "";
  return parsed(
    `must be a duration such as "300s", "5m", "250ms" or a number of seconds${least}, up to 24 days`,
    (value) => {
      const match = /^(\d+(?:\.\d+)?) ?(ms|s|m|h|d)?$/.exec(String(value).trim());
      if (!match || (typeof value !== "string" && typeof value !== "number")) return undefined;
      const ms = Math.round(Number(match[1]) * UNIT_MS[(match[2] ?? "s") as keyof typeof UNIT_MS]);
      return ms >= minMs && ms <= LONGEST_MS ? ms : undefined;
    },
  );
}

/** true, false, or Apache's words for them. */
export const onOff = parsed('must be true, false, "on" or "off"', (value) => {
  if (typeof value === "boolean") return value;
  const word = typeof value === "string" ? value.toLowerCase() : "";
  return word === "on" ? true : word === "off" ? false : undefined;
});

/** On, off, or always; true and false are accepted for the first two. */
export const onOffAlways = parsed('must be "on", "off" or "always"', (value) => {
  if (typeof value === "boolean") return value ? "on" : "off";
  const word = typeof value === "string" ? value.toLowerCase() : "";
  return word === "on" || word === "off" || word === "always" ? word : undefined;
});

/** One value or a list of them; comes out as a list. */
export function listOf<T extends z.ZodType>(item: T) {
  return z.preprocess((value) => (Array.isArray(value) ? value : [value]), z.array(item));
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
export const listenEntry = parsed(
  'must be [address:]port, such as 8787, "127.0.0.1:8787", "[::1]:8787", "*:80" or "https://*:443"',
  (value): ListenAddress | undefined => {
    const [, scheme, rest] = /^(?:(https?):\/\/)?([^/]*)\/?$/i.exec(String(value).trim()) ?? [];
    const { success, data } = listenAddress.safeParse(typeof value === "string" ? rest : value);
    if (!success) return undefined;
    return scheme?.toLowerCase() === "https" ? { ...data, secure: true } : data;
  },
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
export const addressRange = parsed(
  'must be an IP address or a range such as "10.0.0.0/8" or "fd00::/8"',
  (value) => (typeof value === "string" && isRange(value) ? value : undefined),
);

/** What workerd's `Network.allow` takes; it wants a prefix length on every address. */
export const networkRange = parsed(
  'must be "public", "private", "local" or a range such as "10.0.0.0/8"',
  (value) => {
    if (typeof value !== "string") return undefined;
    if (["public", "private", "local", "network"].includes(value)) return value;
    if (!isRange(value)) return undefined;
    return value.includes("/") ? value : `${value}/${isIPv4(value) ? 32 : 128}`;
  },
);

function matching(pattern: RegExp, error: string) {
  return z.string({ error }).regex(pattern, { error });
}

/** A user or group, by name or number, as Apache writes them. */
export const account = matching(
  /^(#\d{1,10}|[a-z_][a-z0-9_.-]*\$?)$/i,
  'must be a name, or a number written "#1000"',
);

/** A function's name: it becomes a host name, `<name>.localhost`. */
export const DNS_LABEL = new RegExp(`^${LABEL}$`);
export const NAME_RULE = 'must be lower-case letters, digits and "-", at most 63, with no "-" at either end';
export const functionName = matching(DNS_LABEL, NAME_RULE);

export const hostName = matching(
  new RegExp(`^${LABEL}(\\.${LABEL})*$`),
  'must be a lower-case host name such as "example.com"',
);

/** A host, or all names one label below it. */
export const certificateHost = matching(
  new RegExp(`^(\\*\\.)?${LABEL}(\\.${LABEL})*$`),
  'must be a lower-case host name such as "example.com" or "*.example.com"',
);

export const filePath = matching(/^[^\0]+$/, "must be a path");

export const urlPath = matching(/^\/[\x21-\x7e]*$/, 'must be a path of a URL, such as "/health"');

export const v8Flag = matching(
  /^--[a-z]/,
  'must be a V8 flag that starts with "--", such as "--max-heap-size=128"',
);

/** One of some words. */
export function oneOf<const T extends readonly [string, ...string[]]>(words: T) {
  return z.enum(words, { error: `must be one of ${words.map((word) => `"${word}"`).join(", ")}` });
}
