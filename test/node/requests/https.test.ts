/** A node with HTTPS and HTTP/2: what its functions see, new certificates, and its end. */
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import { promisify } from "node:util";
import { readAnswer } from "../../support/answer.ts";
import { type MadeCertificate, makeCertificate, writeCertificate } from "../../support/certificates.ts";
import { runDexter } from "../../support/cli.ts";
import { type Connection, RawConnection } from "../../support/http.ts";
import { Http2Client } from "../../support/http2.ts";
import { cleanUp, PROBE, startNode, type TestNode, temporaryFolder, until } from "../../support/node.ts";

const SEEN = `
export default {
  fetch(request) {
    const header = (name) => request.headers.get(name);
    return Response.json({
      url: request.url,
      protocol: request.cf.httpProtocol,
      proto: header("x-forwarded-proto"),
      host: header("x-forwarded-host"),
      client: header("cf-connecting-ip"),
    });
  },
};`;

const DIRECTIVES = { num_servers: 1, start_threads: 1, min_spare_threads: 1, max_spare_threads: 2 };

/** A node on an http and an https port, with a certificate in `site.pem`. */
async function start(
  test: TestContext,
): Promise<{ node: TestNode; securePort: number; made: MadeCertificate }> {
  const folder = await temporaryFolder(test);
  const made = await makeCertificate(["localhost", "*.localhost"]);
  await writeCertificate(folder.dir, "site", made);
  const set = [
    "listen=127.0.0.1:0,https://127.0.0.1:0",
    'tls.certificates={"cert":"site.pem","key":"site.key"}',
  ];
  const node = await startNode(test, {
    functions: { seen: SEEN, probe: PROBE },
    directives: DIRECTIVES,
    folder,
    args: set.flatMap((option) => ["--set", option]),
  });
  const securePort = Number(/ready on .*https:\/\/127\.0\.0\.1:(\d+)$/m.exec(node.dexter.output())?.[1]);
  return { node, securePort, made };
}

async function opened<T extends Connection>(test: TestContext, opening: Promise<T>): Promise<T> {
  const connection = await opening;
  cleanUp(test, () => connection.destroy());
  return connection;
}

async function ask(connection: Connection, path: string) {
  await connection.send({ path, host: "localhost:8443" });
  return readAnswer(connection);
}

/** The fingerprint of the certificate that a client gets. */
function fingerprintAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

describe("a node with https", () => {
  it("tells its functions so, over HTTP/1.1 and HTTP/2", async (test) => {
    const { node, securePort } = await start(test);
    const seen = {
      url: "https://localhost:8443/seen?q",
      proto: "https",
      host: "localhost:8443",
      client: "127.0.0.1",
    };
    const over1 = await opened(test, RawConnection.openSecure(securePort));
    assert.deepEqual(JSON.parse((await ask(over1, "/seen?q")).text), { ...seen, protocol: "HTTP/1.1" });
    const over2 = await opened(test, Http2Client.open(securePort));
    assert.deepEqual(JSON.parse((await ask(over2, "/seen?q")).text), { ...seen, protocol: "HTTP/2" });
    assert.equal((await node.json("/seen")).proto, "http");
  });

  it("shows its https address, and where a function answers", async (test) => {
    const { node, securePort } = await start(test);
    assert.match(
      node.dexter.output(),
      new RegExp(
        `^dexter is ready on http://127\\.0\\.0\\.1:\\d+, https://127\\.0\\.0\\.1:${securePort}$`,
        "m",
      ),
    );
  });

  it("takes up a new certificate while it runs, and keeps the old one while the new is broken", async (test) => {
    const { node, securePort, made } = await start(test);
    const { dir } = node.folder;
    await writeFile(join(dir, "site.pem"), "broken");
    await until("it is said", () => node.dexter.output().includes("holds no certificate in PEM form"));
    assert.equal(await fingerprintAt(securePort), made.fingerprint);
    const reload = await runDexter(["reload"], { dir });
    assert.equal(reload.status, 1);
    assert.match(reload.stderr, /site\.pem: holds no certificate in PEM form/);
    assert.equal(await fingerprintAt(securePort), made.fingerprint);
    const next = await makeCertificate(["localhost"]);
    await writeCertificate(dir, "site", next);
    await until("it is in use", async () => (await fingerprintAt(securePort)) === next.fingerprint);
    assert.equal(node.log().filter(({ msg }) => msg.includes("stays in use")).length, 1);
  });

  it("answers what is in progress over HTTP/2 before it stops", async (test) => {
    const { node, securePort } = await start(test);
    const client = await opened(test, Http2Client.open(securePort));
    await client.send({ path: "/probe?ms=1000" });
    await until("it is in a thread", async () => (await node.status()).totals.busy === 1);
    const stopped = node.dexter.stop("SIGTERM");
    const { status, cut } = await readAnswer(client);
    assert.deepEqual([status, cut], [200, false]);
    assert.equal(await stopped, 0);
  });
});

/** Few enough for a slow machine; what counts is that none fails. */
const REQUESTS = 2_000;
const hasH2load = spawnSync("h2load", ["--version"]).status === 0;

describe("under h2load", { skip: hasH2load ? false : "h2load is not installed" }, () => {
  it(`a node answers ${REQUESTS} requests of 8 connections with 16 streams each, and none fails`, async (test) => {
    const { securePort } = await start(test);
    const { stdout } = await promisify(execFile)("h2load", [
      ...["-n", String(REQUESTS), "-c", "8", "-m", "16", `https://127.0.0.1:${securePort}/seen`],
    ]);
    assert.match(stdout, /^Application protocol: h2$/m);
    assert.match(stdout, new RegExp(`${REQUESTS} succeeded, 0 failed, 0 errored, 0 timeout`));
    assert.match(stdout, new RegExp(`^status codes: ${REQUESTS} 2xx, 0 3xx, 0 4xx, 0 5xx$`, "m"));
  });
});
