/**
 * `wrangler dev` with its defaults, so it writes a line for each request (with `--log-level warn` it is some 1.4
 * times as fast). It is no dependency of the project, being heavy and needed here alone: it is used where it is
 * found. All that it would write elsewhere goes into the turn's folder, and it is kept off the network.
 */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { Child } from "../child.ts";
import { freePort } from "../http.ts";
import { COMPATIBILITY_DATE, type Peer, runningPeer, START_TIMEOUT_MS } from "./peer.ts";

export interface Wrangler {
  readonly version: string;
  /** Its command, to be run with Node.js. */
  readonly program: string;
}

/**
 * wrangler in `folder` (where it was installed, or the package itself), or without one beside this project's
 * packages. Undefined if it is not there.
 */
export function findWrangler(folder: string | undefined): Wrangler | undefined {
  const places = folder === undefined ? [] : [resolve(folder), resolve(folder, "node_modules/wrangler")];
  if (folder === undefined) {
    try {
      places.push(dirname(createRequire(import.meta.url).resolve("wrangler/package.json")));
    } catch {
      return undefined;
    }
  }
  for (const place of places) {
    const program = join(place, "bin/wrangler.js");
    if (!existsSync(program)) continue;
    const manifest = JSON.parse(readFileSync(join(place, "package.json"), "utf8")) as { version: string };
    return { version: manifest.version, program };
  }
  return undefined;
}

function environment(folder: string): Record<string, string> {
  return {
    HOME: folder,
    XDG_CONFIG_HOME: folder,
    WRANGLER_LOG_PATH: join(folder, "logs"),
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_SEND_ERROR_REPORTS: "false",
    // With the banner goes the look for a newer version.
    WRANGLER_HIDE_BANNER: "true",
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    CI: "1",
  };
}

export function wranglerPeer({ program }: Wrangler): Peer {
  return {
    name: "wrangler",
    async start({ workload, source, folder }) {
      const home = join(folder, "home");
      mkdirSync(home);
      writeFileSync(join(folder, "main.ts"), source);
      const toml = `name = "bench"\nmain = "main.ts"\ncompatibility_date = "${COMPATIBILITY_DATE}"\n`;
      writeFileSync(join(folder, "wrangler.toml"), toml);
      const port = await freePort();
      const address = ["--ip", "127.0.0.1", "--port", `${port}`, "--inspector-port", `${await freePort()}`];
      const child = new Child({
        name: "wrangler dev",
        command: process.execPath,
        args: [program, "dev", "--local", ...address],
        cwd: folder,
        env: environment(home),
      });
      try {
        await child.waitForOutput(/Ready on http/, START_TIMEOUT_MS);
        return runningPeer(child, `http://127.0.0.1:${port}`, workload, { workerd: "workerd", rest: "node" });
      } catch (error) {
        await child.stop();
        throw error;
      }
    },
  };
}
