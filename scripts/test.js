// Runs the test files under node's own runner, two at a time, and passes its exit status on.
// Arguments choose files by a part of their name: `npm test -- pool queue`. `--quick` chooses those that start no process,
// and runs them in one.
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const isQuick = process.argv.includes("--quick");
const wanted = process.argv.slice(2).filter((argument) => argument !== "--quick");
const all = readdirSync(`${root}/test`, { recursive: true })
  .map((file) => `test/${file}`)
  .filter((file) => file.endsWith(".test.ts"))
  .sort();
const quick = isQuick ? new Set((await import("./quick-tests.ts")).quickTests()) : undefined;
const files = all
  .filter((file) => quick?.has(file) ?? true)
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.slice("test/".length).includes(part)));
if (files.length === 0) {
  console.error(`no test file matches ${process.argv.slice(2).join(" ")}`);
  process.exit(1);
}
console.log(`${files.length} of ${all.length} test files`);
const child = spawn(
  process.execPath,
  [
    ...["--import", "tsx", "--test-reporter=spec"],
    ...(isQuick ? ["scripts/quick-run.ts"] : ["--test", "--test-concurrency=2"]),
    ...files,
  ],
  { cwd: root, stdio: "inherit" },
);
child.on("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
