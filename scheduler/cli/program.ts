/** The command line as it is described to users. What a command does is in a file of its own, which is loaded when it runs. */
import { Command } from "commander";
import { deployCommands } from "./commands/deploy.ts";
import { metaCommands } from "./commands/meta.ts";
import { nodeCommands } from "./commands/node.ts";
import { projectCommands } from "./commands/project.ts";
import { secretCommands } from "./commands/secret.ts";
import { tokenCommands } from "./commands/token.ts";
import { refuseUnknown } from "./meant.ts";

declare const __DEXTER_VERSION__: string;

/** Its order is that of `dexter --help`. */
const GROUPS = [projectCommands, nodeCommands, deployCommands, tokenCommands, secretCommands, metaCommands];

export function program(): Command {
  const dexter = new Command("dexter")
    .description("Runs Workers-style functions in V8 isolates, scheduled over several workerd processes.")
    .version(__DEXTER_VERSION__, "-v, --version")
    .showHelpAfterError("(dexter --help lists the commands)")
    .helpCommand(false)
    .addHelpText(
      "after",
      `
A first project: dexter init hello && cd hello && dexter dev
Topics: dexter help`,
    )
    .configureHelp({
      subcommandTerm: (command) => `${command.name()} ${command.usage().replace("[options] ", "")}`,
    })
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "dexter: ")) })
    .exitOverride();

  for (const addTo of GROUPS) addTo(dexter);
  for (const command of dexter.commands.flatMap((one) => [one, ...one.commands]))
    command.exitOverride().showHelpAfterError("(--help lists the options)");
  for (const command of [dexter, ...dexter.commands]) if (command.commands.length > 0) refuseUnknown(command);
  return dexter;
}
