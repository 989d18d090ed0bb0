/**
 * Calls to a running node: the local one over its admin socket, or another one over HTTP with a token, which is
 * taken from the environment or a file, so that it stands in no list of processes.
 */
import { existsSync, readFileSync } from "node:fs";
import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { DexterError } from "../errors.ts";
import { fileReason } from "../system/file-reason.ts";
import type { NodeAddress } from "./node-address.ts";
import { adminSocketOf, type CommonOptions } from "./project.ts";
import { connectError, isOtherServer } from "./unreachable.ts";

export interface ClientOptions extends CommonOptions {
  /** `https://host:port` of another node, or the path of an admin socket. */
  readonly node?: string;
  readonly tokenFile?: string;
}

interface CallOptions {
  readonly body?: Buffer | string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** A refusal is returned like any other response. */
  readonly takeAll?: boolean;
}

/** Which node is meant. Throws USAGE, TOKEN_NEEDED, TOKEN_UNREADABLE, CONFIG_UNREADABLE, or what is wrong with the project. */
export async function nodeAddress(options: ClientOptions): Promise<NodeAddress> {
  const { node } = options;
  if (node === undefined) return { socketPath: await adminSocketOf(options), isDefault: true };
  const lacksScheme = isHostAndPort(node) && !existsSync(node);
  if (!lacksScheme && !/^https?:/.test(node)) return { socketPath: node };
  if (lacksScheme || !URL.canParse(node))
    throw new DexterError("USAGE", {
      option: "--node",
      rule: `must be https://host:port, or the path of a socket (got "${node}")${lacksScheme ? meant(node) : ""}`,
    });
  return { url: new URL(node), token: tokenOf(options) };
}

function isHostAndPort(node: string): boolean {
  return /^(?:[\w.-]+|\[[\da-f:.]+\]):\d{1,5}$/i.test(node);
}

/** Without TLS a node serves its admin API on the machine itself only, unless it is told to. */
function meant(node: string): string {
  const scheme = /^(?:127\.|localhost:|\[::1\])/i.test(node) ? "http" : "https";
  return `; did you mean ${scheme}://${node}?`;
}

/** Throws TOKEN_NEEDED where there is none: all that the commands ask for needs one. */
function tokenOf({ node, tokenFile }: ClientOptions): string {
  const token = tokenFile === undefined ? process.env.DEXTER_TOKEN?.trim() : readToken(tokenFile);
  if (!token) {
    const where =
      tokenFile === undefined
        ? "put it into DEXTER_TOKEN or a file for --token-file"
        : `${tokenFile} is empty`;
    throw new DexterError("TOKEN_NEEDED", { node: node!, where });
  }
  // Nothing else can stand in a header.
  if (!/^[!-~]+$/.test(token))
    throw new DexterError("TOKEN_UNREADABLE", { where: tokenFile ?? "DEXTER_TOKEN" });
  return token;
}

function readToken(tokenFile: string): string {
  try {
    return readFileSync(tokenFile, "utf8").trim();
  } catch (cause) {
    throw new DexterError("CONFIG_UNREADABLE", { path: tokenFile, reason: fileReason(cause) }, { cause });
  }
}

/**
 * The response as it comes. Throws NOT_RUNNING, NOT_ALLOWED, UNREACHABLE, NO_TLS, TLS_NEEDED, NO_ADMIN_API, or REFUSED
 * or NODE_FAILED with what the node says.
 */
export async function openCall(
  address: NodeAddress,
  method: string,
  path: string,
  { body, headers = {}, signal, takeAll = false }: CallOptions = {},
): Promise<IncomingMessage> {
  const options = {
    method,
    agent: false as const,
    headers: {
      ...headers,
      ...("url" in address ? { authorization: `Bearer ${address.token}` } : {}),
      ...(body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) }),
    },
    ...(signal ? { signal } : {}),
  };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const call =
      "url" in address
        ? (address.url.protocol === "https:" ? requestHttps : requestHttp)(
            new URL(path, address.url),
            options,
          )
        : requestHttp({
            ...options,
            socketPath: address.socketPath,
            path,
            headers: { host: "admin", ...options.headers },
          });
    call.on("error", async (cause) => reject(await connectError(address, cause)));
    call.on("response", resolve);
    call.end(body);
  });
  const { statusCode: status = 0 } = response;
  if ("url" in address && !takeAll && isOtherServer(response)) {
    response.destroy();
    throw new DexterError("NO_ADMIN_API", { node: address.url.origin });
  }
  if (takeAll || status < 400) return response;
  // A node that is busy or stops has not failed.
  const isFailure = status >= 500 && status !== 503;
  throw new DexterError(isFailure ? "NODE_FAILED" : "REFUSED", { reason: await refusalOf(response) });
}

/** The JSON that the node answers. Throws as `openCall`. */
export async function callNode<T>(
  address: NodeAddress,
  method: string,
  path: string,
  options: CallOptions = {},
): Promise<T> {
  const response = await openCall(address, method, path, options);
  return JSON.parse(await textOf(response)) as T;
}

export async function textOf(response: IncomingMessage): Promise<string> {
  let text = "";
  response.setEncoding("utf8");
  for await (const piece of response) text += piece;
  return text;
}

async function refusalOf(response: IncomingMessage): Promise<string> {
  const text = await textOf(response);
  try {
    return (JSON.parse(text) as { error: string }).error;
  } catch {
    return `status ${response.statusCode}${text === "" ? "" : `: ${text.slice(0, 200)}`}`;
  }
}
