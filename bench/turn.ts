/** One peer's turn: started afresh in a folder of its own, checked, driven, stopped, and cleared away. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { temporaryFolder } from "./cleanup.ts";
import type { Measured } from "./drives/drive.ts";
import { drives } from "./drives/index.ts";
import { Connection } from "./http.ts";
import type { LoadGenerator } from "./load/generator.ts";
import { type GroupFigures, Meter } from "./meter.ts";
import type { Options } from "./options.ts";
import type { Peer, RunningPeer } from "./peers/peer.ts";
import type { Workload } from "./workloads.ts";

const SHOWN_OUTPUT = 2_000;

/** One peer in one round. */
export interface Turn extends Measured {
  readonly round: number;
  readonly peer: string;
  readonly groups: Readonly<Record<string, GroupFigures>>;
}

/** What stays the same in all turns of a workload. */
export interface TurnOptions {
  readonly workload: Workload;
  readonly source: string;
  readonly generator: LoadGenerator;
  readonly options: Options;
}

/** Throws if the peer cannot be started, ends by itself, or any request fails. */
export async function takeTurn(round: number, peer: Peer, settings: TurnOptions): Promise<Turn> {
  const { workload, source, options } = settings;
  const scratch = temporaryFolder();
  let running: RunningPeer | undefined;
  try {
    const bundlePath = await bundle(source, join(scratch.path, "bundle"));
    const folder = join(scratch.path, "peer");
    mkdirSync(folder);
    running = await peer.start({ workload, source, bundlePath, folder, set: options.set });
    const measured = await Promise.race([measure(running, settings), running.untilExit()]);
    return { round, peer: peer.name, ...measured };
  } catch (error) {
    throw new Error(`${peer.name}, ${workload.name}: ${describe(error, running)}`, { cause: error });
  } finally {
    await running?.stop();
    scratch.remove();
  }
}

/** The error's message, and what the peer wrote at the end, where the message has not got it yet. */
function describe(error: unknown, peer: RunningPeer | undefined): string {
  const { message } = error as Error;
  const said = peer?.output().trim().slice(-SHOWN_OUTPUT) ?? "";
  return said === "" || message.includes(said) ? message : `${message}\n\nThe end of what it wrote:\n${said}`;
}

async function bundle(source: string, folder: string): Promise<string> {
  mkdirSync(folder);
  const entry = join(folder, "main.ts");
  const outfile = join(folder, "main.js");
  writeFileSync(entry, source);
  await build({ entryPoints: [entry], outfile, bundle: true, format: "esm", target: "es2024" });
  return outfile;
}

async function measure(
  peer: RunningPeer,
  { workload, generator, options }: TurnOptions,
): Promise<Omit<Turn, "round" | "peer">> {
  await checkHandler(workload, peer.url);
  const meter = new Meter(peer);
  try {
    const measured = await drives[workload.drive]({ workload, peer, generator, options, meter });
    return { ...measured, groups: meter.stop(measured.requests) };
  } finally {
    meter.close();
  }
}

async function checkHandler({ expect, uploadBytes }: Workload, url: string): Promise<void> {
  const connection = new Connection();
  try {
    const { status, body } =
      uploadBytes === undefined
        ? await connection.get(url)
        : await connection.post(url, "x".repeat(uploadBytes));
    const right = typeof expect === "string" ? body === expect : expect.test(body);
    if (status !== 200 || !right) {
      throw new Error(`the handler does not answer as it should: ${status} ${body.slice(0, 500)}`);
    }
  } finally {
    connection.close();
  }
}
