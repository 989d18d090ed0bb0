/** A node with a status page, and what makes something happen on it. */
import type { Page } from "playwright-core";
import type { Scope } from "../../scheduler/admin/caller.ts";
import { callNode } from "../../scheduler/cli/node-client.ts";
import { deployPackage, says, socketOf } from "./deploy.ts";
import { type RunningDexter, startDexter } from "./dexter.ts";
import { type Folder, makeFolder } from "./function.ts";
import { until, writeProject } from "./node.ts";

/** As a function throws it whom somebody sends markup. */
export const MARKUP = "<img src=x onerror=\"document.title='owned'\"></pre><script>alert(1)</script>";

const FUNCTIONS = {
  answer: "export default { fetch: () => new Response('hello') };",
  hold: "export default { async fetch(request) { await request.text(); return new Response('done'); } };",
  throws: `function inner() { throw new Error(${JSON.stringify(MARKUP)}); }
export default { fetch() { inner(); } };`,
};
const DIRECTIVES = {
  /** A request has its thread before its body. */
  request_buffer: 0,
  num_servers: 1,
  start_threads: 1,
  min_spare_threads: 1,
  max_spare_threads: 2,
  max_threads_per_child: 8,
  keep_versions: 2,
  admin_listen: "127.0.0.1:0",
};

export interface WatchedNode {
  readonly folder: Folder;
  readonly dexter: RunningDexter;
  /** Of the status page, with a slash at the end. */
  readonly url: string;
  /** A new token. */
  token(scope: Scope, functions?: readonly string[]): Promise<string>;
  revoke(token: string): Promise<void>;
  /** Makes a version of `shop` live that answers this; resolves with its id. */
  deploy(text: string): Promise<string>;
  /** A request that keeps a thread of `hold` busy until it is told to finish. */
  hold(path: string): { finish(): Promise<string> };
  /** Ends the process. */
  end(): Promise<unknown>;
  /** Starts it again, with the page where it was. */
  startAgain(): Promise<void>;
  stop(): Promise<void>;
}

export async function watchedNode(directives: Readonly<Record<string, unknown>> = {}): Promise<WatchedNode> {
  const folder = await makeFolder();
  await writeProject({ functions: FUNCTIONS, directives: { ...DIRECTIVES, ...directives } }, folder);
  let dexter = await startDexter({ dir: folder.dir });
  const call = <T>(method: string, path: string, body?: object) =>
    callNode<T>(socketOf({ folder }), method, path, body ? { body: JSON.stringify(body) } : {});
  const address = () => /the admin API is on (http:\/\/[\d.:]+)/.exec(dexter.output())?.[1];
  let made = 0;
  const url = `${await until("the admin API is open", address)}/`;
  return {
    folder,
    get dexter() {
      return dexter;
    },
    url,
    token: async (scope, functions) => {
      const body = { name: `${scope}-${++made}`, scope, ...(functions && { functions }) };
      return (await call<{ token: string }>("POST", "/tokens", body)).token;
    },
    revoke: (token) => call("DELETE", `/tokens/${token.split("_")[1]}`),
    deploy: async (text) => (await deployPackage({ folder }, says("shop", text))).version,
    hold: (path) => hold(dexter, path),
    end: () => dexter.stop("SIGTERM"),
    startAgain: async () => {
      dexter = await startDexter({ dir: folder.dir, args: ["--set", `admin_listen=${new URL(url).host}`] });
    },
    stop: async () => {
      await dexter.stop("SIGINT");
      await folder.remove();
    },
  };
}

function hold({ url }: RunningDexter, path: string): { finish(): Promise<string> } {
  let finish = () => {};
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode("some"));
      finish = () => controller.close();
    },
  });
  const options: RequestInit & { duplex: "half" } = { method: "POST", body, duplex: "half" };
  const answer = fetch(`${url}/hold${path}`, options).then((response) => response.text());
  return {
    finish: () => {
      finish();
      return answer;
    },
  };
}

/** Enters the token as an operator does. */
export async function enter(page: Page, { url }: Pick<WatchedNode, "url">, token: string): Promise<void> {
  await page.goto(url);
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Show the node" }).click();
  await page.getByRole("heading", { name: "Servers" }).waitFor();
  await page.getByText("live", { exact: true }).first().waitFor();
}
