/**
 * Module rules: which files are modules of their own, and of which type. The defaults and the order are
 * wrangler's: a user's rules come first, and a rule without `fallthrough` ends its type.
 */
import type { BuildSettings, ModuleRuleType } from "../types.ts";

export type ModuleRule = BuildSettings["rules"][number];

const DEFAULT_RULES: readonly ModuleRule[] = [
  { type: "Text", globs: ["**/*.txt", "**/*.html", "**/*.sql"], fallthrough: true },
  { type: "Data", globs: ["**/*.bin"], fallthrough: true },
  { type: "CompiledWasm", globs: ["**/*.wasm", "**/*.wasm?module"], fallthrough: true },
];

/** The user's rules and the defaults that they leave in force, first match first. */
export function effectiveRules(userRules: readonly ModuleRule[]): readonly ModuleRule[] {
  const ended = new Set<ModuleRuleType>();
  return [...userRules, ...DEFAULT_RULES].filter((rule) => {
    if (ended.has(rule.type)) return false;
    if (!rule.fallthrough) ended.add(rule.type);
    return true;
  });
}

/** The rule of an import or file path, if one matches. Paths use `/`; a leading `./` or `../` is ignored. */
export function findRule(rules: readonly ModuleRule[], filePath: string): ModuleRule | undefined {
  const normal = filePath.replace(/^(?:\.{0,2}\/)+/, "");
  return rules.find((rule) => rule.globs.some((glob) => globToRegExp(glob).test(normal)));
}

const cache = new Map<string, RegExp>();

/**
 * `**` stands for any folders, `*` for anything within one, `{a,b}` for either; all else for itself,
 * `?` included (as in `*.wasm?module`). A glob without `/` matches the file's name in any folder.
 */
export function globToRegExp(glob: string): RegExp {
  const known = cache.get(glob);
  if (known) return known;
  const rooted = glob.replace(/^\.\//, "");
  const source = (rooted.includes("/") ? rooted : `**/${rooted}`).replace(
    /\*\*\/|\*\*|\*|\{[^{}]*\}|[.+?^$()|[\]{}\\]/g,
    (part) => {
      if (part === "**/") return "(?:.*/)?";
      if (part === "**") return ".*";
      if (part === "*") return "[^/]*";
      if (part.length > 2) return `(?:${part.slice(1, -1).split(",").map(escaped).join("|")})`;
      return `\\${part}`;
    },
  );
  const made = new RegExp(`^${source}$`);
  cache.set(glob, made);
  return made;
}

function escaped(text: string): string {
  return text.replace(/[.+?^$()|[\]{}\\]/g, "\\$&").replaceAll("*", "[^/]*");
}
