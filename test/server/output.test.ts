/** What workerd writes to its control descriptor: what cannot be read ends neither the scheduler nor the start. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { describe, it, type TestContext } from "node:test";
import { parseControlLine } from "../../scheduler/server/output.ts";
import { ServerProcess } from "../../scheduler/server/process.ts";
import { controlSocket } from "../../scheduler/server/workerd-config.ts";
import { temporaryFolder } from "../support/node.ts";
import { serverOptions } from "../support/server-options.ts";

const LISTENS = '{"event":"listen","socket":"slot-0","port":-1}';
const BAD = ["", "no JSON", "{", "null", "7", "[]", '{"event":1}'];

/** A process in the place of workerd, which writes these lines to its control descriptor and lives on. */
async function serverThatSays(test: TestContext, said: readonly string[]) {
  const { dir } = await temporaryFolder(test);
  const control = createServer((_, response) => response.end()).listen(controlSocket(dir));
  test.after(() => control.close());
  await once(control, "listening");
  const heard: [line: string, stream: string][] = [];
  const options = serverOptions(dir, { onLine: (line, stream) => void heard.push([line, stream]) });
  const server = new ServerProcess(options, () =>
    spawn("/bin/sh", ["-c", 'printf "%s\\n" "$@" >&3; read _ <&4', "sh", ...said], {
      stdio: ["ignore", "pipe", "pipe", "pipe", "pipe"],
    }),
  );
  test.after(async () => {
    server.kill();
    await server.exited;
  });
  return { server, heard };
}

describe("a control line", () => {
  it("says that a socket listens, or the inspector, and at which port", () => {
    assert.deepEqual(parseControlLine(LISTENS), { event: "listen", port: -1 });
    assert.equal(parseControlLine('{"event":"listen-inspector","port":9229}')?.port, 9229);
    assert.equal(parseControlLine('{"event":"listen-inspector","port":"9229"}')?.port, undefined);
  });

  it("that cannot be read is passed on, and the server becomes ready all the same", async (test) => {
    const { server, heard } = await serverThatSays(test, [...BAD, LISTENS, ...BAD, LISTENS]);
    await server.ready;
    assert.equal(server.stage, "running");
    assert.deepEqual(
      heard,
      [...BAD, ...BAD].map((line) => [line, "control"]),
    );
  });
});
