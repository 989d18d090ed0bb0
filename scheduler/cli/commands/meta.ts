/** Commands about dexter itself. */
import { Argument, type Command, Option } from "commander";
import type { Shell } from "../completion.ts";
import type { DirectivesOptions } from "../directives.ts";

export function metaCommands(dexter: Command): void {
  dexter
    .command("directives")
    .description(
      "list the directives of the [dexter] table: values, defaults, meaning, when a change takes effect",
    )
    .option("--json", "print JSON")
    .addOption(
      new Option("--schema", "print the JSON Schema of configuration files, for editors").conflicts("json"),
    )
    .action(async (options: DirectivesOptions) => (await import("../directives.ts")).directives(options));
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
