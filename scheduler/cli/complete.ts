/**
 * `dexter complete -- <words>`, which the shells' scripts call: what the last word could become. Commands, options and
 * arguments come from the command line's own definition, so whatever is added there is completed, too.
 */
import type { Argument, Command, Option } from "commander";

export interface Candidate {
  readonly value: string;
  readonly description: string;
}

/** The shell completes names of files and directories itself. */
export type Completion = "files" | "directories" | readonly Candidate[];

/** What was given before the word: options by their long names without the dashes, arguments by theirs. */
export type Given = Readonly<Record<string, readonly string[]>>;

/** What only the machine knows, by the name of an option, of its value, or of an argument. */
export type Sources = Readonly<Record<string, (given: Given, word: string) => Promise<readonly Candidate[]>>>;

const PATHS: Readonly<Record<string, "files" | "directories">> = {
  file: "files",
  path: "files",
  dir: "directories",
  directory: "directories",
  folder: "directories",
};

/** `words` are those behind the program's name; the last one is being typed, and may be empty. */
export async function complete(
  program: Command,
  words: readonly string[],
  sources: Sources,
): Promise<Completion> {
  const word = words.at(-1) ?? "";
  const { command, given, position, awaits } = read(program, words.slice(0, -1));
  if (awaits) return ofValue(awaits, given, word, sources);
  const [, flag, value] = /^(--[^=]+)=(.*)$/s.exec(word) ?? [];
  const option = flag === undefined ? undefined : optionOf(command, flag);
  if (option) return withPrefix(`${flag}=`, await ofValue(option, given, value!, sources));
  if (word.startsWith("-")) return matching(word, optionsOf(command));
  if (command.commands.length > 0) return matching(word, commandsOf(command));
  const { registeredArguments: all } = command;
  const argument = all[position] ?? (all.at(-1)?.variadic ? all.at(-1) : undefined);
  return argument ? ofValue(argument, given, word, sources) : [];
}

/** Follows the words to the command they name; `awaits` is the option that takes the next word as its value. */
function read(program: Command, words: readonly string[]) {
  const given: Record<string, string[]> = {};
  let command = program;
  let position = 0;
  let awaits: Option | undefined;
  for (const word of words) {
    if (awaits) {
      given[awaits.name()] = [...(given[awaits.name()] ?? []), word];
      awaits = undefined;
    } else if (word.startsWith("-")) {
      const [flag = "", ...value] = word.split("=");
      const option = optionOf(command, flag);
      if (option && value.length > 0)
        given[option.name()] = [...(given[option.name()] ?? []), value.join("=")];
      else if (option?.required) awaits = option;
    } else {
      const next = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
      const argument = command.registeredArguments[position]?.name();
      if (next) command = next;
      else position++;
      if (!next && argument !== undefined) given[argument] = [...(given[argument] ?? []), word];
    }
  }
  return { command, given, position, awaits };
}

function optionOf(command: Command, flag: string): Option | undefined {
  return command.options.find((option) => option.long === flag || option.short === flag);
}

function optionsOf(command: Command): Candidate[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .map(({ long, short, description }) => ({ value: long ?? short ?? "", description }));
}

export function commandsOf(command: Command): Candidate[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((one) => ({ value: one.name(), description: one.description() }));
}

/** An option's name, or else what stands in its `<…>`, says what it takes; so does an argument's name. */
async function ofValue(
  of: Option | Argument,
  given: Given,
  word: string,
  sources: Sources,
): Promise<Completion> {
  if (of.argChoices)
    return matching(
      word,
      of.argChoices.map((value) => ({ value, description: "" })),
    );
  const taken = "flags" in of ? [/[<[]([^>\].]+)/.exec(of.flags)?.[1] ?? ""] : [];
  const names = [of.name(), ...taken];
  const path = names.find((name) => Object.hasOwn(PATHS, name));
  if (path !== undefined) return PATHS[path]!;
  const source = sources[names.find((name) => Object.hasOwn(sources, name)) ?? ""];
  return source ? matching(word, await source(given, word)) : [];
}

function matching(word: string, candidates: readonly Candidate[]): Candidate[] {
  return candidates.filter(({ value }) => value.startsWith(word));
}

function withPrefix(prefix: string, completion: Completion): Completion {
  if (typeof completion === "string") return completion;
  return completion.map(({ value, description }) => ({ value: prefix + value, description }));
}

/** The form that the shells' scripts read. */
export function printed(completion: Completion): string {
  if (typeof completion === "string") return `${completion}\n`;
  const lines = completion.map(({ value, description }) => `${value}\t${description.split("\n")[0]}`);
  return ["values", ...lines, ""].join("\n");
}
