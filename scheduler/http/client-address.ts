/**
 * Who the client is. By default that is whoever holds the connection, and everything the request says of
 * itself is ignored. Of a peer in `trusted_proxies` the X-Forwarded headers are believed, from the right
 * and only as far as the addresses there are trusted too: what is left of the first untrusted one was
 * written by that one.
 */
import assert from "node:assert/strict";
import { BlockList, isIP, isIPv4 } from "node:net";
import { PROTO_HEADER } from "../../runtime/protocol.ts";
import { DexterError } from "../errors.ts";
import { isHost } from "./vet.ts";

export type Scheme = "http" | "https";

export interface Client {
  /** Address of the client, for CF-Connecting-IP. */
  readonly ip: string;
  readonly proto: Scheme;
  /** Host that the client asked for, for X-Forwarded-Host. */
  readonly host: string;
  /** The chain of addresses for X-Forwarded-For, the peer last. */
  readonly forwardedFor: string;
  /** Whether the peer is a trusted proxy, whose X-Request-Id may be kept. */
  readonly trusted: boolean;
  /** The four headers that say so, ready to be sent. */
  readonly headerLines: string;
}

/** `RequestFacts` of vet.ts fits. */
interface ForwardedFacts {
  readonly host: string;
  readonly forwardedFor: string | undefined;
  readonly forwardedProto: string | undefined;
  readonly forwardedHost: string | undefined;
}

/** Peer address of a socket (undefined once it is closed), request, how the connection is encrypted, answer. */
export type ClientResolver = (peer: string | undefined, request: ForwardedFacts, scheme?: Scheme) => Client;

const CACHE_SIZE = 4096;
const NOT_TRUSTED = (): boolean => false;
const UNPRINTABLE = /[^\t -~\x80-\xff]/;

/**
 * @param trustedProxies addresses (`10.0.0.1`, `::1`) and ranges (`10.0.0.0/8`)
 * @throws DexterError CONFIG_INVALID for an entry that is neither
 */
export function createClientResolver(trustedProxies: readonly string[]): ClientResolver {
  const isTrusted = trustIn(trustedProxies);
  // Connections repeat themselves: the last client of a peer is mostly the next one too.
  const known = new Map<string | undefined, Client>();
  return (peer, request, scheme = "http") => {
    const last = known.get(peer);
    if (last && !last.trusted && last.host === request.host && last.proto === scheme) return last;
    const ip = normaliseAddress(peer) ?? "0.0.0.0";
    if (isTrusted(ip)) return believe(ip, request, scheme, isTrusted);
    const client = withLines({ ip, proto: scheme, host: request.host, forwardedFor: ip, trusted: false });
    if (known.size >= CACHE_SIZE) known.clear();
    known.set(peer, client);
    return client;
  };
}

/** Whether an address, as `normaliseAddress` gives it, is that of a trusted proxy. @throws as `createClientResolver` */
export function trustIn(trustedProxies: readonly string[]): (address: string) => boolean {
  return trustedProxies.length === 0 ? NOT_TRUSTED : rememberedTrust(trustList(trustedProxies));
}

/**
 * What counts as one client: an IPv4 address, or the first half of an IPv6 one, all of whose addresses one customer of a
 * network gets.
 */
export function networkOf(peer: string | undefined): string {
  const address = normaliseAddress(peer) ?? "";
  if (!address.includes(":")) return address;
  const [left = "", right] = address.split("::");
  const groups = left === "" ? [] : left.split(":");
  if (right !== undefined) {
    const last = right === "" ? 0 : right.split(":").length;
    while (groups.length + last < 8) groups.push("0");
  }
  return `${groups.slice(0, 4).join(":")}::/64`;
}

function believe(
  ip: string,
  request: ForwardedFacts,
  scheme: Scheme,
  isTrusted: (ip: string) => boolean,
): Client {
  const proto = lastOf(request.forwardedProto)?.toLowerCase() ?? scheme;
  const given = request.forwardedFor;
  const host = lastOf(request.forwardedHost);
  return withLines({
    ip: given === undefined ? ip : clientIn(given, ip, isTrusted),
    proto: proto === "https" ? "https" : "http",
    host: host !== undefined && isHost(host) ? host : request.host,
    forwardedFor: given ? `${given}, ${ip}` : ip,
    trusted: true,
  });
}

function withLines(client: Omit<Client, "headerLines">): Client {
  const { forwardedFor, proto, host, ip } = client;
  const scheme = proto === "https" ? `${PROTO_HEADER}: https\r\n` : "";
  // The parts were checked where they came from; a line break would be a bug that hands out a request.
  assert(!UNPRINTABLE.test(`${forwardedFor}${host}`));
  return {
    ...client,
    headerLines: `X-Forwarded-For: ${forwardedFor}\r\nX-Forwarded-Proto: ${proto}\r\nX-Forwarded-Host: ${host}\r\nCF-Connecting-IP: ${ip}\r\n${scheme}`,
  };
}

const BRACKETED = /^\[([^\]]*)\](?::\d*)?$/;

/**
 * An address without port, brackets and zone, IPv4-mapped IPv6 as IPv4.
 * @returns undefined for what is no address
 */
export function normaliseAddress(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  let address = text;
  if (address.startsWith("[")) address = BRACKETED.exec(address)?.[1] ?? "";
  else if (address.includes(".") && /^[\d.]+:\d+$/.test(address))
    address = address.slice(0, address.indexOf(":"));
  const zone = address.indexOf("%");
  if (zone >= 0) address = address.slice(0, zone);
  const version = isIP(address);
  if (version === 4) return address;
  if (version === 0) return undefined;
  const lower = address.toLowerCase();
  const mapped = lower.startsWith("::ffff:") ? lower.slice(7) : "";
  if (isIPv4(mapped)) return mapped;
  const hex = /^([\da-f]{1,4}):([\da-f]{1,4})$/.exec(mapped);
  if (!hex) return lower;
  const [high, low] = [Number.parseInt(hex[1]!, 16), Number.parseInt(hex[2]!, 16)];
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

/** From the right, the first address that is not trusted; all trusted: the leftmost. Stops at what is none. */
function clientIn(chain: string, peer: string, isTrusted: (ip: string) => boolean): string {
  let client = peer;
  for (const entry of chain.split(",").reverse()) {
    const ip = normaliseAddress(entry.trim());
    if (ip === undefined) break;
    client = ip;
    if (!isTrusted(ip)) break;
  }
  return client;
}

/** The value that the nearest proxy added. */
function lastOf(list: string | undefined): string | undefined {
  return list?.slice(list.lastIndexOf(",") + 1).trim();
}

function trustList(entries: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of entries) {
    const slash = entry.indexOf("/");
    const given = slash < 0 ? entry : entry.slice(0, slash);
    const ip = isIP(given) ? normaliseAddress(given) : undefined;
    // The prefix of an IPv4-mapped range counts from the 96 bits that are now gone.
    const bits = ip !== undefined && isIPv4(ip) ? 32 : 128;
    const gone = bits === 32 && given.includes(":") ? 96 : 0;
    const text = slash < 0 ? String(bits + gone) : entry.slice(slash + 1);
    const prefix = /^\d{1,3}$/.test(text) ? Number(text) - gone : -1;
    if (ip === undefined || prefix < 0 || prefix > bits) {
      throw new DexterError("CONFIG_INVALID", {
        reason: `trusted_proxies: "${entry}" is neither an address nor a range such as 10.0.0.0/8`,
      });
    }
    list.addSubnet(ip, prefix, bits === 32 ? "ipv4" : "ipv6");
  }
  return list;
}

/** A BlockList look-up costs microseconds; proxies are few, so the answer is remembered by address. */
function rememberedTrust(list: BlockList): (ip: string) => boolean {
  const known = new Map<string, boolean>();
  return (ip) => {
    let trusted = known.get(ip);
    if (trusted === undefined) {
      trusted = list.check(ip, isIPv4(ip) ? "ipv4" : "ipv6");
      if (known.size >= CACHE_SIZE) known.clear();
      known.set(ip, trusted);
    }
    return trusted;
  };
}
