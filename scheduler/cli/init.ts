/** `dexter init [directory]` */
import path from "node:path";
import { nextStep } from "./next-step.ts";
import { initProject } from "./template.ts";

export async function init(target: string, options: { force?: boolean }): Promise<void> {
  const { directory, files } = await initProject(target, options);
  const shown = path.relative(process.cwd(), directory) || ".";
  for (const file of files) console.log(`  ${path.join(shown, file)}`);
  console.log(`\nMade a project. Next:\n\n  ${nextStep(directory)}\n`);
}
