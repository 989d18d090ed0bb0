/**
 * The life of a process that serves. To stop gives up a start that is under way; later it stops the node and ends the
 * process. To stop at once hurries a graceful stop that is under way.
 */
import type { Logs } from "../logs/logs.ts";
import type { DexterNode } from "../node/node.ts";

/** Of a node, what its end takes. */
type Served = Pick<DexterNode, "stop" | "inspectorPort">;

type State =
  | { readonly stage: "starting"; readonly node?: undefined }
  | { readonly stage: "serving" | "stopping"; readonly node: Served };

export class Life {
  readonly #logs: Pick<Logs, "log" | "close">;
  readonly #exit: () => void;
  readonly #start = new AbortController();
  readonly #closers: (() => void)[] = [];
  #state: State = { stage: "starting" };

  constructor(logs: Pick<Logs, "log" | "close">, exit: () => void = () => process.exit(0)) {
    this.#logs = logs;
    this.#exit = exit;
  }

  /** Aborted when the start is to be given up. */
  get givenUp(): AbortSignal {
    return this.#start.signal;
  }

  /** What serves; undefined before. */
  get node(): Served | undefined {
    return this.#state.node;
  }

  /** The start is over. */
  serves(node: Served): void {
    this.#state = { stage: "serving", node };
  }

  /** Is closed before the node is stopped; at once when that has begun. */
  closeFirst(close: () => void): void {
    this.#closers.push(close);
    if (this.#state.stage === "stopping") close();
  }

  stop(graceful: boolean): void {
    const { stage, node } = this.#state;
    if (stage === "starting") return this.#start.abort();
    if (stage === "serving" && graceful) this.#logs.log.info("stopping after the requests in progress");
    this.#state = { stage: "stopping", node };
    void this.#end(node, graceful);
  }

  async #end(node: Served, graceful: boolean): Promise<void> {
    for (const close of this.#closers) close();
    await node.stop(graceful);
    await this.#logs.close();
    this.#exit();
  }
}
