/** The status page: from the token to the connection to what is shown. */
import { Announcer } from "./announcer.ts";
import { Chart } from "./chart.ts";
import { Connection, type ConnectionState } from "./connection.ts";
import { DeployTable } from "./deploys.ts";
import { byId, setAttribute, setText } from "./dom.ts";
import { showFailures } from "./failures.ts";
import { rate } from "./format.ts";
import { FunctionTable } from "./functions.ts";
import { TokenGate } from "./gate.ts";
import { Grid } from "./grid.ts";
import { Memory, type Shown } from "./memory.ts";
import { NodeCalls, Refused } from "./node-calls.ts";
import { showTotals } from "./totals.ts";
import type { CallerAnswer } from "./wire.ts";

const STATES: Readonly<Record<ConnectionState | "off" | "paused", string>> = {
  off: "not connected",
  live: "live",
  polling: "live, every 2 s",
  paused: "paused",
  lost: "connection lost, trying again",
  ended: "the node has stopped; trying again",
};
/** A node that starts may not answer at once. */
const AGAIN_MS = 2_000;

class StatusPage {
  readonly #gate = new TokenGate((token) => void this.#enter(token));
  readonly #announcer = new Announcer();
  readonly #grid = new Grid();
  readonly #functions = new FunctionTable();
  readonly #chart = new Chart();
  readonly #deploys = new DeployTable();
  readonly #pause = byId<HTMLButtonElement>("pause");
  #connection: Connection | undefined;
  #state: keyof typeof STATES = "off";
  #last: Shown | undefined;
  #seesAll = true;

  begin(): void {
    setText(byId("node"), location.host);
    this.#pause.addEventListener("click", () => this.#togglePause());
    byId("leave").addEventListener("click", () => this.#leave());
    const { kept } = this.#gate;
    if (kept === undefined) this.#gate.open();
    else void this.#enter(kept);
  }

  async #enter(token: string): Promise<void> {
    const calls = new NodeCalls(token);
    try {
      this.#connect(await calls.caller(), calls);
      this.#gate.keep(token);
    } catch (error) {
      if (error instanceof Refused && error.isOfToken) return this.#gate.open(error.message);
      this.#gate.say(`The node does not answer (${(error as Error).message}); trying again.`);
      setTimeout(() => void this.#enter(token), AGAIN_MS);
    }
  }

  #connect(caller: CallerAnswer, calls: NodeCalls): void {
    const memory = new Memory();
    this.#seesAll = caller.functions === undefined;
    this.#deploys.setCaller(caller, calls);
    this.#connection?.close();
    this.#connection = new Connection(calls, {
      state: (state) => this.#take(memory.take(state)),
      changed: (state) => this.#change(state),
      refused: (reason) => this.#leave(reason),
    });
    void this.#connection.run();
    byId("board").hidden = false;
    byId("buttons").hidden = false;
  }

  #take(shown: Shown): void {
    this.#last = shown;
    if (this.#isPaused) return;
    this.#show(shown);
    this.#announcer.compare(shown);
  }

  #show(shown: Shown): void {
    showTotals(shown);
    this.#grid.show(shown, this.#seesAll);
    this.#chart.show(shown);
    this.#functions.show(shown);
    showFailures(shown);
    this.#deploys.show(shown);
    document.title = `${rate(shown.now.figures.node.perSecond)} req/s · dexter ${location.host}`;
  }

  #change(state: keyof typeof STATES): void {
    const before = this.#state;
    this.#state = state;
    this.#showState();
    const isBad = state === "lost" || state === "ended";
    setAttribute(byId("board"), "data-stale", isBad ? "yes" : undefined);
    if (isBad) document.title = `(!) ${STATES[state]} · dexter ${location.host}`;
    if (isBad && before !== state) this.#announcer.say(STATES[state]);
    if (!isBad && (before === "lost" || before === "ended")) this.#announcer.say("connected again");
  }

  #showState(): void {
    const shown = this.#isPaused && this.#state === "live" ? "paused" : this.#state;
    setText(byId("connection"), STATES[shown]);
    setAttribute(byId("connection"), "data-state", shown);
  }

  get #isPaused(): boolean {
    return this.#pause.getAttribute("aria-pressed") === "true";
  }

  #togglePause(): void {
    this.#pause.setAttribute("aria-pressed", String(!this.#isPaused));
    this.#showState();
    if (!this.#isPaused && this.#last) this.#show(this.#last);
  }

  #leave(reason?: string): void {
    this.#connection?.close();
    this.#change("off");
    document.title = "dexter";
    byId("board").hidden = true;
    byId("buttons").hidden = true;
    this.#gate.open(reason);
  }
}

new StatusPage().begin();
