/** `dexter token`: its commands. */
import { type Command, Option } from "commander";
import type { ClientOptions } from "../node-client.ts";
import type { TokenOptions } from "../token.ts";
import { collect, remote } from "./options.ts";

export function tokenCommands(dexter: Command): void {
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
      (await import("../token.ts")).createToken(name, options),
    );
  remote(token.command("list"))
    .description("show the tokens that are")
    .action(async (options: ClientOptions) => (await import("../token.ts")).listTokens(options));
  remote(token.command("revoke"))
    .description("take a token back, at once")
    .argument("<name|id>", "which")
    .action(async (which: string, options: ClientOptions) =>
      (await import("../token.ts")).revokeToken(which, options),
    );
}
