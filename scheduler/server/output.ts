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

/** The front of workerd's JSON: `{"timestamp":1,"level":"log","message":"…`, for a line of which the end is missing. */
const FRONT = /^\{"timestamp":[^,]*,"level":"(\w+)",(?:"source":"[^"]*",)?"message":"/;
/** A character that was cut in the middle of how JSON writes it: an odd backslash, or `\u12`. */
const TORN = /(?:[^\\]|^)(?:\\\\)*(\\(?:u[0-9a-f]{0,3})?)$/i;

/**
 * Never throws: a line that is not workerd's JSON is passed on as it is.
 * @param cut bytes that are missing at its end; the message says so
 */
export function parseServerLine(line: string, cut = 0): ConsoleLine {
  const entry = cut > 0 ? cutEntry(line, cut) : wholeEntry(line);
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

interface Entry {
  readonly level?: unknown;
  readonly message?: unknown;
}

function wholeEntry(line: string): Entry | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** What can be read of a line without its end. */
function cutEntry(line: string, cut: number): Entry {
  const note = `… (${cut} bytes cut)`;
  const front = FRONT.exec(line);
  if (front === null) return { message: line + note };
  const text = line.slice(front[0].length);
  const torn = TORN.exec(text)?.[1]?.length ?? 0;
  const { message = text } = wholeEntry(`{"message":"${text.slice(0, text.length - torn)}"}`) ?? {};
  return { level: front[1], message: `${message}${note}` };
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
