/** `dexter token`: its commands. */
import { type Command, Option } from "commander";
import type { ClientOptions } from "../node-client.ts";
import type { TokenOptions } from "../token.ts";
import { collect, remote } from "./options.ts";

export function tokenCommands(dexter: Command): void {
  const token = dexter
    .command("token")
    .description("create, list and revoke tokens for the admin API over TCP (admin_listen)");
  remote(token.command("create"))
    .description("create a token and print it; it is not stored, so it cannot be shown again")
    .argument("<name>", "its name in logs and lists")
    .addOption(
      new Option("--scope <scope>", "read: look; deploy: also change functions; admin: also control the node")
        .choices(["read", "deploy", "admin"])
        .makeOptionMandatory(),
    )
    .addOption(
      new Option("--function <name>", "limit it to this function; may be repeated").argParser(collect),
    )
    .option("--expires <time>", "when it expires, from now: 30d, 12h, 90m (default: never)")
    .addHelpText("after", "\nExample: dexter token create ci --scope deploy --function shop --expires 90d")
    .action(async (name: string, options: TokenOptions) =>
      (await import("../token.ts")).createToken(name, options),
    );
  remote(token.command("list"))
    .description("list the tokens: name, scope, functions, expiry, last use")
    .action(async (options: ClientOptions) => (await import("../token.ts")).listTokens(options));
  remote(token.command("revoke"))
    .description("revoke a token; takes effect at once")
    .argument("<name|id>", "name or id of the token")
    .action(async (which: string, options: ClientOptions) =>
      (await import("../token.ts")).revokeToken(which, options),
    );
}
