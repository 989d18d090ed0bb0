#!/usr/bin/env -S node --single-threaded-gc
// The flag: the scheduler's heap is small, and on few cores the collector's threads cost more than they save (a tenth
// of its CPU time for small requests, a third for long bodies). V8 takes it only at the start.
// Says what is missing before anything is loaded that needs it.
const NEEDED = [20, 19];
const [major, minor] = process.versions.node.split(".").map(Number);

if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
  console.error(`dexter: needs Node.js ${NEEDED.join(".")} or later, and this is ${process.versions.node}`);
  process.exitCode = 1;
} else {
  const program = new URL("../dist/dexter.js", import.meta.url);
  await import(program.href).catch((error) => {
    if (error.code !== "ERR_MODULE_NOT_FOUND" || error.url !== program.href) throw error;
    console.error("dexter: not built yet; run `npm run build` in its folder");
    process.exitCode = 1;
  });
}
