/** One row of the `[dexter]` table: the schema of a directive, and all that documents and editors say of it. */
import * as z from "zod";
import { type JsonSchema, type Kind, kindOf } from "./kind.ts";

/** When a change of a directive is in force in a node that runs. */
export type Effect =
  /** When `dexter reload` is done, whatever the servers do. In `dexter dev`, when the file has been saved. */
  | "at once"
  /** In each server that starts from then on. A reload replaces them one by one. */
  | "with a rolling restart"
  /** When dexter has been stopped and started again. */
  | "with a new start";

/** What a directive is, for people and programs. Texts are empty where there is nothing to say. */
export interface Directive {
  /** The snake_case name; one of a table inside the table is `tls.redirect`. */
  readonly name: string;
  /** Apache's spelling; empty for dexter's own settings. */
  readonly original: string;
  readonly kind: string;
  readonly bounds: string;
  readonly unit: string;
  readonly default: string;
  /** Whether a function's own `[dexter]` table may set it. */
  readonly perFunction: boolean;
  readonly effect: Effect;
  /** Whether a running node refuses a configuration that changes it. */
  readonly refused: boolean;
  /** What it means. */
  readonly description: string;
}

interface More {
  /** Apache's spelling. */
  readonly original?: string;
  /** The default in words, where the value does not say it. */
  readonly shown?: string;
  /** A running node is found by it, or tells itself apart from others: it refuses a change. */
  readonly refused?: true;
}

type Row = Pick<Directive, "original" | "default" | "effect" | "refused" | "description"> & {
  readonly value: Kind;
};

const rows = z.registry<Row>();

function row(schema: z.ZodType, text: string, effect: Effect, description: string, more: More): Row {
  const { original = "", shown = text, refused = false } = more;
  return { value: kindOf(schema)!, original, default: shown, effect, refused, description };
}

/** A directive with a default, given the way a user would write it. */
export function setting<T extends z.ZodType>(
  schema: T,
  value: z.input<T>,
  effect: Effect,
  description: string,
  more: More = {},
) {
  const field = schema.prefault(value as never);
  const text = Array.isArray(value) ? value.join(", ") || "none" : String(value);
  rows.add(field, row(schema, text, effect, description, more));
  return field;
}

/** A directive that is unset unless given. */
export function optional<T extends z.ZodType>(
  schema: T,
  effect: Effect,
  description: string,
  more: More = {},
) {
  const field = schema.optional();
  rows.add(field, row(schema, "none", effect, description, more));
  return field;
}

/** All that is known of a field that `setting` or `optional` made. */
export function describe(name: string, field: z.ZodType, perFunction: boolean): Directive {
  const { value, original, default: shown, ...rest } = rows.get(field)!;
  const { name: kind, bounds, unit } = value;
  return { name, original, kind, bounds, unit, default: shown, perFunction, ...rest };
}

/** What may stand in a file as the value of such a field. */
export function valueSchema(field: z.ZodType): JsonSchema {
  return rows.get(field)!.value.json;
}

/** What may be written as a directive's value: "0 to 4096 threads", "duration, up to 24 days". */
export function valueText({ kind, bounds, unit }: Directive): string {
  if (kind === "whole number") return `${bounds} ${unit}`;
  if (kind === "word") return bounds;
  return bounds === "" ? kind : `${kind}, ${bounds}`;
}

export function effectText({ effect, refused }: Directive): string {
  return refused ? `${effect}; a reload refuses it` : effect;
}

/** What is to be known of a directive beside its meaning. */
export function factsOf(directive: Directive): string {
  return `Value: ${valueText(directive)}. Default: ${directive.default}. A change takes effect ${effectText(directive)}.`;
}
