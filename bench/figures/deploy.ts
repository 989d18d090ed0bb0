/** Deploys of a 100 KB bundle to a local node with `dexter deploy`: how soon it is live. */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { COMMAND_FILE } from "../dexter.ts";
import { type Spread, spread } from "../statistics.ts";
import { withDexter } from "./session.ts";

const DEPLOYS = 20;
const BUNDLE_BYTES = 100_000;

export interface DeployFigures {
  /** From the first byte of the upload until requests go to the new version, in ms. */
  readonly live: Spread;
  /** The whole command, with the start of Node.js and the bundling, in ms. */
  readonly command: Spread;
}

/** @param set directives for dexter, `name=value` */
export async function measureDeploy(set: readonly string[]): Promise<DeployFigures> {
  const functions = { hello: handler(0) };
  return withDexter({ command: "start", functions, set }, async ({ dexter, connection, folder }) => {
    const live: number[] = [];
    const command: number[] = [];
    for (let turn = 1; turn <= DEPLOYS; turn++) {
      writeFileSync(join(folder, "functions", "hello.ts"), handler(turn));
      const startedAt = performance.now();
      const args = [COMMAND_FILE, "deploy", "--json"];
      const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder });
      command.push(performance.now() - startedAt);
      const [{ ms }] = (JSON.parse(stdout) as { functions: [{ ms: number }] }).functions;
      live.push(ms);
      const { body } = await connection.get(`${dexter.origin}/hello`);
      if (body !== `version ${turn}`)
        throw new Error(`version ${turn} is said to be live, and "${body}" answers`);
    }
    return { live: spread(live), command: spread(command) };
  });
}

/** Text that does not compress to nothing. */
function handler(turn: number): string {
  let seed = turn + 1;
  const next = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed.toString(36);
  };
  let filler = "";
  while (filler.length < BUNDLE_BYTES) filler += next();
  return `const filler = "${filler}";
export default { fetch: () => new Response(filler.length > 0 ? "version ${turn}" : "") };\n`;
}
