/**
 * Stacks as workerd writes them, turned into stacks of the source: positions through the version's source
 * map, dexter's own frames left out.
 */
import { originalPositionFor, sourceContentFor, TraceMap } from "@jridgewell/trace-mapping";
import type { ExceptionReport } from "../../runtime/protocol.ts";
import { type CodeFrame, codeFrame } from "../bundle/frame.ts";
import type { Version } from "../types.ts";

/** What of a version is needed; its modules only where there is no source map (`no_bundle`). */
type MappedVersion = Pick<Version, "mainModule"> & Partial<Pick<Version, "sourceMap" | "modules">>;

export interface MappedFrame {
  /** The function as V8 names it (`Router.match`, `async fetch`); "" for top-level code. */
  readonly name: string;
  /** The source's absolute path; a module's name where no map leads further; "" inside the engine. */
  readonly file: string;
  /** 1-based, as `column`; 0 where there is none. */
  readonly line: number;
  readonly column: number;
  /** Whose code it is: the user's, that of a package, or the runtime's own. */
  readonly origin: "user" | "library" | "runtime";
}

interface MappedStack {
  /** What precedes the frames: name and message, in one or more lines. */
  readonly header: string;
  readonly frames: readonly MappedFrame[];
  /** The whole stack as V8 would write it for the source. */
  readonly text: string;
  /** The code around the first frame of the user's own. */
  readonly code?: {
    readonly file: string;
    readonly line: number;
    readonly column: number;
    readonly frame: CodeFrame;
  };
}

export interface MappedException {
  readonly name: string;
  readonly message: string;
  readonly stack: MappedStack;
  readonly cause?: MappedException;
}

/** Newer compatibility dates put module names below this URL. */
const BUNDLE_URL = "file:///bundle/";
/** dexter's own modules in an isolate. */
const OWN_MODULE = /^dexter-[a-z]+\.js$/;
const FRAME_LINE = /^\s*at /;
const POSITION = /^\s*at (?:(.*) \()?(.+?):(\d+):(\d+)\)?$/;
/** A chain of causes may be a circle. */
const MAX_CAUSES = 10;

/** Maps `stack` (an `Error`'s) to the sources of `version`. Never throws: what cannot be mapped stays. */
export function mapStack(stack: string, version: MappedVersion): MappedStack {
  const lines = stack.trimEnd().split("\n");
  let start = lines.length;
  while (start > 0 && FRAME_LINE.test(lines[start - 1]!)) start--;
  const header = lines.slice(0, start).join("\n");
  const frames = lines.slice(start).flatMap((line) => mapFrame(line, version) ?? []);
  const first = frames.find(({ origin }) => origin === "user");
  const source = first && sourceOf(first.file, version);
  const frame =
    first && source !== undefined ? codeFrame(source, first.line, first.column, "word") : undefined;
  return {
    header,
    frames,
    text: [header, ...frames.map((shown) => frameLine(shown))].join("\n"),
    ...(first && frame ? { code: { file: first.file, line: first.line, column: first.column, frame } } : {}),
  };
}

/** Maps an exception as the prelude reports it, causes included. */
export function mapException(report: ExceptionReport, version: MappedVersion, depth = 0): MappedException {
  const { name, message, stack, cause } = report;
  return {
    name,
    message,
    stack: mapStack(stack, version),
    ...(cause && depth < MAX_CAUSES ? { cause: mapException(cause, version, depth + 1) } : {}),
  };
}

/** A frame as V8 writes it. `place` may shorten the file's path. */
export function frameLine(frame: MappedFrame, place = (file: string) => file): string {
  const position = frame.line > 0 ? `${place(frame.file)}:${frame.line}:${frame.column}` : place(frame.file);
  if (position === "") return `    at ${frame.name}`;
  return frame.name === "" ? `    at ${position}` : `    at ${frame.name} (${position})`;
}

/** Undefined for a frame of dexter's own. */
function mapFrame(line: string, version: MappedVersion): MappedFrame | undefined {
  const match = POSITION.exec(line);
  if (!match) {
    return { name: line.replace(FRAME_LINE, ""), file: "", line: 0, column: 0, origin: "runtime" };
  }
  const [, name = "", where = ""] = match;
  const place = { line: Number(match[3]), column: Number(match[4]) };
  const module = moduleName(where);
  if (OWN_MODULE.test(module)) return undefined;
  const map = module === version.mainModule ? traceMapOf(version) : undefined;
  const original = map && originalPositionFor(map, { line: place.line, column: place.column - 1 });
  if (original?.source) {
    const { source, line: originalLine, column } = original;
    return { name, file: source, line: originalLine, column: column + 1, origin: originOf(source) };
  }
  return { name, file: module, ...place, origin: originOf(module) };
}

function moduleName(where: string): string {
  if (!where.startsWith(BUNDLE_URL)) return where;
  const name = where.slice(BUNDLE_URL.length);
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

function originOf(file: string): MappedFrame["origin"] {
  if (/^(?:node|cloudflare|workerd|internal):|^<anonymous>$|^native$/.test(file)) return "runtime";
  return /(?:^|\/)node_modules\/|^node-[a-z]+:/.test(file) ? "library" : "user";
}

const traceMaps = new WeakMap<MappedVersion, TraceMap | null>();

/** The version's source map, parsed when the first stack needs it. */
function traceMapOf(version: MappedVersion): TraceMap | undefined {
  const known = traceMaps.get(version);
  if (known !== undefined) return known ?? undefined;
  let map: TraceMap | null = null;
  try {
    if (version.sourceMap) map = new TraceMap(version.sourceMap);
  } catch {
    // An unreadable map leaves the positions of the bundle: worse, but true.
  }
  traceMaps.set(version, map);
  return map ?? undefined;
}

function sourceOf(file: string, version: MappedVersion): string | undefined {
  const map = traceMapOf(version);
  const content = map?.sources.includes(file) ? sourceContentFor(map, file) : undefined;
  if (content) return content;
  const module = version.modules?.[file];
  if (module && "js" in module) return module.js;
  if (module && "cjs" in module) return module.cjs;
  // Never the file of that name: a map may come from anybody who deploys, and name any file of this machine.
  return undefined;
}
