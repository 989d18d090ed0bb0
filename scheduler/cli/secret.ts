/**
 * `dexter secret put`, `list` and `delete`. A value is read from stdin or a prompt, and never from the command
 * line, which other users of the machine can read while the command runs, and the shell's history after it.
 */
import { DexterError } from "../errors.ts";
import { MAX_SECRET_BYTES, type SecretChanged, type SecretStatus } from "../secrets/changes.ts";
import { isSecretName } from "../secrets/store.ts";
import { confirmed } from "./confirm.ts";
import { hiddenInput } from "./hidden-input.ts";
import { type ClientOptions, callNode, nodeAddress } from "./node-client.ts";
import { printJson, when } from "./print.ts";
import { warn } from "./project.ts";
import { table } from "./table.ts";

/** @param rest what stands behind the name, which is an error */
export async function putSecret(
  functionName: string,
  name: string,
  rest: readonly string[],
  options: ClientOptions,
): Promise<void> {
  if (rest.length > 0 || name.includes("=")) throw onCommandLine(functionName, name);
  // Here as well as on the node, where the call's path may be logged.
  if (!isSecretName(name)) throw new DexterError("SECRET_NAME");
  const address = await nodeAddress(options);
  const body = process.stdin.isTTY
    ? Buffer.from(await hiddenInput(`Value of ${name} (not shown): `, process.stdin, process.stderr))
    : await readValue(process.stdin);
  if (body.length === 0) throw new DexterError("INPUT_EMPTY", { name });
  if (body.length > MAX_SECRET_BYTES) throw tooBig();
  const result = await callNode<SecretChanged>(address, "PUT", pathOf(functionName, name), { body });
  if (options.json) return printJson(result);
  if (result.variable) warn([`a variable has the name ${name}, too; the secret goes before it`]);
  console.log(
    result.changed
      ? told(result, "is set", "new threads have it")
      : `${functionName}: ${name} has this value already`,
  );
}

export async function listSecrets(functionName: string, options: ClientOptions): Promise<void> {
  const address = await nodeAddress(options);
  const found = await callNode<SecretStatus[]>(address, "GET", pathOf(functionName));
  if (options.json) return printJson(found);
  if (found.length === 0) return console.log(`${functionName} has no secrets`);
  const rows = found.map(({ name, updatedAt, by }) => [name, `${when(updatedAt)} by ${by}`]);
  console.log(table(["secret", "set"], rows));
}

export async function deleteSecret(
  functionName: string,
  name: string,
  options: ClientOptions & { yes?: boolean },
): Promise<void> {
  const address = await nodeAddress(options);
  if (!options.yes && !(await confirmed(`Delete the secret ${name} of ${functionName}? [y/N] `)))
    throw new DexterError("NOT_CONFIRMED", { name });
  const result = await callNode<SecretChanged>(address, "DELETE", pathOf(functionName, name));
  if (options.json) return printJson(result);
  console.log(told(result, "is deleted", "new threads are without it"));
}

function told(
  { function: functionName, name, state, reason }: SecretChanged,
  what: string,
  effect: string,
): string {
  const done = `${functionName}: ${name} ${what}`;
  if (state === "live") return `${done}, and ${effect}`;
  if (state === "waiting") return `${done}; there is no function ${functionName} yet`;
  return `${done}, but the function still fails: ${reason}`;
}

/** All of it, without the newline that `echo` and editors put at the end. Throws SECRET_TOO_BIG. */
async function readValue(input: NodeJS.ReadableStream): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of input) {
    pieces.push(Buffer.from(piece));
    size += piece.length;
    // With the newline.
    if (size > MAX_SECRET_BYTES + 2) throw tooBig();
  }
  const all = Buffer.concat(pieces);
  const end = all.at(-1) !== 10 ? 0 : all.at(-2) === 13 ? 2 : 1;
  return all.subarray(0, all.length - end);
}

function tooBig(): DexterError {
  return new DexterError("SECRET_TOO_BIG", { most: MAX_SECRET_BYTES >> 10 });
}

/** The value is not repeated. */
function onCommandLine(functionName: string, given: string): DexterError {
  return new DexterError("SECRET_SHOWN", { function: functionName, name: given.split("=", 1)[0]! });
}

function pathOf(functionName: string, name?: string): string {
  const path = `/functions/${encodeURIComponent(functionName)}/secrets`;
  return name === undefined ? path : `${path}/${encodeURIComponent(name)}`;
}
