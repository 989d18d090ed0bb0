/** Commands that work on a project in a folder. */
import type { Command } from "commander";
import type { CommonOptions } from "../project.ts";
import { common } from "./options.ts";

const SERVE_HELP = `
Example: dexter start --set listen=0.0.0.0:8080 --set num_servers=4
What --set and the [dexter] table take, \`dexter directives\` lists.`;

export function projectCommands(dexter: Command): void {
  dexter
    .command("init")
    .description("make a small TypeScript project")
    .argument("[directory]", "where", ".")
    .option("--force", "add the files that are missing to a folder that is not empty")
    .action(async (directory: string, options: { force?: boolean }) =>
      (await import("../init.ts")).init(directory, options),
    );
  common(dexter.command("dev"))
    .description("serve this project and take up every change; for development")
    .option("--inspect [port]", "let debuggers attach, such as Chrome's DevTools (default port: 9229)")
    .addHelpText("after", SERVE_HELP)
    .action(async (options: CommonOptions & { inspect?: string | true }) =>
      (await import("../serve.ts")).serve("dev", options),
    );
  common(dexter.command("start"))
    .description("serve this project")
    .addHelpText("after", SERVE_HELP)
    .action(async (options: CommonOptions) => (await import("../serve.ts")).serve("start", options));
  common(dexter.command("check"))
    .description("test the configuration and bundle every function, without starting anything")
    .option("--json", "print JSON")
    .action(async (options: CommonOptions) => (await import("../check.ts")).check(options));
}
