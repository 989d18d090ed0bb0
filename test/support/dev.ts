/** A running `dexter dev` on a project in a temporary folder, and the ways to change and look at it. */
import assert from "node:assert/strict";
import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { type RunningDexter, startDexter } from "./dexter.ts";
import { type Folder, makeFolder } from "./function.ts";
import { type Answer, cleanUp, httpGet, until } from "./node.ts";

export const DATE = 'compatibility_date = "2026-11-01"\n';

/** One server with few threads: most of what dev does needs no more, and starts faster. */
export const SMALL = `[dexter]
num_servers = 1
start_threads = 1
min_spare_threads = 1
max_spare_threads = 2
`;

export interface DevNode {
  readonly dexter: RunningDexter;
  readonly folder: Folder;
  get(path: string): Promise<Answer>;
  /** Waits until the path answers with status 200 and this text. */
  serves(path: string, text: string): Promise<void>;
  /** Writes in place, as `>` in a shell does. */
  write(file: string, content: string): Promise<void>;
  /** Writes aside and renames, as many editors do. */
  replace(file: string, content: string): Promise<void>;
  move(from: string, to: string): Promise<void>;
  remove(file: string): Promise<void>;
  /** Waits until the output, from this mark on, matches; gives that part. */
  says(pattern: RegExp, from?: number): Promise<string>;
  /** The length of the output so far, as a mark. */
  mark(): number;
  pids(): Promise<number[]>;
}

/** A function that answers with the text. */
export function answering(text: string): string {
  return `export default { fetch() { return new Response(${JSON.stringify(text)}); } };\n`;
}

/** Starts `dexter dev`; it ends with the test. `wrangler.toml` is added unless it is among the files. */
export async function startDev(
  test: TestContext,
  files: Readonly<Record<string, string>>,
  options: { folder?: Folder; args?: readonly string[]; env?: Readonly<Record<string, string>> } = {},
): Promise<DevNode> {
  const folder = options.folder ?? (await makeFolder());
  cleanUp(test, () => folder.remove());
  await folder.write({ "wrangler.toml": `${DATE}${SMALL}`, ...files });
  const { args = [], env = {} } = options;
  const dexter = await startDexter({ dir: folder.dir, command: "dev", args, env });
  cleanUp(test, () => dexter.stop("SIGINT"));
  return nodeOf(dexter, folder);
}

function nodeOf(dexter: RunningDexter, folder: Folder): DevNode {
  const path = (file: string) => join(folder.dir, file);
  const output = () => stripVTControlCharacters(dexter.output());
  const get = (at: string) => httpGet(dexter.port, at);
  return {
    dexter,
    folder,
    get,
    async serves(at, text) {
      let last: Answer | undefined;
      await until(`${at} serves ${JSON.stringify(text)}`, async () => {
        last = await get(at);
        return last.status === 200 && last.text === text;
      }).catch((error: Error) => {
        error.message += `\nlast: ${last?.status} ${last?.text}\n${output()}`;
        throw error;
      });
    },
    write: (file, content) => folder.write({ [file]: content }),
    async replace(file, content) {
      await writeFile(path(`${file}.tmp~`), content);
      await rename(path(`${file}.tmp~`), path(file));
    },
    move: (from, to) => rename(path(from), path(to)),
    remove: (file) => rm(path(file), { recursive: true }),
    async says(pattern, from = 0) {
      await until(`the output matches ${pattern}`, () => pattern.test(output().slice(from))).catch(
        (error) => {
          assert.fail(`${(error as Error).message}\n${output().slice(from)}`);
        },
      );
      return output().slice(from);
    },
    mark: () => output().length,
    pids: async () => {
      const { servers } = await dexter.status();
      return servers.map(({ pid }: { pid: number }) => pid);
    },
  };
}
