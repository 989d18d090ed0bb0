/** Listeners change while the node runs: what stays the same is not touched, and what cannot be is left as it was. */
import assert from "node:assert/strict";
import { request as requestTls } from "node:https";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { DexterError } from "../../scheduler/errors.ts";
import { createClientResolver } from "../../scheduler/http/client-address.ts";
import { Listeners } from "../../scheduler/http/listeners.ts";
import type { ListenAddress, NodeConfig, TlsConfig } from "../../scheduler/types.ts";
import { readAnswer } from "../support/answer.ts";
import { type MadeCertificate, makeCertificate, writeCertificate } from "../support/certificates.ts";
import { httpGet } from "../support/client.ts";
import { cleanUp, temporaryFolder } from "../support/folder.ts";
import { RawConnection } from "../support/http.ts";

/** Listeners, a way to change them, and certificates to change them with. */
async function setUp(test: TestContext, trustedProxies: readonly string[] = []) {
  const { dir } = await temporaryFolder(test);
  const made: Record<string, MadeCertificate> = {};
  for (const name of ["one", "two"]) {
    made[name] = await makeCertificate(["localhost"]);
    await writeCertificate(dir, name, made[name]);
  }
  const log = () => {};
  const listeners = new Listeners(
    {
      clientOf: createClientResolver(trustedProxies),
      route: () => "f",
      dispatch: (request, { client }) => request.answer(200, "", `${request.scheme} ${client.proto}`),
      notFound: () => assert.fail("every request has its function"),
    },
    { debug: log, info: log, warn: log, error: log },
  );
  cleanUp(test, () => listeners.destroy());
  const tls = (certificate: string, over: Partial<TlsConfig> = {}): TlsConfig => ({
    certificates: [{ cert: join(dir, `${certificate}.pem`), key: join(dir, `${certificate}.key`) }],
    redirect: false,
    minVersion: "TLSv1.2",
    http2: true,
    ...over,
  });
  const change = (listen: readonly ListenAddress[], settings = tls("one")) =>
    listeners.change({ listen, tls: settings, listenBacklog: 10, sendBufferSize: 0 } as NodeConfig);
  const apply = async (listen: readonly ListenAddress[], settings = tls("one")) => {
    (await change(listen, settings)).finish();
    return listeners.urls.map((url) => Number(new URL(url).port));
  };
  return { listeners, made, tls, change, apply };
}

/** An address whose port the system chooses; in a change, the one that it has chosen. */
const plain = (port = 0): ListenAddress => ({ host: "127.0.0.1", port });
const secure = (port = 0): ListenAddress => ({ host: "127.0.0.1", port, secure: true });

/** Text of an answer over TLS, and the certificate's fingerprint. */
function getSecurely(port: number): Promise<{ text: string; fingerprint: string }> {
  return new Promise((resolve, reject) => {
    const call = requestTls({ host: "127.0.0.1", port, agent: false, rejectUnauthorized: false });
    call.on("error", reject).end();
    call.on("response", (response) => {
      const { fingerprint256 } = (response.socket as import("node:tls").TLSSocket).getPeerCertificate();
      let text = "";
      response.on("data", (piece) => (text += String(piece)));
      response.on("end", () => resolve({ text, fingerprint: fingerprint256 }));
    });
  });
}

describe("a change of the listeners", () => {
  it("opens https beside http, and says so in the URLs", async (test) => {
    const { listeners, apply } = await setUp(test);
    const [http, https] = await apply([plain(), secure()]);
    assert.deepEqual(listeners.urls, [`http://127.0.0.1:${http}`, `https://127.0.0.1:${https}`]);
    assert.equal((await httpGet(http!, "/")).text, "http http");
    assert.equal((await getSecurely(https!)).text, "https https");
  });

  it("takes other certificates, and keeps every connection", async (test) => {
    const { made, tls, apply } = await setUp(test);
    const [http, https] = await apply([plain(), secure()]);
    const open = [await RawConnection.open(http!), await RawConnection.openSecure(https!)];
    for (const connection of open) cleanUp(test, () => connection.destroy());
    const ask = async (connection: RawConnection) => {
      await connection.send();
      return (await readAnswer(connection)).text;
    };
    assert.deepEqual([await ask(open[0]!), await ask(open[1]!)], ["http http", "https https"]);
    assert.equal((await getSecurely(https!)).fingerprint, made.one!.fingerprint);
    await apply([plain(), secure()], tls("two"));
    assert.equal((await getSecurely(https!)).fingerprint, made.two!.fingerprint);
    assert.deepEqual([await ask(open[0]!), await ask(open[1]!)], ["http http", "https https"]);
  });

  it("begins and ceases to encrypt at an address without giving it up", async (test) => {
    const { apply, listeners } = await setUp(test);
    const [port] = (await apply([plain()])) as [number];
    const before = await RawConnection.open(port);
    cleanUp(test, () => before.destroy());
    await before.send();
    assert.equal((await readAnswer(before)).text, "http http");
    await apply([secure(port)]);
    assert.deepEqual(listeners.urls, [`https://127.0.0.1:${port}`]);
    assert.equal((await getSecurely(port)).text, "https https");
    await assert.rejects(httpGet(port, "/"));
    await before.send();
    assert.equal((await readAnswer(before)).text, "http http", "a connection stays what it was");
    await apply([plain(port)]);
    assert.equal((await httpGet(port, "/")).text, "http http");
    await assert.rejects(getSecurely(port));
  });

  it("changes nothing when it is abandoned", async (test) => {
    const { tls, apply, change, listeners, made } = await setUp(test);
    const [port] = (await apply([secure()])) as [number];
    const before = listeners.urls;
    (await change([plain(port), plain()], tls("two"))).abandon();
    assert.deepEqual(listeners.urls, before);
    assert.equal((await getSecurely(port)).fingerprint, made.one!.fingerprint);
  });

  it("is refused, and changes nothing, when a certificate cannot be read", async (test) => {
    const { tls, apply, change, made } = await setUp(test);
    const [port] = await apply([secure()]);
    const error = await change([secure()], tls("three")).catch((reason: unknown) => reason);
    assert(error instanceof DexterError);
    assert.equal(error.code, "CERTIFICATE_UNREADABLE");
    assert.match(error.message, /three\.pem: cannot be read: it does not exist$/);
    assert.equal((await getSecurely(port!)).fingerprint, made.one!.fingerprint);
  });
});

describe("an address that the node itself is in the way of", () => {
  it("is refused with advice, also where the system chose the port", async (test) => {
    const { apply, change, listeners } = await setUp(test);
    const [port] = (await apply([plain()])) as [number];
    await assert.rejects(change([{ host: "0.0.0.0", port }]), {
      code: "LISTEN_FAILED",
      message:
        `cannot listen on 0.0.0.0:${port}: this dexter holds the port as 127.0.0.1:${port}; ` +
        "stop it and start it again to move",
    });
    assert.deepEqual(listeners.urls, [`http://127.0.0.1:${port}`]);
  });
});

describe("redirect", () => {
  const ask = async (
    test: TestContext,
    port: number,
    headers: readonly (readonly [string, string])[] = [],
  ) => {
    const connection = await RawConnection.open(port);
    cleanUp(test, () => connection.destroy());
    await connection.send({ method: "POST", path: "/a/b?c=d", host: "shop.example:81", headers, body: "x" });
    const { head, status, text } = await readAnswer(connection);
    return { status, text, location: head.headers.find(([name]) => name === "location")?.[1] };
  };

  it("sends what came unencrypted to https: the same host, path and query, the port of the first", async (test) => {
    const { tls, apply } = await setUp(test);
    const [http, https] = await apply([plain(), secure(), secure()], tls("one", { redirect: true }));
    const { status, location } = await ask(test, http!);
    assert.deepEqual([status, location], [308, `https://shop.example:${https}/a/b?c=d`]);
    assert.equal((await getSecurely(https!)).text, "https https");
  });

  it("begins and ends with a change, without closing anything", async (test) => {
    const { tls, apply } = await setUp(test);
    const listen = [plain(), secure()];
    const [http] = await apply(listen);
    assert.equal((await ask(test, http!)).status, 200);
    await apply(listen, tls("one", { redirect: true }));
    assert.equal((await ask(test, http!)).status, 308);
    await apply(listen);
    assert.equal((await ask(test, http!)).status, 200);
  });

  it("leaves what a trusted proxy got over https", async (test) => {
    const { tls, apply } = await setUp(test, ["127.0.0.1"]);
    const [http] = await apply([plain(), secure()], tls("one", { redirect: true }));
    assert.equal((await ask(test, http!, [["X-Forwarded-Proto", "http"]])).status, 308);
    const { status, text } = await ask(test, http!, [["X-Forwarded-Proto", "https"]]);
    assert.deepEqual([status, text], [200, "http https"]);
  });
});
