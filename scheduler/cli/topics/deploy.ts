/** `dexter help deploy`: as soon as there are such commands. */
import { commandList, filled, type Topic } from "./topic.ts";

const COMMANDS = ["deploy", "versions", "rollback", "promote", "list", "delete", "secret", "token"];

export const deploy: Topic = {
  name: "deploy",
  summary: "the commands about functions of a running node",
  needs: "deploy",
  text: ({ program, width }) =>
    [
      filled("A running node gets, keeps and gives back functions by these commands:", width),
      commandList(program, COMMANDS, width),
      filled('"--help" behind one of them says more.', width),
    ].join("\n\n"),
};
