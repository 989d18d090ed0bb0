/** Which certificate a client gets, and how a new one comes into use without a restart. */
import assert from "node:assert/strict";
import { rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { connect } from "node:tls";
import { createClientResolver } from "../../scheduler/http/client-address.ts";
import { Listener } from "../../scheduler/http/listener.ts";
import { Certificates } from "../../scheduler/tls/certificates.ts";
import type { CertificateFiles, TlsConfig } from "../../scheduler/types.ts";
import { type MadeCertificate, makeCertificate, writeCertificate } from "../support/certificates.ts";
import { cleanUp, temporaryFolder } from "../support/folder.ts";

/** A listener with certificates of these names, each for its hosts, and what it has logged. */
async function setUp(
  test: TestContext,
  sites: Readonly<Record<string, readonly string[]>>,
  over: Partial<TlsConfig> = {},
) {
  const { dir } = await temporaryFolder(test);
  const made: Record<string, MadeCertificate> = {};
  const files: CertificateFiles[] = [];
  for (const [name, hosts] of Object.entries(sites)) {
    made[name] = await makeCertificate(hosts);
    await writeCertificate(dir, name, made[name]);
    files.push({ cert: join(dir, `${name}.pem`), key: join(dir, `${name}.key`) });
  }
  const lines: string[] = [];
  const log = (message: string) => void lines.push(message.replaceAll(`${dir}/`, ""));
  const certificates = new Certificates(
    { certificates: files, redirect: false, minVersion: "TLSv1.2", http2: true, ...over },
    { info: log, warn: log, error: log },
  );
  const listener = await Listener.listen(
    { host: "127.0.0.1", port: 0, secure: true },
    {
      clientOf: createClientResolver([]),
      route: () => "f",
      dispatch: (request) => request.answer(200, "", "fine"),
      notFound: () => assert.fail("every request has its function"),
    },
    { backlog: 10, sendBufferSize: 0, mode: { certificates } },
  );
  cleanUp(test, () => listener.destroy());
  /** Which certificate a client gets that names this host. */
  const given = async (servername: string): Promise<string> => {
    const { fingerprint } = await handshake(listener.port, { servername });
    return Object.keys(made).find((name) => made[name]!.fingerprint === fingerprint) ?? "another";
  };
  const lookOnce = () => certificates.check();
  /** What has changed must have settled. */
  const lookAgain = () => {
    lookOnce();
    lookOnce();
  };
  return { dir, made, lines, listener, given, lookOnce, lookAgain };
}

interface Handshake {
  readonly servername?: string;
  readonly ALPNProtocols?: string[];
  readonly maxVersion?: "TLSv1.2" | "TLSv1.3";
}

/** One handshake. Rejects when the server refuses it. */
function handshake(port: number, options: Handshake) {
  return new Promise<{ fingerprint: string; alpn: string | false | null; version: string | null }>(
    (resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false, ...options }, () => {
        const { fingerprint256: fingerprint } = socket.getPeerCertificate();
        resolve({ fingerprint, alpn: socket.alpnProtocol, version: socket.getProtocol() });
        socket.destroy();
      });
      socket.on("error", reject);
    },
  );
}

describe("a client gets the certificate", () => {
  const SITES = {
    first: ["first.example"],
    exact: ["www.example.com", "EXAMPLE.org"],
    wild: ["*.example.com"],
    late: ["www.example.com", "late.example"],
  };

  const chosen = {
    "www.example.com": "exact",
    "WWW.Example.COM": "exact",
    "example.org": "exact",
    "shop.example.com": "wild",
    "late.example": "late",
    "example.com": "first",
    "a.b.example.com": "first",
    "elsewhere.example": "first",
  };

  it("of the very host, else of its wildcard, else the first", async (test) => {
    const { given } = await setUp(test, SITES);
    for (const [host, name] of Object.entries(chosen)) assert.equal(await given(host), name, host);
  });

  it("that is the first when it names no host", async (test) => {
    const { listener, made } = await setUp(test, SITES);
    assert.equal((await handshake(listener.port, {})).fingerprint, made.first!.fingerprint);
  });
});

describe("a handshake", () => {
  it("prefers HTTP/2, takes HTTP/1.1, and fails for anything else", async (test) => {
    const { listener } = await setUp(test, { site: ["localhost"] });
    const alpn = async (...ALPNProtocols: string[]) =>
      (await handshake(listener.port, ALPNProtocols.length > 0 ? { ALPNProtocols } : {})).alpn;
    assert.equal(await alpn("http/1.1", "h2"), "h2");
    assert.equal(await alpn("http/1.1"), "http/1.1");
    assert.equal(await alpn(), false);
    await assert.rejects(alpn("spdy/3"), /no.application.protocol/i);
  });

  it("offers HTTP/1.1 only where HTTP/2 is off", async (test) => {
    const { listener } = await setUp(test, { site: ["localhost"] }, { http2: false });
    assert.equal((await handshake(listener.port, { ALPNProtocols: ["h2", "http/1.1"] })).alpn, "http/1.1");
  });

  it("fails with a version of TLS older than min_version", async (test) => {
    const { listener } = await setUp(test, { site: ["localhost"] }, { minVersion: "TLSv1.3" });
    assert.equal((await handshake(listener.port, {})).version, "TLSv1.3");
    await assert.rejects(handshake(listener.port, { maxVersion: "TLSv1.2" }), /version/);
    await assert.rejects(
      handshake(listener.port, { maxVersion: "TLSv1.2", servername: "localhost" }),
      /version/,
    );
  });
});

describe("a certificate whose files change", () => {
  it("is taken up without a restart, for clients that name a host and those that do not", async (test) => {
    const { dir, made, lines, given, listener, lookAgain } = await setUp(test, { site: ["a.example"] });
    assert.equal(await given("a.example"), "site");
    made.next = await makeCertificate(["b.example"]);
    await writeCertificate(dir, "site", made.next);
    lookAgain();
    assert.equal(await given("b.example"), "next");
    assert.equal((await handshake(listener.port, {})).fingerprint, made.next.fingerprint);
    assert.match(
      lines.join("\n"),
      /^site\.pem: took up the new certificate for b\.example, valid until \d{4}-\d\d-\d\d$/,
    );
  });

  it("is not read before its files have stayed the same for a while", async (test) => {
    const { dir, made, lines, given, lookOnce } = await setUp(test, { site: ["a.example"] });
    made.next = await makeCertificate(["a.example"]);
    await writeFile(join(dir, "site.key"), made.next.key);
    lookOnce();
    await writeFile(join(dir, "site.pem"), made.next.cert);
    lookOnce();
    assert.equal(await given("a.example"), "site");
    assert.deepEqual(lines, []);
    lookOnce();
    assert.equal(await given("a.example"), "next");
  });

  it("is taken up when a link leads to other files", async (test) => {
    const { dir, made, given, lookAgain } = await setUp(test, { site: ["a.example"] });
    made.next = await makeCertificate(["a.example"]);
    await writeCertificate(dir, "next", made.next);
    for (const end of ["pem", "key"]) {
      await symlink(join(dir, `next.${end}`), join(dir, `link.${end}`));
      await rename(join(dir, `link.${end}`), join(dir, `site.${end}`));
    }
    lookAgain();
    assert.equal(await given("a.example"), "next");
  });

  const breaks: Record<string, readonly [error: RegExp, change: (dir: string) => Promise<unknown>]> = {
    "is gone": [/^site\.pem: cannot be read: it does not exist/, (dir) => rm(join(dir, "site.pem"))],
    "is half written": [
      /^site\.pem: holds no certificate/,
      (dir) => writeFile(join(dir, "site.pem"), "-----BEGIN CERT"),
    ],
    "has the key of another": [
      /^site\.key: is not the key of the certificate in site\.pem/,
      async (dir) => writeFile(join(dir, "site.key"), (await makeCertificate(["a.example"])).key),
    ],
  };

  for (const [how, [error, change]] of Object.entries(breaks)) {
    it(`stays in use, with one error, when its file ${how}, and is followed by the next that is good`, async (test) => {
      const { dir, made, lines, given, lookAgain } = await setUp(test, { site: ["a.example"] });
      await change(dir);
      for (let count = 0; count < 3; count++) lookAgain();
      assert.equal(await given("a.example"), "site");
      assert.equal(lines.length, 1);
      assert.match(lines[0]!, error);
      assert.match(lines[0]!, /\(the certificate that was there before stays in use\)$/);
      made.next = await makeCertificate(["a.example"]);
      await writeCertificate(dir, "site", made.next);
      lookAgain();
      assert.equal(await given("a.example"), "next");
    });
  }
});
