/** An answer of the node that goes on as long as the node does, read line by line. */
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { createInterface } from "node:readline";
import { DexterError } from "../errors.ts";

/** Makes the request for a path of the admin API: over the socket, or to a node elsewhere. It is not ended yet. */
export type Connect = (path: string) => ClientRequest;

export function overSocket(socketPath: string): Connect {
  return (path) => request({ socketPath, path, agent: false, headers: { host: "node" } });
}

/**
 * Calls `take` with each line, one after the other, until the answer ends, which is when it resolves.
 * @param name what the messages call the node
 * @throws NOT_RUNNING, NOT_ALLOWED, REFUSED with what the node says, NODE_LOST when the connection breaks
 */
export async function readLines(
  connect: Connect,
  path: string,
  { name, signal, take }: { name: string; signal: AbortSignal; take: (line: string) => Promise<void> | void },
): Promise<void> {
  const call = connect(path);
  const giveUp = () => call.destroy();
  signal.addEventListener("abort", giveUp);
  try {
    const answer = await answerOf(call, name);
    if (answer.statusCode !== 200) throw refusal(answer.statusCode ?? 0, await textOf(answer));
    for await (const line of createInterface({ input: answer, crlfDelay: Number.POSITIVE_INFINITY }))
      take(line);
    // readline takes the loss of its input for its end.
    if (!answer.complete) throw new DexterError("NODE_LOST", { name });
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof DexterError) throw error;
    throw new DexterError("NODE_LOST", { name }, { cause: error });
  } finally {
    signal.removeEventListener("abort", giveUp);
    call.destroy();
  }
}

function answerOf(call: ClientRequest, name: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    call.on("response", resolve);
    call.on("error", (cause: NodeJS.ErrnoException) => {
      const code = cause.code === "EACCES" ? "NOT_ALLOWED" : "NOT_RUNNING";
      reject(new DexterError(code, { path: name }, { cause }));
    });
    call.end();
  });
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of answer) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString("utf8");
}

/** The node says why in JSON; what stands between may say something else. */
function refusal(status: number, text: string): DexterError {
  let reason = `status ${status}`;
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    if (typeof error === "string") reason = error;
  } catch {
    // not the node's words
  }
  return new DexterError("REFUSED", { reason });
}
