/**
 * Reads what a server prints, and what workerd says of itself. workerd's structured logging gives one JSON object a
 * line; a console line of a function carries the mark that runtime/console.ts put in front, with thread and request id.
 */

export interface ConsoleLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  /** Name of the isolate that printed it; absent for workerd's own lines. */
  readonly thread?: string;
  readonly requestId?: string;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are the mark
const MARK = /^\u0001([^\u0002]*)\u0002([^\u0003\u0004]*)(?:\u0003|\u0004 ?)/;

const LEVELS: Readonly<Record<string, ConsoleLine["level"]>> = {
  debug: "debug",
  trace: "debug",
  log: "info",
  info: "info",
  warn: "warn",
  warning: "warn",
  error: "error",
};

/** Never throws: a line that is not workerd's JSON is passed on as it is. */
export function parseServerLine(line: string): ConsoleLine {
  let entry: { level?: unknown; message?: unknown };
  try {
    entry = JSON.parse(line);
  } catch {
    return { level: "info", message: line };
  }
  if (typeof entry?.message !== "string") return { level: "info", message: line };
  const level = LEVELS[String(entry.level)] ?? "info";
  const mark = MARK.exec(entry.message);
  if (mark === null) return { level, message: entry.message };
  return {
    level,
    message: entry.message.slice(mark[0].length),
    thread: mark[1]!,
    ...(mark[2] ? { requestId: mark[2] } : {}),
  };
}

/** What workerd writes to its control descriptor, in JSON: a socket listens, or the inspector, at a port. */
interface ControlEvent {
  readonly event: string;
  readonly port: number | undefined;
}

/** Never throws: undefined for a line that is no event. */
export function parseControlLine(line: string): ControlEvent | undefined {
  let entry: { event?: unknown; port?: unknown } | null;
  try {
    entry = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof entry?.event !== "string") return undefined;
  return { event: entry.event, port: typeof entry.port === "number" ? entry.port : undefined };
}
