/** The command or topic that was meant by a word that is none. */
import type { Command } from "commander";
import { nearest } from "../config/nearest.ts";

/** What other programs call a command. */
const ELSEWHERE: Readonly<Record<string, string>> = { restart: "reload", logs: "tail", log: "tail" };

/** @param more names that may be meant besides those of the commands */
export function meant(word: string, command: Command, more: readonly string[] = []): string | undefined {
  const commands = command.createHelp().visibleCommands(command);
  const names = [...commands.map((one) => one.name()), ...more];
  const known = Object.hasOwn(ELSEWHERE, word) ? ELSEWHERE[word] : undefined;
  return known !== undefined && names.includes(known) ? known : nearest(word, names);
}

/** Ends a command that has commands of its own as commander would, but with a suggestion of ours. */
export function refuseUnknown(command: Command): void {
  command.on("command:*", ([word = ""]: string[]) => {
    const found = meant(word, command);
    const suggestion = found === undefined ? "" : `\n(Did you mean ${found}?)`;
    command.error(`error: unknown command '${word}'${suggestion}`, { code: "commander.unknownCommand" });
  });
}
