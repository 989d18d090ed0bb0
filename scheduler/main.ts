/**
 * The composition root: the `dexter` command line. It alone reads argv and decides the exit status:
 * 0 done, 1 a failure, 2 bad usage.
 */
import { Argument, Command, CommanderError, Option } from "commander";
import type { Shell } from "./cli/completion.ts";
import type { DeployCommandOptions } from "./cli/deploy.ts";
import type { DirectivesOptions } from "./cli/directives.ts";
import type { ClientOptions } from "./cli/node-client.ts";
import type { CommonOptions } from "./cli/project.ts";
import type { TailOptions } from "./cli/tail.ts";
import type { TokenOptions } from "./cli/token.ts";
import { DexterError } from "./errors.ts";

function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}

function common(command: Command): Command {
  return command
    .option("-c, --config <file>", "configuration file (default: wrangler.json, .jsonc or .toml here)")
    .option("-e, --env <name>", "use the configuration's [env.<name>]")
    .addOption(
      new Option("--set <name=value>", "override a [dexter] directive; may be repeated").argParser(collect),
    );
}

/** Options of the commands that also work on another machine's node. */
function remote(command: Command): Command {
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

const SERVE_HELP = `
Example: dexter start --set listen=0.0.0.0:8080 --set num_servers=4
What --set and the [dexter] table take, \`dexter directives\` lists.`;

const TAIL_HELP = `
With --status or --method there are no console lines: they come before a request's status is known.
It ends with Ctrl-C, or when the node stops; both are exit status 0.`;

/** The command line; each command's code is loaded when it runs. */
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

  dexter
    .command("init")
    .description("make a small TypeScript project")
    .argument("[directory]", "where", ".")
    .option("--force", "add the files that are missing to a folder that is not empty")
    .action(async (directory: string, options: { force?: boolean }) =>
      (await import("./cli/init.ts")).init(directory, options),
    );
  common(dexter.command("dev"))
    .description("serve this project and take up every change; for development")
    .option("--inspect [port]", "let debuggers attach, such as Chrome's DevTools (default port: 9229)")
    .addHelpText("after", SERVE_HELP)
    .action(async (options: CommonOptions & { inspect?: string | true }) =>
      (await import("./cli/serve.ts")).serve("dev", options),
    );
  common(dexter.command("start"))
    .description("serve this project")
    .addHelpText("after", SERVE_HELP)
    .action(async (options: CommonOptions) => (await import("./cli/serve.ts")).serve("start", options));
  common(dexter.command("check"))
    .description("test the configuration and bundle every function, without starting anything")
    .option("--json", "print JSON")
    .action(async (options: CommonOptions) => (await import("./cli/check.ts")).check(options));
  remote(dexter.command("status"))
    .description("show servers, threads and functions of the dexter that runs here, or of another node")
    .option("--watch", "show it again every second")
    .action(async (options: ClientOptions & { watch?: boolean }) =>
      (await import("./cli/status.ts")).status(options),
    );
  remote(dexter.command("tail"))
    .description("follow requests, console output and exceptions as they happen")
    .argument("[function]", "only of this function")
    .option("--status <statuses>", "requests answered so: 404, 5xx, 200-299, or several with commas")
    .option("--method <methods>", "requests with this method, or several with commas")
    .option("--sample <share>", "only this share of the requests, such as 0.1")
    .option("--search <text>", "only what contains the text: path, message, stack, request id")
    .addHelpText("after", TAIL_HELP)
    .action(async (name: string | undefined, options: TailOptions) =>
      (await import("./cli/tail.ts")).tail(name, options),
    );
  common(dexter.command("reload"))
    .description("open the log files afresh, read the configuration again and restart the servers gracefully")
    .action(async (options: CommonOptions) => (await import("./cli/control.ts")).reload(options));
  common(dexter.command("stop"))
    .description("stop the dexter that runs here, after the requests in progress")
    .option("--now", "do not wait for them")
    .action(async (options: CommonOptions & { now?: boolean }) =>
      (await import("./cli/control.ts")).stop(options),
    );
  remote(dexter.command("deploy"))
    .description("bundle the project's functions and hand them to a running node")
    .argument("[directory]", "the project's folder", ".")
    .addOption(new Option("--function <name>", "only this one; may be repeated").argParser(collect))
    .option("--health-path <path>", "a path that a new version must answer with a status below 400 first")
    .option(
      "--canary <percent>",
      "give the version this part of the requests, compare, then promote it or roll it back",
    )
    .option(
      "--canary-window <duration>",
      "how long to compare, such as 5m (default: the node's canary_window)",
    )
    .option(
      "--sticky <header:name|cookie:name>",
      "the same client gets the same version, told by this header or cookie",
    )
    .option("--dry-run", "let the node prove the versions, and change nothing")
    .action(async (directory: string, options: DeployCommandOptions) =>
      (await import("./cli/deploy.ts")).deploy(directory, options),
    );
  remote(dexter.command("list"))
    .description("list the functions of a node: version, when it was deployed, where it answers")
    .action(async (options: ClientOptions) => (await import("./cli/functions.ts")).listFunctions(options));
  remote(dexter.command("versions"))
    .description("list the versions of a deployed function that the node keeps")
    .argument("<function>")
    .action(async (name: string, options: ClientOptions) =>
      (await import("./cli/functions.ts")).versions(name, options),
    );
  remote(dexter.command("promote"))
    .description("give a canary all requests, without waiting for the end of its window")
    .argument("<function>")
    .action(async (name: string, options: ClientOptions) =>
      (await import("./cli/functions.ts")).promote(name, options),
    );
  remote(dexter.command("rollback"))
    .description("make an earlier version of a deployed function live again, or end its canary")
    .argument("<function>")
    .argument("[version]", "one that the node keeps (default: the one before)")
    .action(async (name: string, version: string | undefined, options: ClientOptions) =>
      (await import("./cli/functions.ts")).rollback(name, version, options),
    );
  remote(dexter.command("delete"))
    .description("delete a deployed function, all its versions and its secrets")
    .argument("<function>")
    .option("-y, --yes", "do not ask")
    .action(async (name: string, options: ClientOptions & { yes?: boolean }) =>
      (await import("./cli/functions.ts")).remove(name, options),
    );
  addTokenCommands(dexter);
  addSecretCommands(dexter);
  dexter
    .command("directives")
    .description(
      "list the directives of the [dexter] table: values, defaults, meaning, when a change takes effect",
    )
    .option("--json", "print JSON")
    .addOption(
      new Option("--schema", "print the JSON Schema of configuration files, for editors").conflicts("json"),
    )
    .action(async (options: DirectivesOptions) => (await import("./cli/directives.ts")).directives(options));
  dexter
    .command("completion")
    .description("print the script with which a shell completes dexter's command line")
    .addArgument(new Argument("<shell>").choices(["bash", "zsh", "fish"]))
    .action(async (shell: Shell) => (await import("./cli/completion.ts")).completion(shell));
  dexter
    .command("complete", { hidden: true })
    .argument("[words...]")
    .action(async (words: string[]) => {
      const { complete, printed } = await import("./cli/complete.ts");
      const { machineSources } = await import("./cli/complete-sources.ts");
      process.stdout.write(printed(await complete(dexter, words, machineSources(dexter))));
    });
  dexter
    .command("help")
    .description("explain a topic, such as configuration, or a command")
    .argument("[topic]", "without one, the topics are listed")
    .action(async (topic?: string) => (await import("./cli/help.ts")).help(dexter, topic));
  for (const command of dexter.commands.flatMap((one) => [one, ...one.commands]))
    command.exitOverride().showHelpAfterError("(--help lists the options)");
  return dexter;
}

function addSecretCommands(dexter: Command): void {
  const secret = dexter
    .command("secret")
    .description("set, list and delete the secrets of a function of a running node");
  remote(secret.command("put"))
    .description("set a secret; its value is read from stdin, or asked for")
    .argument("<function>")
    .argument("<name>", "what it is called in the function's env")
    // For advice that is better than that there are too many arguments.
    .allowExcessArguments()
    .addHelpText("after", "\nExample: dexter secret put hello API_TOKEN < token.txt")
    .action(async (fn: string, name: string, options: ClientOptions, { args }: Command) =>
      (await import("./cli/secret.ts")).putSecret(fn, name, args.slice(2), options),
    );
  remote(secret.command("list"))
    .description("list the names of a function's secrets, and who set them when")
    .argument("<function>")
    .action(async (fn: string, options: ClientOptions) =>
      (await import("./cli/secret.ts")).listSecrets(fn, options),
    );
  remote(secret.command("delete"))
    .description("delete a secret")
    .argument("<function>")
    .argument("<name>")
    .option("-y, --yes", "do not ask")
    .action(async (fn: string, name: string, options: ClientOptions & { yes?: boolean }) =>
      (await import("./cli/secret.ts")).deleteSecret(fn, name, options),
    );
}

function addTokenCommands(dexter: Command): void {
  const token = dexter
    .command("token")
    .description("make, list and take back tokens for the admin API over TCP (admin_listen)");
  remote(token.command("create"))
    .description("make a token, and print it: this once, it is not kept")
    .argument("<name>", "what logs call it")
    .addOption(
      new Option("--scope <scope>", "look; or change functions, too; or rule the node, too")
        .choices(["read", "deploy", "admin"])
        .makeOptionMandatory(),
    )
    .addOption(new Option("--function <name>", "only for this function; may be repeated").argParser(collect))
    .option("--expires <time>", "from now, such as 30d, 12h or 90m (default: never)")
    .addHelpText("after", "\nExample: dexter token create ci --scope deploy --function shop --expires 90d")
    .action(async (name: string, options: TokenOptions) =>
      (await import("./cli/token.ts")).createToken(name, options),
    );
  remote(token.command("list"))
    .description("show the tokens that are")
    .action(async (options: ClientOptions) => (await import("./cli/token.ts")).listTokens(options));
  remote(token.command("revoke"))
    .description("take a token back, at once")
    .argument("<name|id>", "which")
    .action(async (which: string, options: ClientOptions) =>
      (await import("./cli/token.ts")).revokeToken(which, options),
    );
}

declare const __DEXTER_VERSION__: string;

// Whoever reads the output may have read enough (`dexter status | head -1`).
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

try {
  await program().parseAsync();
} catch (error) {
  process.exitCode = statusOf(error);
}

function statusOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (!(error instanceof DexterError)) throw error;
  process.stderr.write(`dexter: ${error.message}\n`);
  return error.code === "USAGE" ? 2 : 1;
}
