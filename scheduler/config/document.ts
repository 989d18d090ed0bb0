/** Reads a configuration file: finds it, parses TOML or JSON with comments, and knows the line of each key. */
import { readFile, stat } from "node:fs/promises";
import { extname, isAbsolute, join, relative, resolve } from "node:path";
import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";
import { parse as parseToml, TomlError } from "smol-toml";
import { DexterError } from "../errors.ts";
import { fileReason } from "../system/file-reason.ts";
import { formatPath, type KeyPath, type Source } from "./problems.ts";
import { tomlLines } from "./toml-lines.ts";

/** A parsed configuration file. */
export interface Document extends Source {
  readonly path: string;
  /** The path as messages show it: relative to the working directory when it is below that. */
  readonly shown: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** wrangler's names, in the order in which it prefers them. */
export const CONFIG_NAMES = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"] as const;

/** Shortens a path for messages. */
export function showPath(path: string, cwd: string): string {
  const short = relative(cwd, path);
  return short === "" || short.startsWith("..") || isAbsolute(short) ? path : short;
}

/** The configuration files in a folder, preferred one first. */
export async function configsIn(folder: string): Promise<string[]> {
  const found = await Promise.all(
    CONFIG_NAMES.map(async (name) =>
      (await kindOf(join(folder, name))) === "none" ? [] : [join(folder, name)],
    ),
  );
  return found.flat();
}

/** What is at a path. A path that cannot be looked at counts as a file: reading it then says why. */
export async function kindOf(path: string): Promise<"file" | "folder" | "none"> {
  try {
    return (await stat(path)).isDirectory() ? "folder" : "file";
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOENT" || code === "ENOTDIR" ? "none" : "file";
  }
}

/**
 * Reads and parses `path` (`.toml`, otherwise JSON with comments).
 * Throws CONFIG_NOT_FOUND, CONFIG_UNREADABLE, or CONFIG_SYNTAX with line and column.
 */
export async function readDocument(path: string, cwd: string): Promise<Document> {
  const shown = showPath(path, cwd);
  const text = await readText(path, shown);
  const { data, lineOf } = extname(path) === ".toml" ? readToml(text, shown) : readJson(text, shown);
  return {
    path: resolve(path),
    shown,
    data,
    at(keys) {
      const line = lineOf(keys);
      const place = line === undefined ? shown : `${shown}:${line}`;
      return keys.length === 0 ? place : `${place}: ${formatPath(keys)}`;
    },
  };
}

/** Reads a UTF-8 text without its byte order mark; throws CONFIG_NOT_FOUND or CONFIG_UNREADABLE. */
export async function readText(path: string, shown: string): Promise<string> {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await readFile(path));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR")
      throw new DexterError("CONFIG_NOT_FOUND", { path: shown }, { cause });
    throw new DexterError("CONFIG_UNREADABLE", { path: shown, reason: fileReason(cause) }, { cause });
  }
}

interface Parsed {
  readonly data: Record<string, unknown>;
  readonly lineOf: (path: KeyPath) => number | undefined;
}

function readToml(text: string, shown: string): Parsed {
  try {
    return { data: datesToText(parseToml(text)) as Record<string, unknown>, lineOf: tomlLines(text) };
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    // The message goes on with a picture of the line; the first line says what is wrong.
    const first = cause.message.split("\n")[0]!.replace("Invalid TOML document: ", "");
    // The end of the line is the control character that people put into strings.
    const reason = /control characters .* in strings$/.test(first) ? `${first}; is a quote missing?` : first;
    throw new DexterError(
      "CONFIG_SYNTAX",
      { path: shown, line: cause.line, column: cause.column, reason },
      { cause },
    );
  }
}

/** TOML has dates and JSON has not: an unquoted `compatibility_date = 2026-01-01` means its text. */
function datesToText(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(datesToText);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, datesToText(inner)]));
}

function readJson(text: string, shown: string): Parsed {
  const fail = (offset: number, reason: string): never => {
    const before = text.slice(0, offset).split("\n");
    throw new DexterError("CONFIG_SYNTAX", {
      path: shown,
      line: before.length,
      column: before.at(-1)!.length + 1,
      reason,
    });
  };
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error) fail(error.offset, words(printParseErrorCode(error.error)));
  if (root?.type !== "object") return fail(root?.offset ?? 0, "expected an object: { … }");
  const lineOf = (path: KeyPath): number | undefined => {
    for (let length = path.length; length > 0; length--) {
      const node = findNodeAtLocation(root, path.slice(0, length));
      const start = node?.parent?.type === "property" ? node.parent : node;
      if (start) return text.slice(0, start.offset).split("\n").length;
    }
    return undefined;
  };
  return { data: toValue(root, fail) as Record<string, unknown>, lineOf };
}

/** The value of a syntax tree; unlike the parser's own conversion it refuses a key given twice. */
function toValue(node: Node, fail: (offset: number, reason: string) => never): unknown {
  if (node.type === "array") return (node.children ?? []).map((child) => toValue(child, fail));
  if (node.type !== "object") return node.value;
  const entries = new Map<string, unknown>();
  for (const property of node.children ?? []) {
    const [key, value] = property.children ?? [];
    if (!key || !value) continue;
    if (entries.has(key.value)) fail(key.offset, `the key "${key.value}" is there twice`);
    entries.set(key.value, toValue(value, fail));
  }
  return Object.fromEntries(entries);
}

function words(camelCase: string): string {
  return camelCase.replace(/(?!^)[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).toLowerCase();
}
