/** `dexter check`: loads the configuration and bundles every function; all failures are reported together. */
import { createBuilder } from "../bundle/builder.ts";
import { loadProject } from "../config/load.ts";
import { DexterError } from "../errors.ts";
import { createRouter } from "../policy/routes.ts";
import type { FunctionConfig, Project } from "../types.ts";
import { type CommonOptions, projectOptions, warn } from "./project.ts";
import { list, table, terminalWidth } from "./table.ts";

/** One function in `dexter check --json`. */
interface Checked {
  readonly name: string;
  readonly routes: readonly string[];
  readonly version?: string;
  /** Size of all modules. */
  readonly bytes?: number;
  readonly error?: string;
}

export async function check(options: CommonOptions): Promise<void> {
  try {
    const project = await loadProject({ ...projectOptions(options), mayBeEmpty: "with directives" });
    warn(project.warnings);
    const functions = await checkAll(project);
    const errors = functions.flatMap(({ error }) => error ?? []);
    if (options.json) printJson({ ok: errors.length === 0, warnings: project.warnings, functions });
    if (errors.length > 0) throw new DexterError("BUILD_FAILED", { reason: errors.join("\n\n") });
    if (!options.json) print(functions);
  } catch (error) {
    const isConfiguration = error instanceof DexterError && error.code !== "BUILD_FAILED";
    if (options.json && isConfiguration)
      printJson({ ok: false, error: error.message, warnings: [], functions: [] });
    throw error;
  }
}

async function checkAll({ functions, node }: Project): Promise<Checked[]> {
  const router = createRouter(functions, { baseDomain: node.baseDomain });
  return await Promise.all(
    functions.map(async (config) => {
      const about = { name: config.name, routes: router.routesOf(config.name) };
      return { ...about, ...(await checkFunction(config)) };
    }),
  );
}

async function checkFunction(config: FunctionConfig) {
  const builder = createBuilder(config, { dev: false });
  try {
    const version = await builder.build();
    const bytes = Object.values(version.modules).reduce(
      (sum, module) => sum + Buffer.byteLength(JSON.stringify(module)),
      0,
    );
    return { version: version.id, bytes };
  } catch (error) {
    if (!(error instanceof DexterError)) throw error;
    return { error: error.message };
  } finally {
    await builder.dispose();
  }
}

function printJson(result: object): void {
  console.log(JSON.stringify(result, undefined, 2));
}

function print(functions: readonly Checked[]): void {
  if (functions.length === 0) return console.log("the configuration is good; it has no functions of its own");
  const rows = functions.map(({ name, version = "", bytes = 0, routes }) => [
    name,
    version,
    `${(bytes / 1024).toFixed(1)} KB`,
    list(routes),
  ]);
  const head = ["function", "version", "size", "answers at"];
  console.log(table(head, rows, { numeric: [2], width: terminalWidth() }));
  console.log("\nconfiguration and bundles are good");
}
