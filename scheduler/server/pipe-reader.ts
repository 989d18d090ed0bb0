/**
 * What servers print, read into memory that is used again. Node gives every read of a pipe 64 KiB of its own: a server
 * that prints much would fill the scheduler with buffers that nobody needs any more. Only a socket made with `onread`
 * has a say; so one is made around the pipe's handle. Where there is no such handle all is as Node does it.
 */
import { type ConnectOpts, Socket, type SocketConstructorOpts } from "node:net";
import type { Readable } from "node:stream";

/** For all pipes: what was read is taken before the next read. As much as libuv reads at once. */
const shared = Buffer.allocUnsafeSlow(65_536);

interface Handle {
  readonly useUserBuffer?: unknown;
}

/** `handle` is what Node gives sockets that it makes itself; its documentation leaves it out. */
type Options = SocketConstructorOpts & ConnectOpts & { handle: Handle };

/** @param take gets each piece, which is good until it returns; @param end is called when nothing comes any more */
export function readPipe(pipe: Readable, take: (chunk: Buffer) => void, end: () => void): void {
  const reader = adopt(pipe, take);
  if (reader === undefined) pipe.on("data", take);
  for (const stream of new Set([pipe, reader ?? pipe])) stream.on("error", () => {});
  (reader ?? pipe).on("end", end);
}

function adopt(pipe: Readable, take: (chunk: Buffer) => void): Socket | undefined {
  const holder = pipe as { _handle?: Handle | null };
  const handle = holder._handle;
  if (Object.getPrototypeOf(pipe) !== Socket.prototype) return undefined;
  if (handle === null || typeof handle?.useUserBuffer !== "function") return undefined;
  holder._handle = null;
  const callback = (bytes: number) => {
    take(shared.subarray(0, bytes));
    return true;
  };
  const options: Options = { handle, onread: { buffer: shared, callback } };
  return new Socket(options).resume();
}
