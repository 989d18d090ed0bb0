/**
 * Versions: immutable builds named after their content.
 */
import { createHash } from "node:crypto";
import type { FunctionConfig, FunctionSettings, ModuleRuleType, Version, VersionModule } from "../types.ts";

/** Hex digits of a version's id. */
const ID_LENGTH = 16;

/** A file as the module that a rule of this type makes of it. */
export function moduleOf(type: ModuleRuleType, content: Buffer): VersionModule {
  switch (type) {
    case "ESModule":
      return { js: content.toString() };
    case "CommonJS":
      return { cjs: content.toString() };
    case "Text":
      return { text: content.toString() };
    case "Data":
      return { dataBase64: content.toString("base64") };
    case "CompiledWasm":
      return { wasmBase64: content.toString("base64") };
  }
}

/** The name of a file as a module beside the bundle: its content's hash keeps equal names apart. */
export function hashedName(content: Buffer, baseName: string): string {
  return `${createHash("sha256").update(content).digest("hex").slice(0, ID_LENGTH)}-${baseName}`;
}

/**
 * Puts a version together. Its id is a hash of everything that decides behaviour, and of nothing else:
 * not of the source map, whose paths differ between machines.
 */
export function createVersion(
  fn: FunctionConfig,
  mainModule: string,
  modules: Readonly<Record<string, VersionModule>>,
  sourceMap?: string,
): Version {
  const content = {
    functionName: fn.name,
    mainModule,
    modules,
    compatibilityDate: fn.compatibilityDate,
    compatibilityFlags: fn.compatibilityFlags,
    env: fn.vars,
  };
  return Object.freeze({
    id: versionId(content, fn),
    ...content,
    ...(sourceMap === undefined ? {} : { sourceMap }),
  });
}

/** The id of a version with this content and these settings. */
export function versionId(
  content: Omit<Version, "id" | "sourceMap">,
  { threads, routes, catchAll, healthPath, limits }: Omit<FunctionSettings, "name">,
): string {
  const { functionName, mainModule, modules, compatibilityDate, compatibilityFlags, env } = content;
  return createHash("sha256")
    .update(
      stableJson({
        functionName,
        mainModule,
        modules,
        compatibilityDate,
        compatibilityFlags,
        env,
        threads,
        routes,
        catchAll,
        healthPath,
        limits,
      }),
    )
    .digest("hex")
    .slice(0, ID_LENGTH);
}

/** JSON with sorted keys, so that the order in which things were found does not count. */
function stableJson(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    item !== null && typeof item === "object" && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}
