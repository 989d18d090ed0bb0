/** `dexter help signals` */
import { filled, listed, type Topic } from "./topic.ts";

const SIGNALS = [
  ["SIGTERM", "graceful stop: no new connections; requests in progress may take stop_timeout"],
  ["SIGINT", "stop at once; also ends a graceful stop"],
  ["SIGHUP", "read the configuration again and restart all servers at the same time"],
  [
    "SIGUSR1, SIGWINCH",
    "rolling restart: the same, one server after the other; SIGWINCH only without a terminal, which sends it when it is resized",
  ],
] as const;

export const signals: Topic = {
  name: "signals",
  summary: "what signals do to a running node",
  text: ({ width }) =>
    [
      filled("Send signals to the scheduler, never to servers. Its process id is in pid_file.", width),
      listed(SIGNALS, width),
      filled(
        `
A restart loses no request, except requests that take longer than stop_timeout. "dexter reload" and "dexter stop" do the same as
SIGUSR1 and SIGTERM, and report errors. When the scheduler ends, for whatever reason, its servers end, too.`,
        width,
      ),
    ].join("\n\n"),
};
