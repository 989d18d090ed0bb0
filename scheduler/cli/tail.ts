/** `dexter tail [function]`: follows requests, console output and exceptions of a running node. */
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createInterface } from "node:readline";
import { DexterError } from "../errors.ts";
import type { TailEvent } from "../logs/tail-event.ts";
import { parseTailFilter, type TailQuery } from "../logs/tail-filter.ts";
import { showAddress } from "./node-address.ts";
import { type ClientOptions, nodeAddress, openCall } from "./node-client.ts";
import { tailLine } from "./tail-line.ts";

export interface TailOptions extends ClientOptions {
  readonly status?: string;
  readonly method?: string;
  readonly sample?: string;
  readonly search?: string;
}

/** Returns when the node stops, or at Ctrl-C. Throws NODE_LOST, and as `openCall`. */
export async function tail(functionName: string | undefined, options: TailOptions): Promise<void> {
  const { status, method, sample, search: text } = options;
  const query = { function: functionName, status, method, sample, text };
  checkFilter(query);
  const address = await nodeAddress(options);
  const leaving = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => leaving.abort());
  try {
    const path = `/tail?${searchOf(query)}`;
    const response = await openCall(address, "GET", path, { signal: leaving.signal });
    if (!options.json) process.stderr.write(`following ${functionName ?? "all functions"}; Ctrl-C ends it\n`);
    const ended = await show(response, options.json ?? false);
    if (leaving.signal.aborted) return;
    if (!ended) throw new DexterError("NODE_LOST", { name: showAddress(address) });
    process.stderr.write("dexter has stopped\n");
  } catch (error) {
    if (!leaving.signal.aborted) throw error;
  }
}

/** Throws USAGE, which names an option as it is written here. */
function checkFilter(query: TailQuery): void {
  try {
    parseTailFilter(query);
  } catch (error) {
    if (!(error instanceof DexterError) || error.code !== "USAGE") throw error;
    throw new DexterError(
      "USAGE",
      { ...error.details, option: `--${error.details.option}` },
      { cause: error },
    );
  }
}

function searchOf(query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return String(new URLSearchParams(given));
}

/** Shows what comes. @returns whether the node said that it stops; otherwise the connection was lost */
async function show(response: IncomingMessage, json: boolean): Promise<boolean> {
  let ended = false;
  let loss: unknown;
  response.on("error", (error) => {
    loss = error;
  });
  try {
    for await (const line of createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY })) {
      const event = eventIn(line);
      if (event?.type === "end") ended = true;
      const shown = json || !event ? line : tailLine(event);
      // Who reads slowly is to be slow for the node too, which bounds what it keeps.
      if (shown !== undefined && !process.stdout.write(`${shown}\n`)) await once(process.stdout, "drain");
    }
  } catch (error) {
    if (error !== loss) throw error;
  }
  return ended;
}

/** The last line of a lost connection may be half of one. */
function eventIn(line: string): TailEvent | undefined {
  try {
    return JSON.parse(line) as TailEvent;
  } catch {
    return undefined;
  }
}
