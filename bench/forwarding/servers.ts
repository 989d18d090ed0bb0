/** Plain `workerd serve`, a process with several services, each straight on a unix socket of its own. */

import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { transform } from "esbuild";
import { Child } from "../child.ts";
import { textHandler } from "../handlers.ts";
import { COMPATIBILITY_DATE, START_TIMEOUT_MS } from "../peers/peer.ts";

// Required, as its CommonJS default export arrives differently under a TypeScript loader.
const { default: workerd } = createRequire(import.meta.url)("workerd") as { readonly default: string };

export const ANSWER = "Hello World";

export interface Server {
  readonly child: Child;
  readonly sockets: readonly string[];
}

const indexes = (count: number) => Array.from({ length: count }, (_, index) => index);

function config(threads: number): string {
  const services = indexes(threads).map((index) => `(name = "s${index}", worker = .worker)`);
  const sockets = indexes(threads).map(
    (index) => `(name = "t${index}", address = "unix:t${index}", http = (), service = "s${index}")`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [${services.join(", ")}],
  sockets = [${sockets.join(", ")}]
);
const worker :Workerd.Worker = (
  modules = [(name = "main.js", esModule = embed "main.js")],
  compatibilityDate = "${COMPATIBILITY_DATE}"
);
`;
}

/** Starts one in a new folder; its caller ends the child. */
export async function startServer(folder: string, threads: number): Promise<Server> {
  mkdirSync(folder);
  const { code } = await transform(textHandler(ANSWER), { loader: "ts" });
  writeFileSync(join(folder, "main.js"), code);
  writeFileSync(join(folder, "config.capnp"), config(threads));
  const child = new Child({
    name: "workerd",
    command: workerd,
    args: ["serve", "--control-fd=3", "config.capnp"],
    cwd: folder,
    dieWithParent: true,
  });
  try {
    for (const index of indexes(threads))
      await child.waitForOutput(new RegExp(`"event":"listen","socket":"t${index}"`), START_TIMEOUT_MS);
  } catch (error) {
    await child.stop();
    throw error;
  }
  return { child, sockets: indexes(threads).map((index) => join(folder, `t${index}`)) };
}
