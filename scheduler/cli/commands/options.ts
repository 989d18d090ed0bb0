/** Options that several commands take. */
import { type Command, Option } from "commander";

/** Of an option that may be repeated. */
export function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}

/** Options of all commands about a project. */
export function common(command: Command): Command {
  return command
    .option("-c, --config <file>", "configuration file (default: wrangler.json, .jsonc or .toml here)")
    .option("-e, --env <name>", "use the configuration's [env.<name>]")
    .addOption(
      new Option("--set <name=value>", "override a [dexter] directive; may be repeated").argParser(collect),
    );
}

/** Options of the commands that also work on another machine's node. */
export function remote(command: Command): Command {
  return common(command)
    .option(
      "--node <address>",
      "the node: https://host:port, or a path of its admin socket (default: the local one)",
    )
    .option(
      "--token-file <file>",
      "holds the token for --node https://… (default: DEXTER_TOKEN in the environment)",
    )
    .option("--json", "print JSON");
}
