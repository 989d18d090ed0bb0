/** `dexter help signals` */
import { filled, listed, type Topic } from "./topic.ts";

const SIGNALS = [
  ["SIGTERM", "stop gracefully: no new connections; requests in progress have stop_timeout"],
  ["SIGINT", "stop at once; also ends a graceful stop"],
  ["SIGHUP", "read the configuration again and replace all servers, at the same time"],
  [
    "SIGUSR1, SIGWINCH",
    "the same, one server after the other; SIGWINCH only without a terminal, which sends it when it is resized",
  ],
] as const;

export const signals: Topic = {
  name: "signals",
  summary: "what signals do to a dexter that runs",
  text: ({ width }) =>
    [
      filled(
        "The scheduler's process id is in pid_file. These signals are for it, never for servers:",
        width,
      ),
      listed(SIGNALS, width),
      filled(
        `
No restart loses a request, except one that takes longer than stop_timeout. "dexter reload" and "dexter stop" do the same
as SIGUSR1 and SIGTERM, and say what went wrong. Servers end with their scheduler, however that ends.`,
        width,
      ),
    ].join("\n\n"),
};
