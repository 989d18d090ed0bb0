/** The calls that the status page makes: who is asking, what there was of late, and the node as it is, live. */
import { setTimeout as sleep } from "node:timers/promises";
import type { CallerAnswer, HistoryAnswer, LiveEnd, LiveState } from "../../page/wire.ts";
import type { Deployments } from "../deploy/deployments.ts";
import type { RecentFailures } from "../history/failures.ts";
import { EVERY_MS, type History, type Sees } from "../history/history.ts";
import type { NodeStatus } from "../status/status.ts";
import type { Audience } from "../system/audience.ts";
import { type AdminFeature, allow } from "./app.ts";
import { type Caller, permits } from "./caller.ts";
import { seenBy } from "./control.ts";
import { recentDeploys } from "./recent-deploys.ts";

interface LiveSources {
  readonly history: History;
  readonly failures: RecentFailures;
  readonly deployments: Deployments;
  status(): NodeStatus;
  slotsPerServer(): number;
  readonly audience: Audience;
}

const TICK_MS = 1_000;
/** Then the caller asks again: a token that has expired meanwhile is not shown anything more. */
const LONGEST_MS = 300_000;
const HEADERS = { "content-type": "application/x-ndjson; charset=utf-8", "cache-control": "no-store" };
const END = `${JSON.stringify({ end: true } satisfies LiveEnd)}\n`;
/** Cursors of another process mean nothing here. */
const ORIGIN = `${process.pid}-${Date.now().toString(36)}`;

export const live =
  (sources: LiveSources): AdminFeature =>
  (app) => {
    app.get("/caller", allow("read"), (c) => {
      const { name, scope, functions } = c.get("caller");
      return c.json({ name, scope, ...(functions && { functions }) } satisfies CallerAnswer);
    });
    app.get("/history", allow("read"), async (c) =>
      c.json(await historyFor(sources, c.get("caller"), c.req.query("function"))),
    );
    app.get("/live", allow("read"), async (c) => {
      const viewer = new Viewer(sources, c.get("caller"), c.req.query("after"));
      if (c.req.query("once") !== undefined) return c.body(await viewer.line(), 200, HEADERS);
      const gone = new AbortController();
      const left = new Promise<void>((resolve) => c.env.outgoing.once("close", resolve));
      void left.then(() => gone.abort());
      sources.audience.join(left);
      return c.body(streamOf(viewer, gone.signal, sources.audience.ending), 200, HEADERS);
    });
  };

async function historyFor(
  { history, failures, deployments }: LiveSources,
  caller: Caller,
  name: string | undefined,
): Promise<HistoryAnswer> {
  const allowed = seesOf(caller);
  const sees: Sees = name === undefined ? allowed : (one) => one === name && (!allowed || allowed(one));
  return {
    everySeconds: EVERY_MS / 1_000,
    samples: history.samples(0, sees),
    failures: failures.list(0, sees),
    deploys: await recentDeploys(deployments, sees),
  };
}

function seesOf(caller: Caller): Sees {
  return caller.functions ? (name) => permits(caller, "read", name) : undefined;
}

/** What one who looks has been told so far. */
class Viewer {
  readonly #sources: LiveSources;
  readonly #caller: Caller;
  #samples = 0;
  #failures = 0;
  #deploys = -1;
  #whole = true;

  constructor(sources: LiveSources, caller: Caller, after: string | undefined) {
    this.#sources = sources;
    this.#caller = caller;
    const [origin, ...places] = (after ?? "").split(".");
    const [samples = 0, failures = 0, deploys = -1] = places.map(Number);
    if (origin !== ORIGIN || places.length !== 3 || !places.every((place) => /^-?\d{1,15}$/.test(place)))
      return;
    this.#samples = samples;
    this.#failures = failures;
    this.#deploys = deploys;
    this.#whole = false;
  }

  /** The node as it is now, and what else is new. */
  async line(): Promise<string> {
    const { history, failures, deployments, status, slotsPerServer } = this.#sources;
    const sees = seesOf(this.#caller);
    const { revision } = deployments;
    const deploys = revision === this.#deploys ? undefined : await recentDeploys(deployments, sees);
    const cursor = [ORIGIN, history.seq, failures.seq, revision].join(".");
    const state: LiveState = {
      cursor,
      whole: this.#whole,
      time: new Date().toISOString(),
      status: seenBy(this.#caller, status()),
      slotsPerServer: slotsPerServer(),
      figures: history.figures(sees),
      samples: history.samples(this.#samples, sees),
      failures: failures.list(this.#failures, sees),
      ...(deploys && { deploys }),
    };
    this.#samples = history.seq;
    this.#failures = failures.seq;
    this.#deploys = revision;
    this.#whole = false;
    return `${JSON.stringify(state)}\n`;
  }
}

/** A line a second, as long as the caller takes them. */
function streamOf(viewer: Viewer, gone: AbortSignal, ending: AbortSignal): ReadableStream<Uint8Array> {
  const endsMs = performance.now() + LONGEST_MS;
  const over = AbortSignal.any([gone, ending]);
  let isFirst = true;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (!isFirst) await sleep(TICK_MS, undefined, { signal: over }).catch(() => {});
        isFirst = false;
        if (gone.aborted) return;
        if (ending.aborted) controller.enqueue(Buffer.from(END));
        if (ending.aborted || performance.now() > endsMs) return controller.close();
        controller.enqueue(Buffer.from(await viewer.line()));
      },
    },
    { highWaterMark: 0 },
  );
}
