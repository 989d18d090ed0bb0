/** Commands about dexter itself. */
import { Argument, type Command } from "commander";
import type { Shell } from "../completion.ts";

export function metaCommands(dexter: Command): void {
  dexter
    .command("directives")
    .description("list the directives of the [dexter] table")
    .option("--json", "print JSON")
    .action(async (options: { json?: boolean }) => (await import("../directives.ts")).directives(options));
  dexter
    .command("completion")
    .description("print the script with which a shell completes dexter's command line")
    .addArgument(new Argument("<shell>").choices(["bash", "zsh", "fish"]))
    .action(async (shell: Shell) => (await import("../completion.ts")).completion(shell));
  dexter
    .command("complete", { hidden: true })
    .argument("[words...]")
    .action(async (words: string[]) => {
      const { complete, printed } = await import("../complete.ts");
      const { machineSources } = await import("../complete-sources.ts");
      process.stdout.write(printed(await complete(dexter, words, machineSources(dexter))));
    });
  dexter
    .command("help")
    .description("explain a topic, such as configuration, or a command")
    .argument("[topic]", "without one, the topics are listed")
    .action(async (topic?: string) => (await import("../help.ts")).help(dexter, topic));
}
