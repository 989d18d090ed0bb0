/**
 * A loopback server that handlers under test talk to: it takes down what they note after a response is
 * over, holds them at gates so that no test has to sleep, and serves as the origin of their `fetch()`.
 * A slot keeps one run of one case apart from every other.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { WebSocketServer } from "ws";
import { OUTBOUND_HEADER_DIFFERENCES } from "./differences.ts";

/** One case's own corner of the witness. */
export interface WitnessSlot {
  /** Where handlers find it; they get it in the `x-witness` header. */
  readonly url: string;
  /** Resolves with the text that a handler noted under this name. */
  noted(name: string): Promise<string>;
  /** Resolves once a handler stands at the gate. */
  reached(gate: string): Promise<void>;
  /** Lets the handler at the gate go on, now or when it comes. */
  open(gate: string): void;
}

export interface Witness {
  readonly port: number;
  slot(): WitnessSlot;
  close(): Promise<void>;
}

/** Settles once, from either side first. */
class Latch<T> {
  settle!: (value: T) => void;
  readonly settled = new Promise<T>((resolve) => {
    this.settle = resolve;
  });
}

export async function startWitness(host = "127.0.0.1"): Promise<Witness> {
  const latches = new Map<string, Latch<string>>();
  const latch = (name: string): Latch<string> => {
    const found = latches.get(name) ?? new Latch<string>();
    latches.set(name, found);
    return found;
  };
  const server = createServer((request, response) => {
    answer(latch, request, response).catch((error) => response.destroy(error));
  });
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => {
    socket.on("message", (data, binary) => socket.send(binary ? data : `origin:${data}`));
  });
  server.listen(0, host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  let slots = 0;
  return {
    port,
    slot() {
      const id = `s${slots++}`;
      return {
        url: `http://${host}:${port}/${id}`,
        noted: (name) => latch(`${id}/note/${name}`).settled,
        reached: async (gate) => void (await latch(`${id}/reached/${gate}`).settled),
        open: (gate) => latch(`${id}/open/${gate}`).settle(""),
      };
    },
    async close() {
      sockets.close();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function answer(
  latch: (name: string) => Latch<string>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [, slot, kind, name = ""] = (request.url ?? "").split("/");
  if (kind === "note") {
    latch(`${slot}/note/${name}`).settle((await bytesOf(request)).toString());
    response.end("noted");
  } else if (kind === "gate") {
    latch(`${slot}/reached/${name}`).settle("");
    await latch(`${slot}/open/${name}`).settled;
    response.end("open");
  } else {
    await originAnswer(name, request, response);
  }
}

/** The origin's pages: `/<slot>/origin/<page>`. */
async function originAnswer(page: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.sendDate = false;
  if (page === "echo") {
    const body = await bytesOf(request);
    const { host: _, ...headers } = request.headers;
    for (const { name } of OUTBOUND_HEADER_DIFFERENCES) delete headers[name];
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ method: request.method, headers, body: body.toString() }));
  } else if (page === "gzip") {
    response.setHeader("content-encoding", "gzip");
    response.end(gzipSync("compressed at the origin"));
  } else if (page === "redirect") {
    response.writeHead(302, "Elsewhere", { location: "echo" });
    response.end();
  } else if (page === "redirect-kept") {
    await bytesOf(request);
    response.writeHead(307, "Again", { location: "echo" });
    response.end();
  } else if (page === "cookies") {
    response.setHeader("set-cookie", ["a=1; Path=/", "b=2; HttpOnly"]);
    response.writeHead(418, "Short And Stout");
    response.end("teapot");
  } else if (page === "large") {
    response.end(Buffer.alloc(3 << 20, "0123456789abcdef"));
  } else if (page === "digest") {
    response.end(
      createHash("sha256")
        .update(await bytesOf(request))
        .digest("hex"),
    );
  } else if (page === "cut") {
    response.write("a beginning", () => response.destroy());
  } else {
    response.writeHead(404);
    response.end("no such page");
  }
}

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}
