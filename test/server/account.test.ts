/** Whom servers run as, and where they may leave a core dump. */
import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readFileSync, readlinkSync, rmdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { runDexter } from "../support/cli.ts";
import { startDexter } from "../support/dexter.ts";
import {
  descendants,
  PROBE,
  startNode,
  type TestNode,
  temporaryFolder,
  until,
  writeProject,
} from "../support/node.ts";

const DIRECTIVES = { num_servers: 1, start_threads: 1, min_spare_threads: 1 };
const root = process.getuid?.() === 0;
const proc = process.platform === "linux";
const skipped = !proc ? "needs /proc" : root ? false : "only root can run servers as another user";

/** A name, and the numbers behind it, that every machine has. */
function nobody(): { uid: number; gid: number } {
  const fields = /^nobody:[^:]*:(\d+):(\d+):/m.exec(readFileSync("/etc/passwd", "utf8"))!;
  return { uid: Number(fields[1]), gid: Number(fields[2]) };
}

async function nodeAs(test: TestContext, directives: Record<string, unknown>, args: string[] = []) {
  const folder = await temporaryFolder(test);
  // Whoever servers run as must get to their sockets.
  chmodSync(folder.dir, 0o755);
  return startNode(test, {
    functions: { probe: PROBE },
    directives: { ...DIRECTIVES, ...directives },
    folder,
    args,
  });
}

/** Real, effective, saved and file-system ids, and the supplementary groups. */
function idsOf(pid: number): { uid: number[]; gid: number[]; groups: number[] } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const numbers = (field: string) =>
    (new RegExp(`^${field}:[ \\t]*(.*)$`, "m").exec(status)?.[1] ?? "")
      .split(/\s+/)
      .filter(Boolean)
      .map(Number);
  return { uid: numbers("Uid"), gid: numbers("Gid"), groups: numbers("Groups") };
}

async function serversRunAs(node: TestNode, { uid, gid }: { uid: number; gid: number }): Promise<void> {
  for (const pid of node.readyPids().flatMap((server) => [server, ...descendants(server)])) {
    const ids = idsOf(pid);
    assert.deepEqual(ids.uid, [uid, uid, uid, uid]);
    assert.deepEqual(ids.gid, [gid, gid, gid, gid]);
    assert(!ids.groups.includes(0), "a server keeps root's groups");
  }
  assert.equal((await node.get("/probe")).status, 200);
  assert.equal(idsOf(node.dexter.pid).uid[0], 0);
}

describe("user and group", { skip: skipped }, () => {
  it("are whom servers run as, while the scheduler stays who it is", async (test) => {
    const node = await nodeAs(test, { user: "nobody" });
    await serversRunAs(node, nobody());
    const generation = join(node.folder.dir, ".dexter/run/0.1");
    assert.equal(statSync(generation).uid, nobody().uid);
    assert.equal(statSync(generation).mode & 0o777, 0o700);
  });

  it("may be numbers that have no name", async (test) => {
    await serversRunAs(await nodeAs(test, { user: "#54321", group: "#54322" }), { uid: 54_321, gid: 54_322 });
  });

  it("work with a data directory whose path is too long for sockets", async (test) => {
    const folder = await temporaryFolder(test);
    const long = join(folder.dir, "a-long-name-of-a-folder/".repeat(5));
    await serversRunAs(await nodeAs(test, { user: "nobody" }, ["--set", `data_dir=${long}`]), nobody());
  });

  it("that do not exist are an error that names the directive", async (test) => {
    const folder = await temporaryFolder(test);
    await writeProject(
      { functions: { probe: PROBE }, directives: { ...DIRECTIVES, user: "no-such-user" } },
      folder,
    );
    await assert.rejects(
      startDexter({ dir: folder.dir }),
      /user: there is no user "no-such-user" on this machine/,
    );
  });
});

describe("user", { skip: root ? "needs another user than root" : false }, () => {
  it("needs a scheduler that runs as root", async (test) => {
    const folder = await temporaryFolder(test);
    await writeProject(
      { functions: { probe: PROBE }, directives: { ...DIRECTIVES, user: "nobody" } },
      folder,
    );
    await assert.rejects(startDexter({ dir: folder.dir }), /only root can run servers as another user/);
  });
});

describe("core_dump_directory", { skip: proc ? false : "needs /proc" }, () => {
  const coreLimit = (pid: number | "self") =>
    /^Max core file size\s+(\S+)\s+(\S+)/m.exec(readFileSync(`/proc/${pid}/limits`, "utf8"))!.slice(1, 3);

  it("is the working directory of servers, whose core limit is raised", async (test) => {
    const folder = await temporaryFolder(test);
    const cores = join(folder.dir, "cores");
    mkdirSync(cores);
    const directives = { ...DIRECTIVES, core_dump_directory: "cores" };
    const node = await startNode(test, { functions: { probe: PROBE }, directives, folder });
    const [pid] = node.readyPids();
    assert.equal(readlinkSync(`/proc/${pid}/cwd`), cores);
    const [soft, hard] = coreLimit(pid!);
    assert.equal(soft, hard);
    assert.equal(soft, root ? "unlimited" : coreLimit("self")[1]);
  });

  it("that does not exist is an error that names it", async (test) => {
    const folder = await temporaryFolder(test);
    await writeProject(
      { functions: { probe: PROBE }, directives: { ...DIRECTIVES, core_dump_directory: "cores" } },
      folder,
    );
    await assert.rejects(startDexter({ dir: folder.dir }), /core_dump_directory: \S*\/cores is not a folder/);
  });

  it("that has been removed can be changed by a reload", async (test) => {
    const folder = await temporaryFolder(test);
    for (const name of ["first", "second"]) mkdirSync(join(folder.dir, name));
    const directives = (core_dump_directory: string) => ({ ...DIRECTIVES, core_dump_directory });
    const functions = { probe: PROBE };
    const node = await startNode(test, { functions, directives: directives("first"), folder });
    rmdirSync(join(folder.dir, "first"));
    await writeProject({ functions, directives: directives("second") }, folder);
    const { status, stderr } = await runDexter(["reload"], { dir: folder.dir });
    assert.deepEqual([status, stderr], [0, ""]);
    await until("a server has the new one", () => {
      const live = node.readyPids().filter((pid) => existsSync(`/proc/${pid}/cwd`));
      return live.some((pid) => readlinkSync(`/proc/${pid}/cwd`) === join(folder.dir, "second"));
    });
  });

  it("that is not set leaves the limit as it is", async (test) => {
    const node = await startNode(test, { functions: { probe: PROBE }, directives: DIRECTIVES });
    assert.deepEqual(coreLimit(node.readyPids()[0]!), coreLimit("self"));
  });
});
