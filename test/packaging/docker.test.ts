/**
 * The image, without an engine that builds it: what the Dockerfile copies is there, its commands work when they run in a
 * folder that plays the file system, and what comes out serves, is healthy, and stops.
 */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { cp, mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Folder, makeFolder } from "../support/function.ts";
import { cleanUp, httpGet, until } from "../support/node.ts";
import { needs } from "../support/programs.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");

/** Its instructions, each in one line. */
const instructions = read("packaging/docker/Dockerfile")
  .replace(/^#.*\n/gm, "")
  .replace(/\\\n/g, " ")
  .split("\n")
  .filter(Boolean)
  .map((line) => ({ name: line.split(" ")[0]!, value: line.slice(line.indexOf(" ") + 1).trim() }));
const argumentOf = (name: string) => instructions.findLast((one) => one.name === name)!.value;
/** The pattern is a name, or stands for all that end alike: "*.md". */
const covers = (pattern: string, name: string) =>
  pattern.startsWith("*") ? name.endsWith(pattern.slice(1)) : pattern === name;
const list = (text: string) => JSON.parse(text.slice(text.indexOf("["))) as string[];

describe("the Dockerfile", () => {
  const copied = instructions
    .filter(({ name, value }) => name === "COPY" && !value.startsWith("--from"))
    .flatMap(({ value }) => value.split(" ").slice(0, -1));

  it("copies what exists and is not kept out", () => {
    const kept = read(".dockerignore")
      .split("\n")
      .flatMap((line) => /^!(.+)/.exec(line)?.[1] ?? []);
    for (const path of copied) {
      const exists = path.startsWith("*")
        ? readdirSync(root).some((name) => covers(path, name))
        : existsSync(join(root, path));
      assert.ok(exists, path);
      assert.ok(kept.includes(path.split("/")[0]!), `${path} is kept out`);
    }
    assert.deepEqual([...kept].sort(), [...new Set(copied.map((path) => path.split("/")[0]!))].sort());
  });

  it("copies all that is packed", () => {
    const { files } = JSON.parse(read("package.json")) as { files: string[] };
    for (const path of files.filter((name) => name !== "dist" && !name.startsWith("!")))
      assert.ok(
        copied.some((pattern) => covers(pattern, path)),
        path,
      );
  });

  it("runs as a user that is not root, and ends on the signal for a graceful stop", () => {
    assert.match(argumentOf("USER"), /^[1-9]\d*:[1-9]\d*$/);
    assert.equal(argumentOf("STOPSIGNAL"), "SIGTERM");
  });

  it("has an init program in front of dexter", () => {
    assert.deepEqual(list(argumentOf("ENTRYPOINT")), ["tini", "--", "dexter"]);
    assert.match(instructions.map(({ value }) => value).join(), /apt-get install [^&]*\btini\b/);
  });
});

describe("what the Dockerfile makes", () => {
  let image: Folder;
  let workDir = "/";
  let unavailable: string | undefined;

  /** Where a path of the image is. */
  const inImage = (path: string) => join(image.dir, resolve(workDir, path));
  const env = () => ({
    ...process.env,
    PATH: `${image.dir}/usr/local/bin:${process.env.PATH}`,
    // The packages of this clone are in npm's cache.
    npm_config_prefer_offline: "true",
  });
  /** A command with its paths led into the folder. */
  const led = (command: string) =>
    command.replaceAll(/(?<=^|[\s=])\/(?:build|etc|opt|tmp|usr|var)(?=[/\s]|$)/g, (path) => image.dir + path);

  async function replay(name: string, value: string): Promise<void> {
    if (name === "WORKDIR") {
      workDir = value;
      await mkdir(inImage("."), { recursive: true });
    }
    if (name === "COPY") {
      const words = value.split(" ");
      const fromStage = words[0]!.startsWith("--from");
      const from = fromStage ? image.dir : root;
      if (fromStage) words.shift();
      const to = words.pop()!;
      const paths = words.flatMap((word) =>
        word.startsWith("*") ? readdirSync(from).filter((name) => covers(word, name)) : [word],
      );
      for (const path of paths) {
        const target = /^\.?\/$|\/$/.test(to) ? join(inImage(to), basename(path)) : inImage(to);
        await mkdir(dirname(target), { recursive: true });
        if (join(from, path) !== target) await cp(join(from, path), target, { recursive: true });
      }
    }
    // Packages of the system, and an owner that only root can give, are left out.
    if (name === "RUN" && !value.startsWith("apt-get"))
      await run("sh", ["-ec", led(value.replace(/&& chown [^&]*/, ""))], { cwd: inImage("."), env: env() });
  }

  before(async () => {
    image = await makeFolder();
    for (const path of ["tmp", "usr/local/bin"]) await mkdir(join(image.dir, path), { recursive: true });
    try {
      for (const { name, value } of instructions) await replay(name, value);
    } catch (error) {
      const [code] =
        /\b(?:ENOTCACHED|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT)\b/.exec(String(error)) ?? [];
      if (code === undefined) throw error;
      unavailable = `needs npm's packages, from its cache or a registry (${code})`;
      return;
    }
    await writeFile(
      join(image.dir, "etc/dexter/functions/hello.js"),
      "export default { fetch: () => new Response('hi') };",
    );
  });
  after(() => image.remove());

  const filesIn = (path: string) =>
    readdirSync(join(image.dir, path), { recursive: true }).map(String).sort();

  const data = () => ["--set", `data_dir=${inImage("/var/lib/dexter")}`];

  /** Runs what the container runs, but for the init program, behind `wrapper`. */
  async function start(test: TestContext, ...wrapper: string[]) {
    const command = [
      ...wrapper,
      ...list(argumentOf("ENTRYPOINT")).slice(2),
      ...list(argumentOf("CMD")).map(led),
    ];
    const [program, ...options] = [...command, ...data(), "--set", "listen=127.0.0.1:0"];
    const child = spawn(program!, options, { cwd: inImage("."), env: { ...env(), TMPDIR: inImage("/tmp") } });
    const exited = once(child, "exit");
    cleanUp(test, async () => {
      child.kill("SIGKILL");
      await exited;
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
    const port = await until(
      "it is ready",
      () => /ready on http:\/\/[\d.]+:(\d+)\n/.exec(output)?.[1],
      30_000,
    ).catch((error) => assert.fail(`${error.message}\n${output}`));
    const stop = async () => {
      const pid = readFileSync(inImage("/var/lib/dexter/dexter.pid"), "utf8");
      process.kill(Number(pid), argumentOf("STOPSIGNAL") as NodeJS.Signals);
      const [status] = await exited;
      return status;
    };
    return { port: Number(port), stop };
  }

  it("serves, is healthy, stops, and writes nothing outside of its volumes", async (test) => {
    if (unavailable) return test.skip(unavailable);
    const places = ["opt", "etc", "usr"];
    const before = places.map(filesIn);
    const { port, stop } = await start(test);
    assert.equal((await httpGet(port, "/hello")).text, "hi");
    const [program, ...check] = [...list(argumentOf("HEALTHCHECK")).map(led), ...data()];
    await run(program!, check, { env: env() });
    assert.equal(await stop(), 0);
    assert.deepEqual(places.map(filesIn), before);
    await assert.rejects(run(program!, check, { env: env() }), { code: 1 });
  });

  const [uid, gid] = argumentOf("USER").split(":") as [string, string];
  const readOnly = ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"];
  const asUser = ["--die-with-parent", "--unshare-user", "--uid", uid, "--gid", gid, "--cap-drop", "ALL"];
  const skip = needs(["bwrap", ...readOnly, ...asUser, "true"]);

  it("serves as its user without capabilities, with nothing to write to but its volumes", {
    skip,
  }, async (test) => {
    if (unavailable) return test.skip(unavailable);
    const volumes = list(argumentOf("VOLUME")).flatMap((path) => ["--bind", inImage(path), inImage(path)]);
    const { port, stop } = await start(test, "bwrap", ...readOnly, ...volumes, ...asUser);
    assert.equal((await httpGet(port, "/hello")).text, "hi");
    assert.equal(await stop(), 0);
  });

  it("holds no package that is for development only", (test) => {
    if (unavailable) return test.skip(unavailable);
    const { devDependencies } = JSON.parse(read("package.json")) as { devDependencies: object };
    const installed = filesIn("opt/dexter/node_modules");
    assert.ok(installed.includes("workerd"));
    assert.deepEqual(
      Object.keys(devDependencies).filter((name) => installed.includes(name)),
      [],
    );
  });
});
