/**
 * One call to a server's control socket. Each call has a connection of its own: they are rare, and
 * workerd closes idle ones.
 */
import { request } from "node:http";

export interface ControlAnswer {
  readonly status: number;
  readonly text: string;
}

/** Rejects when the server cannot be reached, closes the connection, or `signal` fires. */
export function callControl(
  socketPath: string,
  method: string,
  path: string,
  options: { body?: string; signal?: AbortSignal } = {},
): Promise<ControlAnswer> {
  return new Promise((resolve, reject) => {
    const call = request({
      socketPath,
      method,
      path,
      agent: false,
      headers: { host: "control", connection: "close" },
      ...(options.signal ? { signal: options.signal } : {}),
    });
    call.on("error", reject);
    call.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }),
      );
    });
    call.end(options.body);
  });
}
