/** Which version of a function is live: one small file, replaced as a whole, with how that came about. */
import * as z from "zod";

/** The last changes of a function that are remembered. */
const REMEMBERED = 50;

const change = z.strictObject({
  action: z.enum(["deploy", "rollback", "promote"]),
  version: z.string().regex(/^[0-9a-f]{16}$/),
  at: z.iso.datetime(),
  by: z.string(),
});

export type Change = z.output<typeof change>;

const pointer = z.strictObject({
  format: z.literal(1),
  version: z.string().regex(/^[0-9a-f]{16}$/),
  /** When the function was first deployed. */
  since: z.iso.datetime(),
  /** The latest first. */
  changes: z.array(change).min(1),
});

export type Pointer = Omit<z.output<typeof pointer>, "format">;

/** Undefined for a text that is none. */
export function parsePointer(text: string): Pointer | undefined {
  try {
    const { format: _, ...found } = pointer.parse(JSON.parse(text));
    return found;
  } catch {
    return undefined;
  }
}

export function changed(before: Pointer | undefined, latest: Change): Pointer {
  return {
    version: latest.version,
    since: before?.since ?? latest.at,
    changes: [latest, ...(before?.changes ?? [])].slice(0, REMEMBERED),
  };
}

export function formatPointer(pointer: Pointer): string {
  return `${JSON.stringify({ format: 1, ...pointer }, undefined, 2)}\n`;
}
