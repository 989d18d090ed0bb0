/** Asks for a secret on a terminal, without showing it. */
import type { Readable, Writable } from "node:stream";
import { DexterError } from "../errors.ts";

/** A terminal, as far as it is needed here. */
interface TerminalInput extends Readable {
  setRawMode(raw: boolean): unknown;
}

const ENTER = ["\r", "\n"];
const END = "\u0004";
const INTERRUPT = "\u0003";
const ERASE = ["\u007f", "\b"];
const ERASE_ALL = "\u0015";

/** @returns what was typed or pasted up to Enter. Throws NO_INPUT when it was given up (Ctrl-C, the end of input). */
export async function hiddenInput(question: string, input: TerminalInput, output: Writable): Promise<string> {
  output.write(question);
  input.setRawMode(true);
  input.setEncoding("utf8");
  try {
    let typed: string[] = [];
    for await (const piece of keysOf(input)) {
      if (ENTER.includes(piece) || (piece === END && typed.length > 0)) return typed.join("");
      if (piece === INTERRUPT || piece === END) break;
      if (ERASE.includes(piece)) typed.pop();
      else if (piece === ERASE_ALL) typed = [];
      else typed.push(piece);
    }
    throw new DexterError("NO_INPUT");
  } finally {
    input.setRawMode(false);
    input.pause();
    output.write("\n");
  }
}

/** Key by key; a paste comes as one piece of many. */
async function* keysOf(input: Readable): AsyncGenerator<string> {
  for await (const piece of input.iterator({ destroyOnReturn: false })) yield* String(piece);
}
