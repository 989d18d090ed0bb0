#!/usr/bin/env -S node --single-threaded-gc
// The flag: the scheduler's heap is small, and on few cores the collector's threads cost more than they save (a tenth
// of its CPU time for small requests, a third for long bodies). V8 takes it only at the start.
// Says what is missing before anything is loaded that needs it. A clone, which has no dist/ at first, is built.
import { existsSync } from "node:fs";

const NEEDED = [20, 19];
const [major, minor] = process.versions.node.split(".").map(Number);
const place = (path) => new URL(`../${path}`, import.meta.url);
const program = place("dist/dexter.js");

if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1]))
  fail(`needs Node.js ${NEEDED.join(".")} or later, and this is ${process.versions.node}`);
else if (existsSync(program)) await import(program.href);
else if (!existsSync(place("scripts/build.js")))
  fail("the package is not complete: its folder dist/ is missing; install it again");
else if (!existsSync(place("node_modules")))
  fail("not built yet, and the packages that the build needs are missing; run `npm ci` in its folder");
else {
  console.error("dexter: not built yet; building dist/");
  const { spawnSync } = await import("node:child_process");
  const { fileURLToPath } = await import("node:url");
  const build = [fileURLToPath(place("scripts/build.js")), "--quiet"];
  const { status } = spawnSync(process.execPath, build, { stdio: ["ignore", 2, 2] });
  if (status === 0) await import(program.href);
  else fail("the build failed");
}

function fail(reason) {
  console.error(`dexter: ${reason}`);
  process.exitCode = 1;
}
