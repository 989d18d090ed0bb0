/** The admin API's doors in the test's own process, with a log that can be read. */
import type { TestContext } from "node:test";
import { pino } from "pino";
import { type AdminFeature, allow } from "../../scheduler/admin/app.ts";
import { SMALL_BODY } from "../../scheduler/admin/body.ts";
import { AdminDoors } from "../../scheduler/admin/doors.ts";
import { TokenStore } from "../../scheduler/admin/token-store.ts";
import { type RawAnswer, readAnswer } from "./answer.ts";
import { cleanUp, temporaryFolder } from "./folder.ts";
import { RawConnection, type RequestOptions } from "./http.ts";

export interface AdminLine {
  readonly msg: string;
  readonly call?: string;
  readonly by?: string;
  readonly address?: string;
}

export interface TestDoors {
  readonly doors: AdminDoors;
  readonly store: TokenStore;
  readonly dir: string;
  readonly port: number;
  readonly log: AdminLine[];
  /** Moves the clock by which tokens expire. */
  advance(ms: number): void;
  /** One request on a connection of its own; with the token, if one is given. */
  ask(request: RequestOptions | string, token?: string): Promise<RawAnswer>;
  connect(): Promise<RawConnection>;
}

/** Calls of each kind, beside those about tokens. */
const FEATURE: AdminFeature = (app) => {
  app.get("/look", allow("read"), (c) => c.json({ by: c.get("caller").name }));
  app.get("/hold", allow("read"), (c) => c.body(new ReadableStream({ pull: () => new Promise(() => {}) })));
  app.post("/functions/:name", allow("deploy"), async (c) => c.json({ bytes: (await c.req.text()).length }));
  app.post("/quick", allow("deploy", { ...SMALL_BODY, ms: 20 }), async (c) => c.text(await c.req.text()));
  app.post("/bug", allow("read"), () => {
    throw new TypeError("not foreseen");
  });
};

export async function openDoors(
  test: TestContext,
  adminHosts: readonly string[] = ["node.example"],
): Promise<TestDoors> {
  const { dir } = await temporaryFolder(test);
  const log: AdminLine[] = [];
  let aheadMs = 0;
  const store = new TokenStore(`${dir}/tokens.json`, () => Date.now() + aheadMs);
  const doors = new AdminDoors({
    log: pino({ base: null }, { write: (line) => void log.push(JSON.parse(line)) }),
    tokens: store,
    features: [FEATURE],
  });
  cleanUp(test, () => doors.destroy());
  (await doors.change({ adminListen: { host: "127.0.0.1", port: 0 }, adminHosts })).finish();
  const port = Number(new URL(doors.url!).port);
  const connect = async () => {
    const connection = await RawConnection.open(port);
    cleanUp(test, () => connection.destroy());
    return connection;
  };
  return {
    doors,
    store,
    dir,
    port,
    log,
    connect,
    advance: (ms) => {
      aheadMs += ms;
    },
    async ask(request, token) {
      const options = typeof request === "string" ? { path: request } : request;
      const headers = [...(options.headers ?? [])];
      if (token !== undefined) headers.push(["Authorization", `Bearer ${token}`]);
      const connection = await connect();
      await connection.send({ ...options, headers });
      const answer = await readAnswer(connection, options.method);
      connection.destroy();
      return answer;
    },
  };
}

/** A token of the store. */
export async function tokenFor(
  { store }: Pick<TestDoors, "store">,
  scope: "read" | "deploy" | "admin",
  more: { readonly functions?: string[]; readonly expires?: number } = {},
): Promise<string> {
  const { token } = await store.create({ name: `${scope}-${store.list().length}`, scope, ...more });
  return token;
}

/** What the log says of calls that were refused. */
export function refusalsIn({ log }: Pick<TestDoors, "log">): AdminLine[] {
  return log.filter(({ msg }) => msg.startsWith("the admin API refused a call: "));
}
