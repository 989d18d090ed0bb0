/**
 * Builds the versions of one function. In dev a function that is built again is being worked on: from its second
 * build on, esbuild keeps what it has parsed, some 0.5 MB, and parses only what changed.
 */
import { realpath } from "node:fs/promises";
import path from "node:path";
import {
  type BuildContext,
  type BuildFailure,
  type BuildResult,
  build as buildOnce,
  context,
  type Message,
  type Plugin,
  stop as stopEsbuild,
} from "esbuild";
import type { FunctionConfig, Version } from "../types.ts";
import { createVersion } from "../versions/version.ts";
import { advise, packageName } from "./advice.ts";
import { runBuildCommand } from "./command.ts";
import { nodeMode } from "./compat.ts";
import { type CollectedModules, collectUnbundled, moduleCollector } from "./modules.ts";
import { nodejsPlugin } from "./nodejs.ts";
import { BUNDLE_NAME, type BundlePaths, esbuildOptions, outputFile } from "./options.ts";
import { BuildError, plainProblem, problemsFromMessages } from "./problems.ts";

export { BuildError, type BuildProblem } from "./problems.ts";

/** What a missing import may turn out to be, once it is written. */
const SCRIPT_EXTENSIONS = ["", ".ts", ".tsx", ".js", ".jsx", ".mjs", ".json"];

/** Modules that plugins make up have a namespace in front of their path. */
const VIRTUAL = /^[a-z-]+:/;

export interface Builder {
  /** Builds the function as it is on disk. Throws BuildError; the next call tries again. Calls queue up. */
  build(): Promise<Version>;
  /** Absolute paths of the files that the last build read, or the last failed one wanted to read. */
  readonly inputs: readonly string[];
  /** Ends a running build command and frees esbuild's memory. May be called again. */
  dispose(): Promise<void>;
}

/** A builder for one function; `dev` decides `process.env.NODE_ENV`. Nothing is read before `build()`. */
export function createBuilder(fn: FunctionConfig, options: { readonly dev: boolean }): Builder {
  return new FunctionBuilder(fn, options.dev);
}

/**
 * Ends esbuild's process, which holds on to the memory of its largest hour. No build may be under way; the next one
 * starts another, in some 20 ms.
 */
export async function endBundler(): Promise<void> {
  await stopEsbuild();
}

type Options = ReturnType<typeof esbuildOptions>;

interface Bundler extends BundlePaths {
  readonly context: BuildContext<Options>;
  readonly found: () => CollectedModules;
}

class FunctionBuilder implements Builder {
  inputs: readonly string[];
  readonly #fn: FunctionConfig;
  readonly #dev: boolean;
  readonly #stop = new AbortController();
  #bundler: Bundler | undefined;
  #wasBuilt = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(fn: FunctionConfig, dev: boolean) {
    this.#fn = fn;
    this.#dev = dev;
    this.inputs = [fn.main];
  }

  build(): Promise<Version> {
    const result = this.#last.then(() => this.#build());
    this.#last = result.catch(() => undefined);
    return result;
  }

  async dispose(): Promise<void> {
    this.#stop.abort(new Error(`the builder of ${this.#fn.name} was disposed of`));
    await this.#bundler?.context.cancel();
    await this.#last;
    await this.#bundler?.context.dispose();
    this.#bundler = undefined;
  }

  async #build(): Promise<Version> {
    const { build, main, configPath } = this.#fn;
    if (build.command) await runBuildCommand(build.command, this.#stop.signal);
    this.#stop.signal.throwIfAborted();
    const realMain = await realpath(main).catch((cause: unknown) => {
      this.inputs = [main];
      const hint = configPath === undefined ? [] : [`It is the \`main\` of ${configPath}.`];
      throw new BuildError([plainProblem(main, "the entry module does not exist", hint)], { cause });
    });
    return build.noBundle ? this.#takeAsIs() : this.#bundle(realMain);
  }

  async #takeAsIs(): Promise<Version> {
    const { mainModule, modules, files } = await collectUnbundled(this.#fn);
    this.inputs = [...files];
    return createVersion(this.#fn, mainModule, modules);
  }

  async #bundle(main: string): Promise<Version> {
    const paths = { root: await realpath(this.#fn.root), main };
    try {
      const { result, found } = await this.#run(paths);
      const { modules, files } = found;
      const read = Object.keys(result.metafile.inputs).filter((input) => !VIRTUAL.test(input));
      this.inputs = this.#watched([...read.map((input) => path.resolve(paths.root, input)), ...files]);
      const { code, map } = outputs(result);
      return createVersion(
        this.#fn,
        BUNDLE_NAME,
        { [BUNDLE_NAME]: { js: code }, ...modules },
        absoluteSources(map, path.dirname(outputFile(paths.root))),
      );
    } catch (error) {
      this.#stop.signal.throwIfAborted();
      if (!isBuildFailure(error)) throw error;
      this.inputs = this.#watched(await this.#inputsOfFailure(error.errors, paths));
      const messages = error.errors.map((message) => advise(message, this.#fn));
      throw new BuildError(problemsFromMessages(messages, paths.root), { cause: error });
    }
  }

  async #run(paths: BundlePaths): Promise<{ result: BuildResult<Options>; found: CollectedModules }> {
    if (this.#dev && this.#wasBuilt) {
      const { context, found } = await this.#bundlerFor(paths);
      return { result: await context.rebuild(), found: found() };
    }
    this.#wasBuilt = true;
    const { options, found } = await this.#options(paths);
    return { result: await buildOnce(options), found: found() };
  }

  async #bundlerFor(paths: BundlePaths): Promise<Bundler> {
    if (this.#bundler?.main === paths.main && this.#bundler.root === paths.root) return this.#bundler;
    await this.#bundler?.context.dispose();
    this.#bundler = undefined;
    const { options, found } = await this.#options(paths);
    this.#bundler = { ...paths, found, context: await context(options) };
    return this.#bundler;
  }

  async #options(paths: BundlePaths, ...extra: Plugin[]) {
    const collector = moduleCollector(this.#fn.build.rules);
    const nodejs = await nodejsPlugin(nodeMode(this.#fn), this.#fn);
    const plugins = [...extra, collector.plugin, nodejs];
    return { options: esbuildOptions(this.#fn, paths, this.#dev, plugins), found: collector.found };
  }

  /** Inputs, each once, with what every build depends on. */
  #watched(files: readonly string[]): readonly string[] {
    const { main, build } = this.#fn;
    return [...new Set([main, ...(build.tsconfig === undefined ? [] : [build.tsconfig]), ...files])];
  }

  /**
   * esbuild tells the inputs of a good build only. So a failed one is done once more with a plugin that
   * writes them down; that is too slow for every build, and a failure can wait.
   */
  async #inputsOfFailure(errors: readonly Message[], paths: BundlePaths): Promise<string[]> {
    const read = new Set<string>();
    const recorder: Plugin = {
      name: "dexter-recorder",
      setup: (build) => {
        build.onLoad({ filter: /.*/, namespace: "file" }, (args) => void read.add(args.path));
      },
    };
    const { options, found } = await this.#options(paths, recorder);
    await buildOnce({ ...options, sourcemap: false }).catch(() => undefined);
    return [...read, ...found().files, ...errors.flatMap((error) => missingFiles(error, paths.root))];
  }
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && Array.isArray((error as Partial<BuildFailure>).errors);
}

/** The files whose creation would mend an import that was not found. */
function missingFiles({ text, location }: Message, root: string): string[] {
  const specifier = /^Could not resolve "([^"]*)"/.exec(text)?.[1]?.replace(/\?module$/, "");
  if (specifier === undefined || !location) return [];
  if (!specifier.startsWith(".")) {
    const name = packageName(specifier);
    return name === undefined ? [] : [path.join(root, "node_modules", name, "package.json")];
  }
  const base = path.resolve(root, path.dirname(location.file), specifier);
  const index = [".ts", ".tsx", ".js"].map((extension) => path.join(base, `index${extension}`));
  return [...SCRIPT_EXTENSIONS.map((extension) => base + extension), ...index];
}

function outputs({ outputFiles = [] }: BuildResult): { code: string; map: string } {
  const text = (suffix: string) => outputFiles.find((file) => file.path.endsWith(suffix))?.text ?? "";
  return { code: text(".js"), map: text(".js.map") };
}

/**
 * Makes the map's `sources` absolute. Only that line is parsed: the rest, with all sources in it, may be
 * megabytes, and esbuild writes a key per line.
 */
function absoluteSources(map: string, folder: string): string {
  return map.replace(/^ {2}"sources": (\[.*\]),$/m, (_, list: string) => {
    const sources = (JSON.parse(list) as string[]).map((source) =>
      VIRTUAL.test(source) ? source : path.resolve(folder, source),
    );
    return `  "sources": ${JSON.stringify(sources)},`;
  });
}
