// `npm run docs`: writes the pages of docs/ that are made from the code. test/docs/generated.test.ts compares them.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { directivesPage, schemaFile } from "./directives.ts";
import { errorsPage } from "./errors.ts";

export const PAGES: Readonly<Record<string, () => string>> = {
  "docs/directives.md": directivesPage,
  "docs/dexter.schema.json": schemaFile,
  "docs/errors.md": errorsPage,
};

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const [file, page] of Object.entries(PAGES))
    writeFileSync(new URL(`../../${file}`, import.meta.url), page());
