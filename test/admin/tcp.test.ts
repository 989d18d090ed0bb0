/** The TCP address of the admin API: how it opens, changes and closes, and what it does not wait for. */
import assert from "node:assert/strict";
import { request as httpsRequest } from "node:https";
import { type AddressInfo, createServer } from "node:net";
import { describe, it, type TestContext } from "node:test";
import type { TLSSocket } from "node:tls";
import { AdminTcp, type AdminTcpSettings } from "../../scheduler/admin/tcp.ts";
import { Certificates } from "../../scheduler/tls/certificates.ts";
import { openDoors, refusalsIn, tokenFor } from "../support/admin.ts";
import { readAnswer } from "../support/answer.ts";
import { makeCertificate, writeCertificate } from "../support/certificates.ts";
import { runDexter } from "../support/cli.ts";
import { RawConnection } from "../support/http.ts";
import { cleanUp, PROBE, startNode, temporaryFolder, until } from "../support/node.ts";

/** A door of its own, with other limits, that tells whom it dropped. */
async function openTcp(test: TestContext, settings: AdminTcpSettings) {
  const dropped: string[] = [];
  const tcp = await AdminTcp.open(
    { host: "127.0.0.1", port: 0 },
    {
      handle: (_, outgoing) => void outgoing.end("let in"),
      refused: () => {},
      dropped: (address, reason) => dropped.push(`${address}: ${reason}`),
    },
    settings,
  );
  cleanUp(test, () => tcp.destroy());
  const { port } = new URL(tcp.url);
  const connect = async () => {
    const connection = await RawConnection.open(Number(port));
    cleanUp(test, () => connection.destroy());
    return connection;
  };
  return { tcp, dropped, port: Number(port), connect };
}

describe("a connection", () => {
  it("on which a head does not come in time is answered with 408", async (test) => {
    const { dropped, connect } = await openTcp(test, { headersTimeoutMs: 50 });
    const connection = await connect();
    await connection.write("GET / HTTP/1.1\r\nHost: local");
    await until("it is dropped", () => dropped.length > 0);
    assert.equal((await connection.head()).status, 408);
    assert(await connection.ended());
    assert.deepEqual(dropped, ["127.0.0.1: the request did not come in time"]);
  });

  for (const [title, bytes, status, reason] of [
    [
      "headers too large",
      `GET / HTTP/1.1\r\nX: ${"x".repeat(20_000)}\r\n\r\n`,
      431,
      "its headers are too large",
    ],
    ["no HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "Parse Error"],
    [
      "two lengths",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      400,
      "Parse",
    ],
    [
      "a length and chunks",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      400,
      "Parse Error",
    ],
  ] as const)
    it(`with ${title} is answered with ${status} and ended`, async (test) => {
      const { dropped, connect } = await openTcp(test, {});
      const connection = await connect();
      await connection.write(bytes);
      assert.equal((await connection.head()).status, status);
      assert(await connection.ended());
      assert.equal(dropped.length, 1);
      assert(dropped[0]!.startsWith(`127.0.0.1: ${reason}`), dropped[0]);
    });

  it("without a Host is answered with 400 by HTTP/1.1 as by HTTP/1.0", async (test) => {
    const doors = await openDoors(test);
    for (const version of ["1.1", "1.0"]) {
      const connection = await doors.connect();
      await connection.write(`GET /look HTTP/${version}\r\n\r\n`);
      const { status, text } = await readAnswer(connection);
      assert.equal(status, 400);
      assert.match(text, /"CALL_INVALID"/);
    }
    assert.equal(refusalsIn(doors).length, 2);
  });

  it("more than there may be is not taken", async (test) => {
    const { dropped, connect } = await openTcp(test, { connections: 1 });
    const first = await connect();
    await first.send();
    assert.equal((await readAnswer(first)).text, "let in");
    const second = await connect();
    assert(await second.ended());
    assert.deepEqual(dropped, ["127.0.0.1: too many connections"]);
  });
});

async function holdPort(test: TestContext): Promise<number> {
  const holder = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => holder.once("listening", resolve));
  cleanUp(test, () => holder.close());
  return (holder.address() as AddressInfo).port;
}

describe("admin_listen", () => {
  const at = (host: string, port = 0) => ({ adminListen: { host, port }, adminHosts: [] });

  it("that changes opens another port and closes the first, after the calls in progress", async (test) => {
    const doors = await openDoors(test);
    const headers = [["Authorization", `Bearer ${await tokenFor(doors, "read")}`]] as const;
    const held = await doors.connect();
    await held.send({ path: "/hold", headers });
    await held.head();
    const change = await doors.doors.change(at("127.0.0.2"));
    assert.equal(doors.doors.url, `http://127.0.0.1:${doors.port}`);
    change.finish();
    const { hostname, port } = new URL(doors.doors.url!);
    assert.equal(hostname, "127.0.0.2");
    await assert.rejects(RawConnection.open(doors.port), /ECONNREFUSED/);
    assert(!held.socket.readableEnded);
    const connection = await RawConnection.open(Number(port), hostname);
    cleanUp(test, () => connection.destroy());
    await connection.send({ path: "/look", headers });
    assert.equal((await readAnswer(connection)).status, 200);
  });

  it("that stays keeps its connections", async (test) => {
    const doors = await openDoors(test);
    const connection = await doors.connect();
    await connection.send({ path: "/" });
    await readAnswer(connection);
    (await doors.doors.change(at("127.0.0.1"))).finish();
    assert.equal(doors.doors.url, `http://127.0.0.1:${doors.port}`);
    await connection.send({ path: "/" });
    assert.equal((await readAnswer(connection)).status, 404);
  });

  it("that names the port that the system chose keeps its connections", async (test) => {
    const doors = await openDoors(test);
    const connection = await doors.connect();
    await connection.send({ path: "/" });
    await readAnswer(connection);
    (await doors.doors.change(at("127.0.0.1", doors.port))).finish();
    assert.equal(doors.doors.url, `http://127.0.0.1:${doors.port}`);
    await connection.send({ path: "/" });
    assert.equal((await readAnswer(connection)).status, 404);
  });

  it("that is removed closes the port", async (test) => {
    const doors = await openDoors(test);
    (await doors.doors.change({ adminHosts: [] })).finish();
    assert.equal(doors.doors.url, undefined);
    await assert.rejects(RawConnection.open(doors.port), /ECONNREFUSED/);
  });

  it("that is in use is refused with advice, and the first stays", async (test) => {
    const doors = await openDoors(test);
    const port = await holdPort(test);
    await assert.rejects(doors.doors.change(at("127.0.0.1", port)), {
      code: "PORT_IN_USE",
      message: `127.0.0.1:${port} is in use by another program; choose another with --set admin_listen=<address>`,
    });
    assert.equal((await doors.ask("/")).status, 404);
  });

  it("that the node holds by another address is refused with advice", async (test) => {
    const { doors } = await openDoors(test);
    const port = await freePort();
    (await doors.change(at("127.0.0.1", port))).finish();
    await assert.rejects(doors.change(at("0.0.0.0", port)), {
      code: "LISTEN_FAILED",
      message:
        `cannot listen on 0.0.0.0:${port}: this dexter holds the port as 127.0.0.1:${port}; ` +
        "stop it and start it again to move",
    });
    assert.equal(doors.url, `http://127.0.0.1:${port}`);
  });

  it("that is given up closes what it opened", async (test) => {
    const { doors } = await openDoors(test);
    const port = await freePort();
    (await doors.change(at("127.0.0.1", port))).abandon();
    await assert.rejects(RawConnection.open(port), /ECONNREFUSED/);
  });

  it("that others can reach is warned of where there is no TLS", async (test) => {
    const doors = await openDoors(test);
    const warnings = () => doors.log.filter(({ msg }) => msg.includes("in clear text"));
    assert.equal(warnings().length, 0);
    (await doors.doors.change(at("localhost"))).finish();
    assert.equal(warnings().length, 0);
    (await doors.doors.change(at("0.0.0.0"))).finish();
    assert.equal(warnings().length, 1);
  });
});

/** A port that nobody uses now. */
async function freePort(): Promise<number> {
  const holder = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => holder.once("listening", resolve));
  const { port } = holder.address() as AddressInfo;
  await new Promise((resolve) => holder.close(resolve));
  return port;
}

describe("with certificates", () => {
  it("it speaks HTTPS, drops what does not, and takes up new ones", async (test) => {
    const { dir } = await temporaryFolder(test);
    const make = async (name: string) =>
      writeCertificate(dir, "admin", await makeCertificate(["localhost"], { name }));
    await make("first");
    const certificates = new Certificates(
      {
        certificates: [{ cert: `${dir}/admin.pem`, key: `${dir}/admin.key` }],
        redirect: false,
        minVersion: "TLSv1.2",
        http2: true,
      },
      { info: () => {}, warn: () => {}, error: () => {} },
    );
    const { tcp, dropped, port, connect } = await openTcp(test, { certificates });
    assert.equal(tcp.url, `https://127.0.0.1:${port}`);
    assert.equal(tcp.isExposed, false);
    assert.equal(await subjectOf(port), "first");
    await make("second");
    // A change is taken up when it is seen for the second time.
    certificates.check();
    certificates.check();
    assert.equal(await subjectOf(port), "second");
    const plain = await connect();
    await plain.send();
    assert(await plain.ended());
    await until("it is told", () => dropped.some((line) => line.startsWith("127.0.0.1: no TLS: ")));
  });

  it("a node asks for tokens over HTTPS, and commands find it there", async (test) => {
    const folder = await temporaryFolder(test);
    await writeCertificate(folder.dir, "admin", await makeCertificate(["localhost"]));
    const directives = { num_servers: 1, admin_listen: "https://localhost:0" };
    const args = ["--set", 'tls.certificates=[{"cert":"admin.pem","key":"admin.key"}]'];
    const node = await startNode(test, { functions: { a: PROBE }, directives, folder, args });
    const url = /the admin API is on (https:\/\/localhost:\d+)/.exec(node.dexter.output())![1]!;
    const env = { NODE_EXTRA_CA_CERTS: `${folder.dir}/admin.pem` };
    const run = (args: string[], more = {}) => runDexter(args, { dir: folder.dir, env: { ...env, ...more } });
    const refused = await run(["list", "--node", url]);
    assert.equal(refused.status, 2);
    assert.match(refused.stderr, /token/);
    const made = await run(["token", "create", "ci", "--scope", "read"]);
    const { status, stdout, stderr } = await run(["list", "--node", url], {
      DEXTER_TOKEN: made.stdout.trim(),
    });
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^a +/m);
  });
});

function subjectOf(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = httpsRequest({ host: "127.0.0.1", port, agent: false, rejectUnauthorized: false });
    call.on("error", reject);
    call.on("response", async (response) => {
      const { subject } = (response.socket as TLSSocket).getPeerCertificate();
      assert.equal((await response.toArray()).join(""), "let in");
      resolve(String(subject.CN));
    });
    call.end();
  });
}
