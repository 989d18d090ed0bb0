/** `dexter secret`: its commands. */
import type { Command } from "commander";
import type { ClientOptions } from "../node-client.ts";
import { remote } from "./options.ts";

export function secretCommands(dexter: Command): void {
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
      (await import("../secret.ts")).putSecret(fn, name, args.slice(2), options),
    );
  remote(secret.command("list"))
    .description("list the names of a function's secrets, and who set them when")
    .argument("<function>")
    .action(async (fn: string, options: ClientOptions) =>
      (await import("../secret.ts")).listSecrets(fn, options),
    );
  remote(secret.command("delete"))
    .description("delete a secret")
    .argument("<function>")
    .argument("<name>")
    .option("-y, --yes", "do not ask")
    .action(async (fn: string, name: string, options: ClientOptions & { yes?: boolean }) =>
      (await import("../secret.ts")).deleteSecret(fn, name, options),
    );
}
