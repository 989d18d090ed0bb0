/** `--node`: an address that is none, a token that is none, and servers that are no admin API. */
import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { describe, it, type TestContext } from "node:test";
import { makeCertificate } from "../support/certificates.ts";
import { runDexter } from "../support/cli.ts";
import { makeFolder } from "../support/function.ts";
import { cleanUp } from "../support/node.ts";

/** @returns its port */
function listening(test: TestContext, server: Server): Promise<number> {
  cleanUp(test, () => new Promise<void>((resolve) => server.close(() => resolve())));
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)),
  );
}

function call(node: string, ...args: string[]): ReturnType<typeof runDexter> {
  const words = args.length > 0 ? args : ["list"];
  return runDexter([...words, "--node", node], { dir: tmpdir(), env: { DEXTER_TOKEN: "token" } });
}

const answer: RequestListener = (_, response) => response.end("not found\n");

describe("a command for another node says what is there instead", () => {
  it("of a server without TLS", async (test) => {
    const node = `https://127.0.0.1:${await listening(test, createServer(answer))}`;
    const { status, stderr } = await call(node);
    assert.deepEqual([status, stderr], [1, `dexter: ${node} does not speak TLS; use http://\n`]);
  });

  it("of a server with TLS", async (test) => {
    const given = await makeCertificate(["localhost"]);
    const node = `http://127.0.0.1:${await listening(test, createTlsServer(given, answer))}`;
    const { status, stderr } = await call(node);
    assert.deepEqual([status, stderr], [1, `dexter: ${node} speaks TLS; use https://\n`]);
  });

  it("of a server that hangs up", async (test) => {
    const server = createTcpServer((socket) => socket.once("data", () => socket.destroy()));
    const { status, stderr } = await call(`http://127.0.0.1:${await listening(test, server)}`);
    assert.equal(status, 1);
    assert.match(stderr, /^dexter: no dexter answers at http:\S+: .*; check --node/);
  });

  for (const [title, status, type, args] of [
    ["a text that nothing is there", 404, "text/plain", ["list"]],
    ["a page", 200, "text/html", ["status"]],
    ["a page elsewhere", 302, "text/html", ["tail"]],
    ["that the method is wrong", 405, "text/plain", ["token", "revoke", "x"]],
  ] as const)
    it(`of a server of functions that answers ${title}`, async (test) => {
      const server = createServer((_, response) =>
        response.writeHead(status, { "content-type": type }).end("x"),
      );
      const node = `http://127.0.0.1:${await listening(test, server)}`;
      const result = await call(node, ...args);
      assert.equal(result.status, 1);
      assert.equal(
        result.stderr,
        `dexter: no admin API answers at ${node}; use the address of admin_listen\n`,
      );
    });

  it("of a proxy before a node that does not answer", async (test) => {
    const server = createServer((_, response) => response.writeHead(502).end("Bad Gateway"));
    const { stderr } = await call(`http://127.0.0.1:${await listening(test, server)}`);
    assert.equal(stderr, "dexter: the running dexter failed: status 502: Bad Gateway\n");
  });
});

describe("an address without a scheme", () => {
  for (const [node, meant] of [
    ["127.0.0.1:8788", "http://127.0.0.1:8788"],
    ["localhost:8788", "http://localhost:8788"],
    ["[::1]:8788", "http://[::1]:8788"],
    ["edge.example.com:8788", "https://edge.example.com:8788"],
  ] as const)
    it(`is refused with the one that is meant: ${node}`, async () => {
      const { status, stderr } = await call(node);
      const rule = `must be https://host:port, or the path of a socket (got "${node}")`;
      assert.deepEqual([status, stderr], [2, `dexter: --node ${rule}; did you mean ${meant}?\n`]);
    });
});

describe("a command for another node, without a token that can be one,", () => {
  const NODE = "http://127.0.0.1:1";
  const NEEDED = `--node ${NODE} needs a token:`;
  const MAKES_ONE = "`dexter token create` on the node makes one\n";
  const PUT_IT = `${NEEDED} put it into DEXTER_TOKEN or a file for --token-file; ${MAKES_ONE}`;
  const NONE = "it has spaces, or characters that are not ASCII\n";
  const cases: readonly [title: string, token: string, args: readonly string[], says: string][] = [
    ["none at all", "", [], PUT_IT],
    ["spaces only", " \n", [], PUT_IT],
    ["an empty file", "x", ["--token-file", "empty"], `${NEEDED} empty is empty; ${MAKES_ONE}`],
    ["a placeholder", "dexter_…", [], `what DEXTER_TOKEN holds is no token: ${NONE}`],
    ["two lines", "", ["--token-file", "two"], `what two holds is no token: ${NONE}`],
  ];
  for (const [title, token, args, says] of cases)
    it(`is refused before the node is asked: ${title}`, async (test) => {
      const folder = await makeFolder({ empty: "", two: "one\ntwo\n" });
      cleanUp(test, () => folder.remove());
      const given = { dir: folder.dir, env: { DEXTER_TOKEN: token } };
      const { status, stdout, stderr } = await runDexter(["list", "--node", NODE, ...args], given);
      assert.deepEqual([status, stdout, stderr], [2, "", `dexter: ${says}`]);
    });
});
