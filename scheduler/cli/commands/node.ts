/** Commands about a node that runs. */
import type { Command } from "commander";
import type { ClientOptions } from "../node-client.ts";
import type { CommonOptions } from "../project.ts";
import type { TailOptions } from "../tail.ts";
import { common, remote } from "./options.ts";

const TAIL_HELP = `
With --status or --method no console lines are shown: they are written before
the request's status is known. The command ends with Ctrl-C or when the node
stops, with exit status 0 in both cases.`;

export function nodeCommands(dexter: Command): void {
  remote(dexter.command("status"))
    .description("show servers, threads and functions of the node that runs here, or of another node")
    .option("--watch", "repeat every second")
    .action(async (options: ClientOptions & { watch?: boolean }) =>
      (await import("../status.ts")).status(options),
    );
  remote(dexter.command("tail"))
    .description("follow requests, console output and exceptions as they happen")
    .argument("[function]", "only those of this function")
    .option(
      "--status <statuses>",
      "only requests with this status: 404, 5xx, 200-299, or several with commas",
    )
    .option("--method <methods>", "only requests with this method, or several with commas")
    .option("--sample <share>", "only this share of the requests, such as 0.1")
    .option("--search <text>", "only events that contain this text: in path, message, stack or request id")
    .addHelpText("after", TAIL_HELP)
    .action(async (name: string | undefined, options: TailOptions) =>
      (await import("../tail.ts")).tail(name, options),
    );
  common(dexter.command("reload"))
    .description(
      "reopen the log files, read the configuration again and start a rolling restart of the servers",
    )
    .action(async (options: CommonOptions) => (await import("../control.ts")).reload(options));
  common(dexter.command("stop"))
    .description("stop the node that runs here, after the requests in progress")
    .option("--now", "stop at once, without waiting for requests")
    .action(async (options: CommonOptions & { now?: boolean }) =>
      (await import("../control.ts")).stop(options),
    );
}
