/** Somebody who types the blocks of a page into shells whose home folders are empty. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { Terminal } from "./terminal.ts";

/** A shell, as the first lines of the page's blocks name it. */
const SHELL = /^# (node, in another terminal|node|laptop)\b/;
const PAGE = new URL("../../docs/first-hour.md", import.meta.url);
/** The page's ports, for which free ones are taken. */
const PORTS = { http: "8787", admin: "8788" };

/** The person who reads the page, and types its blocks one after the other. */
export class Reader {
  readonly #blocks: string[];
  readonly #shells: ReadonlyMap<string, Terminal>;
  readonly ports: { readonly http: number; readonly admin: number };

  private constructor(blocks: string[], shells: ReadonlyMap<string, Terminal>, ports: Reader["ports"]) {
    this.#blocks = blocks;
    this.#shells = shells;
    this.ports = ports;
  }

  static async begin(test: TestContext, home: string): Promise<Reader> {
    const ports = { http: await freePort(), admin: await freePort() };
    const npm = npmSettings();
    const shells = new Map<string, Terminal>();
    for (const name of ["node", "laptop", "node, in another terminal"]) {
      const cwd = join(home, name === "laptop" ? "laptop" : "node");
      await mkdir(cwd, { recursive: true });
      const env = { ...environment(npm), HOME: cwd, TMPDIR: home };
      // The laptop's would be in its own home folder. The node's first shell sets it.
      const path = { PATH: `${home}/node/.local/bin:${process.env.PATH}` };
      shells.set(name, Terminal.open(test, { cwd, env: { ...env, ...(name !== "node" && path) } }));
    }
    return new Reader(blocksOf(await readFile(PAGE, "utf8"), ports), shells, ports);
  }

  /** The text of the next block, which must be for this shell. */
  next(shell: string): string {
    const [block = ""] = this.#blocks.splice(0, 1);
    assert.equal(SHELL.exec(block)?.[1], shell, `the page has another block here:\n${block}`);
    return block;
  }

  shell(name: string): Terminal {
    const shell = this.#shells.get(name);
    assert.ok(shell);
    return shell;
  }

  /** Types the next block. @returns its output, when exactly these commands have failed */
  async type(shell: string, ...failing: RegExp[]): Promise<string> {
    const block = this.next(shell);
    const { output, failed } = await this.shell(shell).type(block);
    const shown = `${block}\nfailed: ${failed.join(", ")}; it said:\n${output}`;
    assert.equal(failed.length, failing.length, shown);
    for (const [index, pattern] of failing.entries()) assert.match(failed[index]!, pattern, shown);
    return output;
  }

  isAtEnd(): boolean {
    return this.#blocks.length === 0;
  }
}

function blocksOf(page: string, ports: Reader["ports"]): string[] {
  const blocks = [...page.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)];
  assert.ok(blocks.length > 10, "the first hour has no blocks");
  return blocks.map(([, language, text = ""]) => {
    assert.equal(language, "sh", text);
    return text
      .replaceAll(PORTS.http, String(ports.http))
      .replaceAll(PORTS.admin, String(ports.admin))
      .trimEnd();
  });
}

/** The machine's own, which npm would look for in the home folder. */
function npmSettings(): Record<string, string> {
  const keys = ["cache", "userconfig", "registry"];
  const lines = execFileSync("npm", ["config", "get", ...keys], { encoding: "utf8" })
    .trim()
    .split("\n");
  const settings = lines.map((line) => [
    `npm_config_${line.split("=", 1)[0]}`,
    line.slice(line.indexOf("=") + 1),
  ]);
  return Object.fromEntries(settings);
}

/** This process's, without what it says about this test or to the dexter that is installed. */
function environment(npm: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(?:npm_|DEXTER_|OTEL_|NOTIFY_|NODE_TEST_)/i.test(name),
  );
  return {
    ...Object.fromEntries(inherited),
    ...npm,
    npm_config_prefer_offline: "true",
    npm_config_fetch_retries: "0",
    npm_config_fetch_timeout: "20000",
    npm_config_update_notifier: "false",
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
