/** One node for all tests of a file, with a witness that its functions can reach, and raw connections to it. */
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { callControl } from "../../scheduler/server/control.ts";
import type { NodeStatus } from "../../scheduler/status/status.ts";
import { adminSocket } from "../../scheduler/system/paths.ts";
import { startWitness, type Witness, type WitnessSlot } from "../fidelity/witness.ts";
import { type RawAnswer, readAnswer } from "./answer.ts";
import { type RunningDexter, startDexter } from "./dexter.ts";
import { type Folder, makeFolder } from "./function.ts";
import { RawConnection, type RequestOptions } from "./http.ts";
import { until } from "./until.ts";

export interface SharedOptions {
  /** Name → module source (JavaScript). */
  readonly functions: Readonly<Record<string, string>>;
  /** The `[dexter]` table. */
  readonly directives?: Readonly<Record<string, unknown>>;
  readonly command?: "start" | "dev";
}

/** What the sources of functions in these tests begin with: the way to the witness. */
export const TO_WITNESS = `
const gate = (request, name) => fetch(request.headers.get("x-witness") + "/gate/" + name);
const note = (request, name, body) =>
  fetch(request.headers.get("x-witness") + "/note/" + name, { method: "POST", body });
`;

/** Usable from the tests only, not while the file is read. */
export class SharedNode {
  dexter!: RunningDexter;
  #witness!: Witness;
  #folder!: Folder;
  #connections: RawConnection[] = [];

  async start({ functions, directives = {}, command = "start" }: SharedOptions): Promise<void> {
    this.#witness = await startWitness();
    const table = { allow_network: ["127.0.0.1/32"], num_servers: 1, ...directives };
    const lines = Object.entries(table).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
    this.#folder = await makeFolder({
      "wrangler.toml": [
        'compatibility_date = "2026-11-01"',
        'compatibility_flags = ["enable_request_signal"]',
        "[dexter]",
        ...lines,
        "",
      ].join("\n"),
      ...Object.fromEntries(Object.entries(functions).map(([name, code]) => [`functions/${name}.js`, code])),
    });
    this.dexter = await startDexter({ dir: this.#folder.dir, command });
  }

  async stop(): Promise<void> {
    for (const connection of this.#connections) connection.destroy();
    await this.dexter?.stop("SIGINT");
    await this.#witness?.close();
    await this.#folder?.remove();
  }

  /** A corner of the witness; its `url` goes into the request as `x-witness`. */
  witness(): WitnessSlot {
    return this.#witness.slot();
  }

  async connect(): Promise<RawConnection> {
    const connection = await RawConnection.open(this.dexter.port);
    this.#connections.push(connection);
    return connection;
  }

  /** One request, on a connection of its own unless one is given. */
  async ask(request: RequestOptions | string, given?: RawConnection): Promise<RawAnswer> {
    const options = typeof request === "string" ? { path: request } : request;
    const connection = given ?? (await this.connect());
    await connection.send(options);
    const answer = await readAnswer(connection, options.method);
    if (!given) connection.destroy();
    return answer;
  }

  /** The same, for functions that answer with JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever field they are about
  async json(request: RequestOptions | string, given?: RawConnection): Promise<any> {
    const { status, text } = await this.ask(request, given);
    assert.equal(status, 200, text);
    return JSON.parse(text);
  }

  async status(): Promise<NodeStatus> {
    const socket = adminSocket(`${this.#folder.dir}/.dexter`);
    return JSON.parse((await callControl(socket, "GET", "/status")).text) as NodeStatus;
  }

  /** Waits until no thread serves a request and none waits for one. */
  async idle(): Promise<void> {
    await until("every thread is idle", async () => {
      const { totals } = await this.status();
      return totals.busy === 0 && totals.queued === 0;
    });
  }
}

/** A node that lives as long as the tests of the file. */
export function sharedNode(options: SharedOptions): SharedNode {
  const node = new SharedNode();
  before(() => node.start(options));
  after(() => node.stop());
  return node;
}
