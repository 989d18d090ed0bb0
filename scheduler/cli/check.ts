/** `dexter check`: loads the configuration and bundles every function; all failures are reported together. */
import { createBuilder } from "../bundle/builder.ts";
import { loadProject } from "../config/load.ts";
import { DexterError } from "../errors.ts";
import type { CommonOptions } from "../main.ts";
import { createRouter } from "../policy/routes.ts";
import type { FunctionConfig } from "../types.ts";
import { projectOptions, warn } from "./project.ts";
import { printFunctions } from "./tables.ts";

interface Checked {
  readonly name: string;
  readonly version?: string;
  readonly bytes?: number;
  readonly error?: string;
}

export async function check(options: CommonOptions): Promise<void> {
  const project = await loadProject(projectOptions(options));
  warn(project.warnings);
  const router = createRouter(project.functions, { baseDomain: project.node.baseDomain });
  const checked = await Promise.all(project.functions.map(checkFunction));
  const failed = checked.filter((fn) => fn.error !== undefined);
  if (options.json) {
    const functions = checked.map((fn) => ({ ...fn, routes: router.routesOf(fn.name) }));
    console.log(
      JSON.stringify({ ok: failed.length === 0, warnings: project.warnings, functions }, undefined, 2),
    );
  } else if (failed.length === 0) {
    printFunctions(
      checked.map(({ name, version = "", bytes = 0 }) => ({
        name,
        version,
        bytes,
        routes: router.routesOf(name),
      })),
    );
    console.log("configuration and bundles are good");
  }
  if (failed.length > 0)
    throw new DexterError("BUILD_FAILED", { reason: failed.map((fn) => fn.error).join("\n\n") });
}

async function checkFunction(config: FunctionConfig): Promise<Checked> {
  const builder = createBuilder(config, { dev: false });
  try {
    const version = await builder.build();
    const bytes = Object.values(version.modules).reduce(
      (sum, module) => sum + Buffer.byteLength(JSON.stringify(module)),
      0,
    );
    return { name: config.name, version: version.id, bytes };
  } catch (error) {
    if (!(error instanceof DexterError)) throw error;
    return { name: config.name, error: error.message };
  } finally {
    await builder.dispose();
  }
}
