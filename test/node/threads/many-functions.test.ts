/** More functions than there are slots for: each answers, few cost memory, and those that are hot keep what they need. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { type Call, FleetWorld, spec } from "../../support/fleet-world.ts";
import { descendants, startNode, until } from "../../support/node.ts";

const names = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);
const HOT = names("hot", 20);
const settings = { startThreads: 0, minSpareThreads: 3, maxSpareThreads: 6 };

class Crowd {
  readonly world: FleetWorld;

  constructor(others: readonly string[], maxThreads: number) {
    this.world = FleetWorld.of(
      1,
      [...HOT, ...others].map((name) => spec(name, settings)),
      { maxThreads },
    );
    this.world.fleet.deactivateAll();
  }

  request(name: string): Call {
    const call = this.world.arrive(name);
    this.world.settle();
    this.world.finish(call);
    this.world.settle();
    return call;
  }

  /** A second in which every hot function has many requests, and these have one each. */
  second(others: readonly string[] = []): Call[] {
    for (let i = 0; i < 120; i++) for (const name of HOT) this.request(name);
    const calls = others.map((name) => this.request(name));
    this.world.tick();
    this.world.settle();
    return calls;
  }

  get fewestIdle(): number {
    return Math.min(...HOT.map((name) => this.world.idle(0, name)));
  }
}

describe("20 hot functions among many", () => {
  const others = names("other", 200);

  it("keep their spare threads while others come and go", () => {
    const crowd = new Crowd(others, 80);
    for (let second = 0; second < 30; second++) crowd.second();
    assert(crowd.fewestIdle >= 3, `${crowd.fewestIdle} idle threads`);
    for (let second = 0; second < 10; second++) {
      const some = others.slice(second * 20, second * 20 + 20);
      for (const call of crowd.second(some)) assert.equal(call.fate, "granted");
      assert(crowd.fewestIdle >= 3, `${crowd.fewestIdle} idle threads in second ${second}`);
    }
  });

  it("share what there is when it is too little for all of their spare threads", () => {
    const crowd = new Crowd(others, 44);
    for (let second = 0; second < 50; second++) crowd.second();
    assert(crowd.fewestIdle >= 2, `${crowd.fewestIdle} idle threads`);
  });
});

describe("a node with more functions than threads", () => {
  const functions = Object.fromEntries(
    names("f", 120).map((name) => [name, `export default { fetch: () => new Response("this is ${name}") };`]),
  );
  /** Empty for a process that has ended meanwhile. */
  const commandOf = (pid: number) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[0]!;
    } catch {
      return "";
    }
  };

  it("serves each, holds no bundler, and takes up a change", async (test) => {
    const node = await startNode(test, {
      functions,
      directives: { num_servers: 1, max_threads_per_child: 16, start_threads: 1, min_spare_threads: 1 },
    });
    const bundlers = () => descendants(node.dexter.pid).filter((pid) => commandOf(pid).endsWith("esbuild"));
    const noBundler = () => until("no bundler is left", () => bundlers().length === 0);
    await noBundler();
    for (const name of Object.keys(functions)) {
      const { status, text } = await node.get(`/${name}`);
      assert.deepEqual([status, text], [200, `this is ${name}`]);
    }
    // Modules of the first were given up in the server meanwhile.
    assert.equal((await node.get("/f0")).text, "this is f0");
    const { servers } = await node.status();
    assert(servers[0]!.threads.length <= 16);
    await node.folder.write({
      "functions/f7.js": `export default { fetch: () => new Response("changed") };`,
    });
    process.kill(node.dexter.pid, "SIGUSR1");
    await until("the change is served", async () => (await node.get("/f7")).text === "changed");
    assert.equal((await node.get("/f119")).text, "this is f119");
    await noBundler();
  });
});
