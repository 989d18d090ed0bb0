/**
 * esbuild's advice is about esbuild's options, which a function's author does not have. This is what helps
 * here instead.
 */
import type { Message } from "esbuild";
import type { Compatibility } from "./compat.ts";
import { bareName } from "./nodejs.ts";

/** The message with notes that name a setting or command of the function's author. */
export function advise(message: Message, compat: Compatibility): Message {
  const specifier = /^Could not resolve "([^"]+)"/.exec(message.text)?.[1] ?? "";
  const note = adviceFor(specifier, message, compat);
  return note === undefined ? message : { ...message, notes: [{ text: note, location: null }] };
}

function adviceFor(specifier: string, { notes }: Message, compat: Compatibility): string | undefined {
  const says = (part: string) => notes.some(({ text }) => text.includes(part));
  if (says("built into node")) {
    const name = bareName(specifier) ?? specifier;
    return compat.compatibilityFlags.includes("no_nodejs_compat")
      ? `"${name}" is part of Node.js; remove "no_nodejs_compat" from compatibility_flags to use it.`
      : `"${name}" is part of Node.js; add "nodejs_compat" to compatibility_flags to use it.`;
  }
  const name = packageName(specifier);
  return name !== undefined && says("as external")
    ? `No package "${name}" is installed; \`npm install ${name}\` may be what is missing.`
    : undefined;
}

/** The package that a specifier names; undefined when it names none. */
export function packageName(specifier: string): string | undefined {
  return /^(?:@[^/]+\/)?[^./@:#][^/:]*/.exec(specifier)?.[0];
}
