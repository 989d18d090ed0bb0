/** Commands about a node that runs. */
import type { Command } from "commander";
import type { ClientOptions } from "../node-client.ts";
import type { CommonOptions } from "../project.ts";
import type { TailOptions } from "../tail.ts";
import { common, remote } from "./options.ts";

const TAIL_HELP = `
With --status or --method there are no console lines: they come before a request's status is known.
It ends with Ctrl-C, or when the node stops; both are exit status 0.`;

export function nodeCommands(dexter: Command): void {
  remote(dexter.command("status"))
    .description("show servers, threads and functions of the dexter that runs here, or of another node")
    .option("--watch", "show it again every second")
    .action(async (options: ClientOptions & { watch?: boolean }) =>
      (await import("../status.ts")).status(options),
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
      (await import("../tail.ts")).tail(name, options),
    );
  common(dexter.command("reload"))
    .description("open the log files afresh, read the configuration again and restart the servers gracefully")
    .action(async (options: CommonOptions) => (await import("../control.ts")).reload(options));
  common(dexter.command("stop"))
    .description("stop the dexter that runs here, after the requests in progress")
    .option("--now", "do not wait for them")
    .action(async (options: CommonOptions & { now?: boolean }) =>
      (await import("../control.ts")).stop(options),
    );
}
