/** `dexter help deploy` */
import { commandList, filled, type Topic } from "./topic.ts";

const COMMANDS = ["deploy", "list", "versions", "rollback", "promote", "delete", "secret", "token", "tail"];

export const deploy: Topic = {
  name: "deploy",
  summary: "bring functions to a running node, and back",
  text: ({ program, width }) =>
    [
      filled(
        `
A node that runs takes functions without a restart. "dexter deploy" in a project's folder bundles its functions there and hands
them to the node that runs in this folder, or to the one that --node names: the path of an admin socket, or https://host:port.

  dexter deploy
  dexter deploy --node /var/lib/dexter/admin.sock
  dexter versions hello
  dexter rollback hello`,
        width,
      ),
      filled(
        `
A version is one build with its settings, variables and routes, named after its content. Before it goes live, the node loads it
in a thread, runs its module scope and, with health_path, requests that path. If that fails, the command says why, and what
was live still is. --dry-run stops there in any case.

A deployed function takes the place of the project's own one of that name until it is deleted. A node needs no functions of its
own: with a configuration that has only a [dexter] table it waits for the first deploy.

The commands:`,
        width,
      ),
      commandList(program, COMMANDS, width),
    ].join("\n\n"),
};
