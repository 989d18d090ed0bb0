/**
 * The JSON Schema of a configuration file, for editors: `dexter directives --schema` prints it, and the package has it in
 * docs/. It knows every directive in every spelling. Of wrangler's fields it checks those that dexter acts upon.
 */
import * as z from "zod";
import { type Directive, factsOf, valueSchema } from "./directive.ts";
import { DIRECTIVE_TABLES, directiveShape, directiveTable } from "./directives.ts";
import { type JsonSchema, kindOf } from "./kind.ts";
import { squash } from "./nearest.ts";
import { wranglerShape } from "./wrangler.ts";
import { HARMLESS_FIELDS, UNSUPPORTED_FIELDS } from "./wrangler-fields.ts";

const UNSUPPORTED = { description: "dexter does not support this wrangler field yet and ignores it." };
const HARMLESS = { description: "A wrangler field that dexter does not need." };

/** Draft-07, which the editors' extensions for TOML and JSON understand. */
export function configurationSchema(): JsonSchema {
  const all = directiveTable();
  const inTables = (name: string) => DIRECTIVE_TABLES.some((table) => name.startsWith(`${table}.`));
  const tables = DIRECTIVE_TABLES.map((table) => [table, tableSchema(all, `${table}.`)] as const);
  const top = all.filter(({ name }) => !inTables(name));
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Configuration of a dexter project, or of one of its functions",
    type: "object",
    properties: {
      ...ignored(UNSUPPORTED_FIELDS, UNSUPPORTED),
      ...ignored(HARMLESS_FIELDS, HARMLESS),
      ...wranglerSchemas(),
      dexter: reference(tableName("dexter")),
      env: {
        description: "Environments, which --env chooses from. Each overrides what stands above it.",
        type: "object",
        additionalProperties: { $ref: "#" },
      },
    },
    definitions: {
      [tableName("dexter")]: tableSchema(top, "", tables),
      ...Object.fromEntries(tables.map(([table, schema]) => [tableName(table), schema])),
      ...Object.fromEntries(all.map((directive) => [directive.name, directiveSchema(directive)])),
    },
  };
}

/**
 * A table of directives, and of tables of them. Unknown keys are errors.
 * @param prefix what the names of these directives begin with, and the keys do not
 */
function tableSchema(
  directives: readonly Directive[],
  prefix: string,
  tables: readonly (readonly [name: string, schema: JsonSchema])[] = [],
): JsonSchema {
  const own = directives.filter(({ name }) => name.startsWith(prefix));
  const keys = [
    ...own.map(({ name, original }) => ({ key: name.slice(prefix.length), original, is: reference(name) })),
    ...tables.map(([key]) => ({ key, original: "", is: reference(tableName(key)) })),
  ];
  return {
    type: "object",
    properties: Object.fromEntries(
      keys.flatMap(({ key, original, is }) => [[key, is], ...(original === "" ? [] : [[original, is]])]),
    ),
    patternProperties: Object.fromEntries(keys.map(({ key, is }) => [anySpelling(key), is])),
    additionalProperties: false,
  };
}

/** What `canonicalDirective` takes for the key. */
function anySpelling(key: string): string {
  const letters = [...squash(key)].map((sign) =>
    /[a-z]/.test(sign) ? `[${sign}${sign.toUpperCase()}]` : sign,
  );
  return `^_*${letters.join("_*")}_*$`;
}

function directiveSchema(directive: Directive): JsonSchema {
  const { name, perFunction, description } = directive;
  const more = perFunction ? " A function's own file may set it." : "";
  const field = directiveShape[name as keyof typeof directiveShape];
  return { description: `${description}\n\n${factsOf(directive)}${more}`, ...valueSchema(field) };
}

function reference(definition: string): JsonSchema {
  return { $ref: `#/definitions/${definition}` };
}

/** The definition of a table: no directive has such a name. */
function tableName(table: string): string {
  return `${table}-table`;
}

function ignored(fields: ReadonlySet<string>, schema: JsonSchema): Record<string, JsonSchema> {
  return Object.fromEntries([...fields].map((field) => [field, schema]));
}

/** The fields that dexter acts upon. */
function wranglerSchemas(): Record<string, unknown> {
  const { properties = {} } = z.toJSONSchema(z.object(wranglerShape), {
    target: "draft-07",
    io: "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      const kind = kindOf(zodSchema);
      if (!kind) return;
      for (const key of Object.keys(jsonSchema)) delete jsonSchema[key as keyof typeof jsonSchema];
      Object.assign(jsonSchema, kind.json);
    },
  });
  return properties;
}
