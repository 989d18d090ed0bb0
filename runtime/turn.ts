/**
 * One request at a time. The scheduler may send requests ahead of their turn, so that a busy isolate finds work without
 * a round trip: they wait here until the handler before them is done. One that waits for too long is returned, and
 * its handler is not called.
 *
 * A handler is done when its response is there. But a response may have a body that goes on running the function's
 * code; when that ends, only the scheduler knows. So nothing begins behind such a response: what waits is returned, and
 * the next request that was not sent ahead is known to be alone.
 */
import { AHEAD_KEY, AHEAD_MS, RETURNED_HEADER } from "./protocol.ts";

type Answer = Response | Promise<Response>;

/** Marks responses by a private field, which nobody else can see. */
class Streaming extends (function marked(response: Response) {
  return response;
} as unknown as new (
  response: Response,
) => object) {
  readonly #mark = true;

  static has(response: Response): boolean {
    return #mark in response;
  }
}

/** Responses that may go on running the function's code: made of a stream, or of a socket. */
function watchBodies(): void {
  const Plain = Response;
  const { transform } = HTMLRewriter.prototype;
  const { clone } = Plain.prototype;
  const Watched = new Proxy(Plain, {
    construct(target, args, newTarget) {
      const response = Reflect.construct(target, args, newTarget) as Response;
      const [body, init] = args as [unknown, ResponseInit?];
      if (body instanceof ReadableStream || init?.webSocket) new Streaming(response);
      return response;
    },
  });
  const define = (target: object, name: string, value: unknown) =>
    Object.defineProperty(target, name, { ...Object.getOwnPropertyDescriptor(target, name), value });
  define(Plain.prototype, "constructor", Watched);
  define(HTMLRewriter.prototype, "transform", function (this: HTMLRewriter, response: Response) {
    const transformed = transform.call(this, response);
    new Streaming(transformed);
    return transformed;
  });
  define(Plain.prototype, "clone", function (this: Response) {
    const copy = clone.call(this);
    if (Streaming.has(this)) new Streaming(copy);
    return copy;
  });
  // It stands on the prototype: a property of its own would be one that functions see.
  let holder: object = globalThis;
  while (!Object.hasOwn(holder, "Response")) holder = Object.getPrototypeOf(holder) as object;
  define(holder, "Response", Watched);
}

watchBodies();

/** The request whose turn it is. */
let current: object | undefined;
const waiting: (() => void)[] = [];
/**
 * How many requests have come that were not sent ahead. What was sent ahead may be read before the one that it was sent
 * behind, which comes over another socket: then it waits for that.
 */
let leaders = 0;

type Cf = Readonly<Record<string, unknown>>;
type CfGetter = (this: Request) => Cf | undefined;

/** Functions do not see the mark, nor in copies of the request. @returns the getter that does */
function hideMark(): CfGetter {
  const field = Object.getOwnPropertyDescriptor(Request.prototype, "cf");
  const read = field?.get as CfGetter | undefined;
  // Before compatibility date 2022-01-31 each request has a field of its own.
  if (read === undefined)
    return function cf() {
      return this.cf as Cf | undefined;
    };
  const cleaned = new WeakMap<Cf, Cf>();
  const get: CfGetter = function cf() {
    const given = read.call(this);
    if (given === undefined || !(AHEAD_KEY in given)) return given;
    const known = cleaned.get(given);
    if (known) return known;
    const { [AHEAD_KEY]: _, ...rest } = given;
    cleaned.set(given, Object.freeze(rest));
    return rest;
  };
  Object.defineProperty(Request.prototype, "cf", { ...field, get });
  return read;
}

const cfOf = hideMark();

/** Calls `run` when it is the request's turn. `run` never throws or rejects. */
export function inTurn(request: Request, run: () => Answer): Answer {
  const leader = cfOf.call(request)?.[AHEAD_KEY] as number | undefined;
  if (leader === undefined) leaders++;
  else if (current !== undefined || leaders < leader) return afterOthers(run, leader);
  return begin(run);
}

function begin(run: () => Answer): Answer {
  const turn = {};
  current = turn;
  const answer = run();
  if (answer instanceof Response) return ended(turn, answer);
  return answer.then((response) => ended(turn, response));
}

function ended(turn: object, response: Response): Response {
  if (current !== turn || Streaming.has(response)) return response;
  current = undefined;
  waiting.shift()?.();
  return response;
}

/** The timer is the request's own: without anything of its own to wait for, workerd would end it. */
async function afterOthers(run: () => Answer, leader: number): Promise<Response> {
  const isTurn = await new Promise<boolean>((resolve) => {
    const begins = () => {
      clearTimeout(timer);
      current = begins;
      resolve(true);
    };
    waiting.push(begins);
    const timer = setTimeout(() => {
      const place = waiting.indexOf(begins);
      if (place < 0) return;
      waiting.splice(place, 1);
      // One that has not come by now has been given up.
      leaders = Math.max(leaders, leader);
      resolve(false);
    }, AHEAD_MS);
  });
  if (isTurn) return begin(run);
  return new Response(null, { status: 503, headers: { [RETURNED_HEADER]: "1" } });
}
