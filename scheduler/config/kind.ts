/** What is known of a kind of value beside its check: how tables describe it, and how an editor checks it. */
import * as z from "zod";

/** A JSON Schema, of which editors understand draft-07. */
export type JsonSchema = Readonly<Record<string, unknown>>;

export interface Kind {
  /** What it is called, such as "whole number". */
  readonly name: string;
  /** The least and the most, or the words that it may be; empty when `name` says it all. */
  readonly bounds: string;
  /** Of the number; empty where it has none. */
  readonly unit: string;
  /** What may stand in a configuration file. It refuses nothing that the check takes. */
  readonly json: JsonSchema;
}

const kinds = z.registry<Kind>();

/** Says what kind of value a schema takes. A schema that is made of it by `refine` is of the same kind. */
export function ofKind<T extends z.ZodType>(
  schema: T,
  name: string,
  json: JsonSchema,
  { bounds = "", unit = "" }: { readonly bounds?: string; readonly unit?: string } = {},
): T {
  kinds.add(schema, { name, bounds, unit, json });
  return schema;
}

/** The kind of a schema that `ofKind` made, or that was made of one by `refine`. */
export function kindOf(schema: z.core.$ZodType): Kind | undefined {
  return kinds.get(schema as z.ZodType);
}

/** A word in any case: JSON Schema knows no flags. */
export function anyCase(word: string): string {
  return word.replace(/[a-z]/gi, (letter) => `[${letter.toUpperCase()}${letter.toLowerCase()}]`);
}
