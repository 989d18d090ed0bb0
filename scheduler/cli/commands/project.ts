/** Commands that work on a project in a folder. */
import type { Command } from "commander";
import type { CommonOptions } from "../project.ts";
import { common } from "./options.ts";

const SERVE_HELP = `
Example: dexter start --set listen=0.0.0.0:8080 --set num_servers=4
\`dexter directives\` lists what --set and the [dexter] table accept.`;

const START_HELP = `${SERVE_HELP}

On a terminal, the output is for people. Elsewhere each line on stdout and
stderr is a JSON object with level, time and msg. The line that begins with
"dexter is ready" has addresses and functions, too. Two things are not JSON: an
error that ends the start (plain text on stderr, exit status 1), and the access
log when access_log is "-" and access_log_format is combined.`;

export function projectCommands(dexter: Command): void {
  dexter
    .command("init")
    .description("create a small TypeScript project")
    .argument("[directory]", "where to create it", ".")
    .option("--force", "also in a folder that is not empty: add the missing files")
    .action(async (directory: string, options: { force?: boolean }) =>
      (await import("../init.ts")).init(directory, options),
    );
  common(dexter.command("dev"))
    .description("serve this project and reload it on every change; for development")
    .option("--inspect [port]", "open a port for debuggers such as Chrome DevTools (default port: 9229)")
    .addHelpText("after", SERVE_HELP)
    .action(async (options: CommonOptions & { inspect?: string | true }) =>
      (await import("../serve.ts")).serve("dev", options),
    );
  common(dexter.command("start"))
    .description("serve this project")
    .addHelpText("after", START_HELP)
    .action(async (options: CommonOptions) => (await import("../serve.ts")).serve("start", options));
  common(dexter.command("check"))
    .description("check the configuration and bundle every function, without starting anything")
    .option("--json", "print JSON")
    .action(async (options: CommonOptions) => (await import("../check.ts")).check(options));
}
