/** What systemd is told, by which the socket is one of a service manager that this test plays. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, it, type TestContext } from "node:test";
import { Notifier } from "../../scheduler/system/notify.ts";
import { leaveDescriptors } from "../support/descriptors.ts";
import { type Folder, makeFolder } from "../support/function.ts";
import { cleanUp, PROBE, startNode, until } from "../support/node.ts";
import { needs } from "../support/programs.ts";

/** Node.js cannot read from a unix datagram socket either. The descriptors of barriers are closed unseen. */
const RECEIVER = `
use IO::Socket::UNIX; $| = 1;
my $socket = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $ARGV[0]) or die $!;
print "open\\n";
while (defined $socket->recv(my $message, 65536)) {
  $message =~ s/\\n/ /g;
  print "$message\\n" unless $message =~ /^BARRIER=1/;
}`;
const skip = needs("systemd-notify", ["perl", "-MIO::Socket::UNIX", "-e1"]);

interface Receiver {
  readonly socket: string;
  readonly folder: Folder;
  /** What came so far, without the monotonic time that differs each time. */
  readonly messages: string[];
}

async function receiver(test: TestContext): Promise<Receiver> {
  const folder = await makeFolder();
  cleanUp(test, () => folder.remove());
  const socket = join(folder.dir, "notify");
  const child: ChildProcess = spawn("perl", ["-e", RECEIVER, socket], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  cleanUp(test, async () => {
    child.kill("SIGKILL");
    await once(child, "exit");
  });
  const messages: string[] = [];
  createInterface({ input: child.stdout! }).on("line", (line) =>
    messages.push(line.trim().replace(/MONOTONIC_USEC=[1-9]\d+ /, "")),
  );
  await until("the socket is open", () => messages.shift() === "open");
  return { socket, folder, messages };
}

function notifier(env: NodeJS.ProcessEnv): { notifier: Notifier; failures: string[] } {
  const failures: string[] = [];
  return { notifier: new Notifier(env, { onFailure: (reason) => failures.push(reason) }), failures };
}

describe("a notifier without NOTIFY_SOCKET", () => {
  it("does nothing", async () => {
    const { notifier: silent, failures } = notifier({ WATCHDOG_USEC: "1000000" });
    await Promise.all([silent.ready("well"), silent.reloading(), silent.passed(0), silent.stopping()]);
    assert.deepEqual(failures, []);
  });
});

describe("a notifier", () => {
  it("takes its variables out of the environment", () => {
    const env = { NOTIFY_SOCKET: "/nowhere", WATCHDOG_USEC: "1", WATCHDOG_PID: "1", OTHER: "stays" };
    notifier(env);
    assert.deepEqual(env, { OTHER: "stays" });
  });

  it("says once that the manager cannot be told, and goes on", {
    skip: needs("systemd-notify"),
  }, async () => {
    const { notifier: lost, failures } = notifier({ NOTIFY_SOCKET: "/nowhere/notify" });
    await lost.ready("well");
    await lost.stopping();
    assert.equal(failures.length, 1);
    assert.match(
      failures[0]!,
      /^the service manager could not be told: systemd-notify ended with exit status 1 \S/,
    );
  });

  it("says what to do without systemd-notify", async (test) => {
    const { PATH } = process.env;
    test.after(() => (process.env.PATH = PATH));
    process.env.PATH = "/nonexistent";
    const { notifier: lost, failures } = notifier({ NOTIFY_SOCKET: "/nowhere/notify" });
    await lost.ready("well");
    assert.match(failures.join(), /systemd-notify cannot be run \(.*ENOENT\); install it, or use Type=exec$/);
  });

  it("says so where no file descriptor is left for it", { skip: needs("prlimit") }, async (test) => {
    const { notifier: lost, failures } = notifier({ NOTIFY_SOCKET: "/nowhere/notify" });
    const giveBack = leaveDescriptors(test, 0);
    await lost.ready("well");
    giveBack();
    assert.match(failures.join(), /systemd-notify cannot be run \(.*EMFILE\)$/);
  });

  it("tells states in the order in which they came", { skip }, async (test) => {
    const { socket, messages } = await receiver(test);
    const { notifier: told, failures } = notifier({ NOTIFY_SOCKET: socket });
    await Promise.all([told.ready("one"), told.reloading(), told.ready("two"), told.stopping()]);
    await until("all came", () => messages.length === 4);
    assert.deepEqual(messages, [
      "READY=1 STATUS=one",
      "RELOADING=1 STATUS=reloading",
      "READY=1 STATUS=two",
      "STOPPING=1 STATUS=stopping",
    ]);
    assert.deepEqual(failures, []);
  });

  it("gives a sign of life in half of the watchdog's time, and only when a pass is over", {
    skip,
  }, async (test) => {
    const { socket, messages } = await receiver(test);
    const { notifier: told } = notifier({ NOTIFY_SOCKET: socket, WATCHDOG_USEC: "10000000" });
    const at: number[] = [];
    for (let nowMs = 0; nowMs <= 12_000; nowMs += 1_000) {
      const before = messages.length;
      await told.passed(nowMs);
      if (nowMs % 4_000 === 0) await until("a sign of life came", () => messages.length > before);
      if (messages.length > before) at.push(nowMs);
    }
    assert.deepEqual(at, [0, 4_000, 8_000, 12_000]);
    assert.deepEqual(new Set(messages), new Set(["WATCHDOG=1"]));
  });

  it("gives none when the watchdog is for another process", { skip }, async (test) => {
    const { socket, messages } = await receiver(test);
    const env = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: "10000000", WATCHDOG_PID: "1" };
    const { notifier: told } = notifier(env);
    await told.passed(0);
    await told.ready("well");
    await until("what is told after it came", () => messages.length > 0);
    assert.deepEqual(messages, ["READY=1 STATUS=well"]);
  });
});

describe("dexter start", { skip }, () => {
  it("tells that it is ready, alive, reloading and stopping", async (test) => {
    const { socket, messages } = await receiver(test);
    const env = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: "4000000" };
    const { dexter, readyPids } = await startNode(test, {
      functions: { probe: PROBE },
      directives: { num_servers: 1 },
      env,
    });
    const count = (text: string) => messages.filter((message) => message.startsWith(text)).length;
    const ready = `READY=1 STATUS=serving on ${dexter.url}`;
    await until("it is ready", () => count(ready) === 1);
    await until("it lives", () => count("WATCHDOG=1") >= 2);
    for (const pid of readyPids())
      assert.doesNotMatch(readFileSync(`/proc/${pid}/environ`, "latin1"), /NOTIFY_SOCKET|WATCHDOG/);
    process.kill(dexter.pid, "SIGHUP");
    await until("it has reloaded", () => count(ready) === 2);
    await dexter.stop("SIGTERM");
    await until("it has stopped", () => count("STOPPING=1") === 1);
    assert.deepEqual(
      messages.filter((message) => message !== "WATCHDOG=1"),
      [ready, "RELOADING=1 STATUS=reloading", ready, "STOPPING=1 STATUS=stopping"],
    );
  });

  it("is ready again after a reload that fails", async (test) => {
    const { socket, messages } = await receiver(test);
    const env = { NOTIFY_SOCKET: socket };
    const { dexter, folder } = await startNode(test, { functions: { probe: PROBE }, env });
    await folder.write({ "wrangler.toml": "nonsense" });
    process.kill(dexter.pid, "SIGHUP");
    await until("it has tried", () => messages.length >= 3);
    assert.deepEqual(
      messages.map((message) => message.split(" ")[0]),
      ["READY=1", "RELOADING=1", "READY=1"],
    );
  });
});
