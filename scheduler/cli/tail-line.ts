/** Events of a node as lines for people. */
import type {
  ConsoleEvent,
  DroppedEvent,
  ExceptionEvent,
  RequestEvent,
  TailEvent,
} from "../logs/tail-event.ts";
import { colours } from "./colours.ts";

/** Undefined for what is not for people. */
export function tailLine(event: TailEvent): string | undefined {
  switch (event.type) {
    case "request":
      return requestLine(event);
    case "console":
      return consoleLine(event);
    case "exception":
      return exceptionLines(event);
    case "dropped":
      return droppedLine(event);
    default:
      return undefined;
  }
}

function requestLine(event: RequestEvent): string {
  const { status, outcome, method, path, host, server, thread } = event;
  const result = colourOf(status)(outcome ? `${status} ${outcome}` : String(status));
  const what = method === null ? "(no HTTP request)" : `${method} ${clean(`${host}${path}`)}`;
  const where = thread === undefined ? "" : `${server ?? "?"}/${thread}`;
  const wait = (event.waitMs ?? 0) >= 1 ? `waited ${milliseconds(event.waitMs!)}` : "";
  const details = [where, milliseconds(event.totalMs), wait, size(event.bytes), event.id]
    .filter(Boolean)
    .join("  ");
  return `${start(event)} ${result} ${what}  ${colours.dim(details)}`;
}

const LEVEL_COLOURS = {
  debug: colours.blue,
  info: colours.green,
  warn: colours.yellow,
  error: colours.red,
} as const;

function consoleLine(event: ConsoleEvent): string {
  const [first = "", ...others] = clean(event.message).split("\n");
  const level = LEVEL_COLOURS[event.level](event.level);
  return [`${start(event)} ${level} ${first}${request(event.id)}`, ...others].join("\n");
}

function exceptionLines(event: ExceptionEvent): string {
  const [first = "", ...others] = clean(event.text).split("\n");
  const what = `${event.method} ${clean(event.path)}`;
  const line = `${start(event)} ${colours.red("exception")} ${colours.red(first)}  ${colours.dim(what)}${request(event.id)}`;
  return [line, ...others.map((text) => colours.dim(text))].join("\n");
}

function droppedLine(event: DroppedEvent): string {
  const why = event.what === "events" ? "too many to be read here" : "more than log_rate allows";
  return `${start(event)} ${colours.yellow(`${event.count} ${event.what} were dropped: ${why}`)}`;
}

function start({ time, function: fn }: { time: string; function?: string | null }): string {
  const at = colours.dim(new Date(time).toTimeString().slice(0, 8));
  return fn ? `${at} ${colours.cyan(fn)}` : at;
}

function request(id: string | null): string {
  return id === null ? "" : `  ${colours.dim(id)}`;
}

function colourOf(status: number): (text: string) => string {
  if (status >= 500) return colours.red;
  return status >= 400 ? colours.yellow : colours.green;
}

function milliseconds(ms: number): string {
  if (ms >= 10_000) return `${Math.round(ms / 1000)} s`;
  return ms >= 10 ? `${Math.round(ms)} ms` : `${ms.toFixed(1)} ms`;
}

function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(1)} KB`;
  return `${(bytes / 1024 ** 2).toFixed(1)} MB`;
}

/** What functions and clients write must not command the terminal; line breaks and tabs may stay. */
function clean(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (sign) => {
    return `\\x${sign.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}
