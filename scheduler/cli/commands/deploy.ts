/** Commands that change the functions of a node that runs. */
import { type Command, Option } from "commander";
import type { DeployCommandOptions } from "../deploy.ts";
import type { ClientOptions } from "../node-client.ts";
import { collect, remote } from "./options.ts";

export function deployCommands(dexter: Command): void {
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
      (await import("../deploy.ts")).deploy(directory, options),
    );
  remote(dexter.command("list"))
    .description("list the functions of a node: version, when it was deployed, where it answers")
    .action(async (options: ClientOptions) => (await import("../functions.ts")).listFunctions(options));
  remote(dexter.command("versions"))
    .description("list the versions of a deployed function that the node keeps")
    .argument("<function>")
    .action(async (name: string, options: ClientOptions) =>
      (await import("../functions.ts")).versions(name, options),
    );
  remote(dexter.command("promote"))
    .description("give a canary all requests, without waiting for the end of its window")
    .argument("<function>")
    .action(async (name: string, options: ClientOptions) =>
      (await import("../functions.ts")).promote(name, options),
    );
  remote(dexter.command("rollback"))
    .description("make an earlier version of a deployed function live again, or end its canary")
    .argument("<function>")
    .argument("[version]", "one that the node keeps (default: the one before)")
    .action(async (name: string, version: string | undefined, options: ClientOptions) =>
      (await import("../functions.ts")).rollback(name, version, options),
    );
  remote(dexter.command("delete"))
    .description("delete a deployed function, all its versions and its secrets")
    .argument("<function>")
    .option("-y, --yes", "do not ask")
    .action(async (name: string, options: ClientOptions & { yes?: boolean }) =>
      (await import("../functions.ts")).remove(name, options),
    );
}
