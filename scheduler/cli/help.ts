/** `dexter help [topic]`: of a topic its text, of a command its help, otherwise the list of both. */
import type { Command } from "commander";
import { DexterError } from "../errors.ts";
import { meant } from "./meant.ts";
import { TOPICS } from "./topics/index.ts";
import { listed } from "./topics/topic.ts";

/** Of what goes elsewhere than to a terminal. */
const USUAL_WIDTH = 80;
/** Longer lines are hard to read. */
const MAX_WIDTH = 110;

/** Throws NO_TOPIC for what is neither. */
export function help(program: Command, topic?: string): void {
  const width = Math.min(process.stdout.columns ?? USUAL_WIDTH, MAX_WIDTH);
  if (topic === undefined)
    return console.log(`${program.helpInformation().trimEnd()}\n\n${topicList(width)}`);
  const found = TOPICS.find(({ name }) => name === topic);
  if (found) return console.log(found.text({ program, width }));
  const command = program.commands.find((one) => one.name() === topic);
  if (command) return command.outputHelp();
  const near = meant(
    topic,
    program,
    TOPICS.map(({ name }) => name),
  );
  throw new DexterError("NO_TOPIC", { topic, near: near === undefined ? "" : `; did you mean ${near}?` });
}

function topicList(width: number): string {
  const rows = TOPICS.map(({ name, summary }) => [name, summary] as const);
  return `Topics (dexter help <topic>):\n${listed(rows, width)}`;
}
