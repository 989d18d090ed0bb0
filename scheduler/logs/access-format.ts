/**
 * The lines of the access log. This runs for every request of a node that has one, so what repeats itself is kept:
 * the time up to the second, and what clients say of themselves.
 */
import type { HeaderBlock } from "../http/request-head.ts";
import type { RequestRecord } from "./request-record.ts";

/** One JSON object a line. */
function jsonLine(record: RequestRecord): string {
  const { outcome, served } = record;
  const cut = typeof outcome === "string" ? `,"outcome":"${outcome}"` : "";
  const where = served
    ? `,"version":"${served.version}","server":${served.server ?? null},"thread":${served.thread}`
    : "";
  return (
    `{"time":"${isoTime(record.startedAt)}","id":${plain(record.id)},"function":${plain(record.functionName)}${where}` +
    `,"client":${plain(record.clientIp)},"method":${plain(record.method)},"host":${quoted(record.host)}` +
    `,"path":${quoted(record.path)},"protocol":${plain(record.protocol)},"status":${record.status}${cut}` +
    `,"requestBytes":${record.requestBytes},"bytes":${record.responseBytes}` +
    `${ms("waitMs", record.waitMs)}${ms("firstByteMs", record.firstByteMs)}${ms("totalMs", record.ms)}` +
    `${agentOf(record.block).json}}\n`
  );
}

/** Apache's `combined`: `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-agent}i"`. */
function combinedLine(record: RequestRecord): string {
  const { clientIp, method, target, protocol, responseBytes } = record;
  const line = method === "" ? "-" : `${method} ${escaped(target)} ${protocol}`;
  return (
    `${clientIp || "-"} - - [${apacheTime(record.startedAt)}] "${line}" ${record.status} ${responseBytes || "-"}` +
    `${agentOf(record.block).combined}\n`
  );
}

export const ACCESS_FORMATS = { json: jsonLine, combined: combinedLine } as const;

/** Quick functions take less than a millisecond. */
export function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

/** In microseconds first: turning whole numbers into text costs a fraction of what others do. */
function ms(name: string, value: number | undefined): string {
  if (value === undefined) return "";
  const micros = Math.round(value * 1000);
  const whole = Math.floor(micros / 1000);
  return `,"${name}":${whole}.${THREE_DIGITS[micros - whole * 1000]}`;
}

const THREE_DIGITS = Array.from({ length: 1000 }, (_, value) => String(value).padStart(3, "0"));

/** For what has been read strictly, and holds nothing that JSON would escape. */
const plain = (token: string) => (token === "" ? "null" : `"${token}"`);
const quoted = (text: string) => (text === "" ? "null" : JSON.stringify(text));

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNSAFE = /["\\\u0000-\u001f\u007f-\uffff]/g;

/** As Apache writes them: nothing that a client sends can end a field, or reach a terminal as a command. */
function escaped(text: string): string {
  return text.replace(UNSAFE, (sign) =>
    sign === '"' || sign === "\\" ? `\\${sign}` : `\\x${sign.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

// --- what a client says of itself ---

/** Rendered for both formats. */
interface Agent {
  readonly json: string;
  readonly combined: string;
}

const NOBODY = renderAgent("", "");

/** A connection's requests mostly share their headers. */
const agents = new WeakMap<HeaderBlock, Agent>();

function agentOf(block: HeaderBlock | undefined): Agent {
  if (block === undefined) return NOBODY;
  let agent = agents.get(block);
  if (agent === undefined) {
    agent = renderAgent(headerOf(block, "user-agent"), headerOf(block, "referer"));
    agents.set(block, agent);
  }
  return agent;
}

function renderAgent(userAgent: string, referer: string): Agent {
  return {
    json: `,"userAgent":${quoted(userAgent)},"referer":${quoted(referer)}`,
    combined: ` "${escaped(referer || "-")}" "${escaped(userAgent || "-")}"`,
  };
}

function headerOf({ rawHeaders }: HeaderBlock, wanted: string): string {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const header = rawHeaders[i]!;
    if (header.length === wanted.length && header.toLowerCase() === wanted) return rawHeaders[i + 1]!;
  }
  return "";
}

// --- times ---

let isoSecond = Number.NaN;
let isoStart = "";

/** `2026-11-25T18:20:34.123Z` */
export function isoTime(time: number): string {
  const second = Math.floor(time / 1000);
  if (second !== isoSecond) {
    isoSecond = second;
    isoStart = new Date(second * 1000).toISOString().slice(0, 20);
  }
  return `${isoStart}${THREE_DIGITS[Math.floor(time) - second * 1000]}Z`;
}

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const two = (value: number) => String(value).padStart(2, "0");
let apacheSecond = Number.NaN;
let apacheText = "";

/** `25/Nov/2026:18:20:34 +0000`, in the scheduler's time zone. */
function apacheTime(time: number): string {
  const second = Math.floor(time / 1000);
  if (second === apacheSecond) return apacheText;
  apacheSecond = second;
  const date = new Date(time);
  const offset = -date.getTimezoneOffset();
  const zone = `${offset < 0 ? "-" : "+"}${two(Math.trunc(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`;
  const day = `${two(date.getDate())}/${MONTHS[date.getMonth()]}/${date.getFullYear()}`;
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  apacheText = `${day}:${clock} ${zone}`;
  return apacheText;
}
