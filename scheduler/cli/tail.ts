/** `dexter tail [function]`: follows requests, console output and exceptions of the node that runs here. */
import { once } from "node:events";
import { DexterError } from "../errors.ts";
import type { TailEvent } from "../logs/tail-event.ts";
import { parseTailFilter } from "../logs/tail-filter.ts";
import { overSocket, readLines } from "./node-stream.ts";
import { adminSocketOf, type CommonOptions } from "./project.ts";
import { tailLine } from "./tail-line.ts";

export interface TailOptions extends CommonOptions {
  readonly status?: string;
  readonly method?: string;
  readonly sample?: string;
  readonly search?: string;
}

/** Returns when the node stops, or at Ctrl-C. */
export async function tail(functionName: string | undefined, options: TailOptions): Promise<void> {
  const { status, method, sample, search: text } = options;
  const query = { function: functionName, status, method, sample, text };
  parseTailFilter(query);
  const socket = await adminSocketOf(options);
  const leaving = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => leaving.abort());
  let ended = false;
  await readLines(overSocket(socket), `/tail?${searchOf(query)}`, {
    name: socket,
    signal: leaving.signal,
    take: async (line) => {
      const event = JSON.parse(line) as TailEvent;
      if (event.type === "end") ended = true;
      const shown = options.json ? line : tailLine(event);
      // Who reads slowly is to be slow for the node too, which bounds what it keeps.
      if (shown !== undefined && !process.stdout.write(`${shown}\n`)) await once(process.stdout, "drain");
    },
  });
  if (leaving.signal.aborted) return;
  if (!ended) throw new DexterError("NODE_LOST", { name: socket });
  process.stderr.write("dexter has stopped\n");
}

function searchOf(query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return String(new URLSearchParams(given));
}
