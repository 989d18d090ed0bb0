/**
 * Runs the `dexter` command line: it alone reads argv, and turns what a command throws into the exit status: 0 done,
 * 1 a failure, 2 bad usage. `dexter start` and `dexter dev` end the process themselves when their node has stopped
 * (cli/serve.ts). What a node consists of is put together in node/node.ts.
 */
import { CommanderError } from "commander";
import { program } from "./cli/program.ts";
import { DexterError } from "./errors.ts";

// Whoever reads the output may have read enough (`dexter status | head -1`).
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

try {
  await program().parseAsync();
} catch (error) {
  process.exitCode = statusOf(error);
}

function statusOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (!(error instanceof DexterError)) throw error;
  process.stderr.write(`dexter: ${error.message}\n`);
  return error.exitStatus;
}
