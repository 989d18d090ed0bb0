/** Says aloud, to those who listen to the page, what matters; not every number that changes. */
import { byId } from "./dom.ts";
import { plural } from "./format.ts";
import type { Shown } from "./memory.ts";

/** Errors come in crowds, and a queue comes and goes. */
const EVERY_MS = 15_000;

export class Announcer {
  #before: Shown | undefined;
  #unsaidErrors = 0;
  #saidErrorsMs = Number.NEGATIVE_INFINITY;
  #queues = false;
  #saidQueueMs = Number.NEGATIVE_INFINITY;

  say(text: string): void {
    byId("announcer").textContent = text;
  }

  compare(shown: Shown): void {
    const before = this.#before;
    this.#before = shown;
    if (before === undefined || shown.now.whole) return;
    const news = [
      this.#ofErrors(shown),
      ofServers(before, shown),
      this.#ofQueue(shown),
      ofDeploys(before, shown),
    ];
    const text = news.filter((one) => one !== undefined).join(" ");
    if (text !== "") this.say(text);
  }

  #ofErrors({ now }: Shown): string | undefined {
    this.#unsaidErrors += now.failures.length;
    if (this.#unsaidErrors === 0 || performance.now() - this.#saidErrorsMs < EVERY_MS) return undefined;
    const text = `${plural(this.#unsaidErrors, "new error")}, the latest in ${now.failures[0]?.function ?? "a function"}.`;
    this.#unsaidErrors = 0;
    this.#saidErrorsMs = performance.now();
    return text;
  }

  #ofQueue({ now }: Shown): string | undefined {
    const queues = now.status.totals.queued > 0;
    if (queues === this.#queues || performance.now() - this.#saidQueueMs < EVERY_MS) return undefined;
    this.#queues = queues;
    this.#saidQueueMs = performance.now();
    return queues ? "Requests wait for a thread." : "No request waits.";
  }
}

function ofServers(before: Shown, { now }: Shown): string | undefined {
  const running = ({ status }: Shown["now"]) =>
    status.servers.filter(({ state }) => state === "running").length;
  const [was, is] = [running(before.now), running(now)];
  return was === is ? undefined : `${plural(is, "server")} running.`;
}

function ofDeploys(before: Shown, { now }: Shown): string | undefined {
  const [latest] = now.deploys ?? [];
  if (latest === undefined || latest.at === before.deploys[0]?.at) return undefined;
  return `Version ${latest.version} of ${latest.function} is live.`;
}
