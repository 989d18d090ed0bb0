// Serves one bundle with miniflare until SIGTERM, or until stdin ends (the benchmark is gone).
// Arguments: the bundle's path, the compatibility date.
import { readFileSync } from "node:fs";
import { Miniflare } from "miniflare";

const [bundlePath, compatibilityDate] = process.argv.slice(2);
const miniflare = new Miniflare({
  host: "127.0.0.1",
  port: 0,
  compatibilityDate,
  cf: false, // else it asks the network for an example
  modules: [{ type: "ESModule", path: "main.mjs", contents: readFileSync(bundlePath, "utf8") }],
});

let stopping = false;
async function stop() {
  if (stopping) return;
  stopping = true;
  await miniflare.dispose();
  process.exit(0);
}
process.on("SIGTERM", stop);
process.stdin.on("end", stop).resume();

console.log(`listening on ${await miniflare.ready}`);
