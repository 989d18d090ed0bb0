/** Why a node could not be asked, as far as that can be told from the connection or from what answered. */
import type { IncomingMessage } from "node:http";
import { connect } from "node:tls";
import { DexterError } from "../errors.ts";
import type { NodeAddress } from "./node-address.ts";

/** How long a server may take for the handshake that shows whether it speaks TLS. */
const HANDSHAKE_MS = 2_000;

/** The error for a connection that failed. Asks a server that hung up whether it speaks TLS. */
export async function connectError(address: NodeAddress, cause: NodeJS.ErrnoException): Promise<DexterError> {
  if (!("url" in address)) {
    const { socketPath: path, isDefault } = address;
    if (cause.code === "EACCES") return new DexterError("NOT_ALLOWED", { path }, { cause });
    const elsewhere = isDefault ? ", or name a node with --node" : "";
    return new DexterError("NOT_RUNNING", { path, elsewhere }, { cause });
  }
  const { url } = address;
  const node = url.origin;
  if (url.protocol === "https:" && /^EPROTO$|^ERR_SSL_/.test(cause.code ?? ""))
    return new DexterError("NO_TLS", { node }, { cause });
  if (
    url.protocol === "http:" &&
    /^ECONNRESET$|^EPIPE$|^HPE_/.test(cause.code ?? "") &&
    (await speaksTls(url))
  )
    return new DexterError("TLS_NEEDED", { node }, { cause });
  return new DexterError("UNREACHABLE", { node, reason: cause.message || String(cause.code) }, { cause });
}

/** Whoever it is: nothing is sent to it. */
function speaksTls({ hostname, port }: URL): Promise<boolean> {
  return new Promise((resolve) => {
    const host = hostname.replace(/^\[|\]$/g, "");
    const socket = connect({ host, port: Number(port || 80), rejectUnauthorized: false });
    const done = (speaks: boolean) => {
      socket.destroy();
      resolve(speaks);
    };
    socket.setTimeout(HANDSHAKE_MS, () => done(false));
    socket.on("error", () => done(false)).on("close", () => done(false));
    socket.on("secureConnect", () => done(true));
  });
}

/**
 * Whether something else than the admin API answered, such as a function: the calls of the commands are answered in JSON.
 * A failure may be that of a proxy before the API.
 */
export function isOtherServer({ statusCode: status = 0, headers }: IncomingMessage): boolean {
  const isJson = /json\b/.test(headers["content-type"] ?? "");
  return !isJson && (status < 400 || status === 404 || status === 405);
}
