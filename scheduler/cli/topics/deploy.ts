/** `dexter help deploy` */
import { commandList, filled, type Topic } from "./topic.ts";

const COMMANDS = ["deploy", "list", "versions", "rollback", "promote", "delete", "secret", "token", "tail"];

export const deploy: Topic = {
  name: "deploy",
  summary: "deploy functions to a running node, and roll back",
  text: ({ program, width }) =>
    [
      filled(
        `
A deploy needs no restart. "dexter deploy" in a project's folder bundles the functions and sends them to the node that runs
in this folder, or to the node that --node names: the path of an admin socket, or https://host:port.

  dexter deploy
  dexter deploy --node /var/lib/dexter/admin.sock
  dexter versions hello
  dexter rollback hello`,
        width,
      ),
      filled(
        `
A version is one build with its settings, variables and routes; its id is a hash of its content. Before a version goes live,
the node loads it in a thread, runs its module scope and, with health_path, requests that path. If this fails, the command says
why, and the live version does not change. --dry-run does only this test.

A deployed function replaces the node's own function of the same name until it is deleted. A node needs no functions of its
own: if its configuration has only a [dexter] table, it waits for the first deploy.

The commands:`,
        width,
      ),
      commandList(program, COMMANDS, width),
    ].join("\n\n"),
};
