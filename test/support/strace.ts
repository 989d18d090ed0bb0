/** Faults from outside: strace (a Debian package) attached to a running scheduler, where the system allows it. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** Why tests with strace are skipped here; undefined where they can run. */
export function straceMissing(): string | undefined {
  const { status, error } = spawnSync("strace", ["-o", "/dev/null", "true"], { timeout: 10_000 });
  if (error) return "strace is not installed";
  return status === 0 ? undefined : "strace may not trace here";
}

export interface Tracing {
  /** Ends tracing, and returns what was written. Resolves at once when the process has ended. */
  stop(): Promise<string>;
}

/** Attaches to a thread, with `-f` to all of its process; resolves when it has. */
export async function attach(pid: number, args: readonly string[]): Promise<Tracing> {
  const folder = mkdtempSync(path.join(tmpdir(), "dexter-strace-"));
  const file = path.join(folder, "trace");
  const child = spawn("strace", ["-p", String(pid), "-o", file, ...args], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const exited = once(child, "exit");
  let said = "";
  await new Promise<void>((resolve, reject) => {
    child.stderr.on("data", (text) => {
      said += String(text);
      if (/attached/.test(said)) resolve();
    });
    exited.then(() => reject(new Error(`strace ended: ${said}`)), reject);
  });
  return {
    async stop() {
      child.kill("SIGINT");
      await exited;
      const text = readFileSync(file, "utf8");
      rmSync(folder, { recursive: true, force: true });
      return text;
    },
  };
}
