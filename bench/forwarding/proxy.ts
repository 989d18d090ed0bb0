/** The proxy, a process of its own: `proxy.ts '{"way":"agent","sockets":[…]}'`. Says its port when it is ready. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { ThreadClient } from "../../scheduler/dispatch/thread-client.ts";
import { createClientResolver } from "../../scheduler/http/client-address.ts";
import { Listener } from "../../scheduler/http/listener.ts";
import { nodeClients } from "./node-clients.ts";
import { NodeExchange } from "./node-exchange.ts";
import { OwnExchange } from "./own-exchange.ts";
import { Places } from "./places.ts";
import { type Way, ways } from "./ways.ts";

const HOST = "127.0.0.1";
const BACKLOG = 511;

async function serveByNode({ client, depth }: Way, sockets: readonly string[]): Promise<number> {
  const forward = sockets.map(nodeClients[client]);
  const places = new Places<NodeExchange>(sockets.length, depth, (exchange, thread) => {
    exchange.thread = thread;
    forward[thread]!(exchange);
  });
  const over = ({ thread }: NodeExchange) => places.release(thread);
  const server = createServer((request, response) => places.place(new NodeExchange(request, response, over)));
  await new Promise<void>((resolve) => server.listen({ host: HOST, port: 0, backlog: BACKLOG }, resolve));
  return (server.address() as AddressInfo).port;
}

async function serveByListener({ depth }: Way, sockets: readonly string[]): Promise<number> {
  const clients = sockets.map((path) => new ThreadClient(path));
  const places = new Places<OwnExchange>(sockets.length, depth, (exchange, thread) => {
    exchange.thread = thread;
    exchange.start(clients[thread]!);
  });
  const over = ({ thread }: OwnExchange) => places.release(thread);
  const listener = await Listener.listen(
    { host: HOST, port: 0 },
    {
      clientOf: createClientResolver([]),
      route: () => "hello",
      dispatch: (request, context) => places.place(new OwnExchange(request, context, over)),
      notFound: (request) => request.answer(404, "", ""),
    },
    { backlog: BACKLOG, sendBufferSize: 0 },
  );
  return listener.port;
}

const { way: name, sockets } = JSON.parse(process.argv[2]!) as { way: string; sockets: string[] };
const way = ways.find((one) => one.name === name)!;
const serve = way.server === "own" ? serveByListener : serveByNode;
process.stdout.write(`ready ${await serve(way, sockets)}\n`);
