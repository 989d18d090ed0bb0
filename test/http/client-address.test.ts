import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { DexterError } from "../../scheduler/errors.ts";
import { createClientResolver, normaliseAddress } from "../../scheduler/http/client-address.ts";
import { assertProperty } from "../support/properties.ts";

function facts(given: { for?: string; proto?: string; host?: string } = {}) {
  return { host: "h.test", forwardedFor: given.for, forwardedProto: given.proto, forwardedHost: given.host };
}

describe("without trusted proxies", () => {
  const clientOf = createClientResolver([]);

  it("takes the client from the connection, whatever the request says", () => {
    const { headerLines, ...client } = clientOf(
      "1.2.3.4",
      facts({ for: "9.9.9.9", proto: "https", host: "evil" }),
    );
    assert.deepEqual(client, {
      ip: "1.2.3.4",
      proto: "http",
      host: "h.test",
      forwardedFor: "1.2.3.4",
      trusted: false,
    });
    assert.equal(
      headerLines,
      "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h.test\r\nCF-Connecting-IP: 1.2.3.4\r\n",
    );
  });

  it("shows an IPv4 peer of a dual-stack socket as IPv4", () => {
    assert.equal(clientOf("::ffff:10.1.2.3", facts()).ip, "10.1.2.3");
  });

  it("follows the host when a peer asks for another one", () => {
    assert.equal(clientOf("1.2.3.4", { ...facts(), host: "a" }).host, "a");
    assert.equal(clientOf("1.2.3.4", { ...facts(), host: "b" }).host, "b");
  });

  it("still answers when the socket is closed and has no address", () => {
    assert.equal(clientOf(undefined, facts()).ip, "0.0.0.0");
  });
});

describe("behind trusted proxies", () => {
  const clientOf = createClientResolver(["10.0.0.0/8", "192.168.1.1", "fd00::/8"]);

  it("takes the rightmost address that is not a proxy's, and appends the peer", () => {
    const client = clientOf(
      "10.0.0.1",
      facts({ for: "6.6.6.6, 1.2.3.4, 192.168.1.1", proto: "https", host: "shop" }),
    );
    assert.equal(client.ip, "1.2.3.4");
    assert.equal(client.proto, "https");
    assert.equal(client.host, "shop");
    assert.equal(client.forwardedFor, "6.6.6.6, 1.2.3.4, 192.168.1.1, 10.0.0.1");
    assert.equal(client.trusted, true);
    assert.match(client.headerLines, /^X-Forwarded-Proto: https\r$/m);
    assert.match(client.headerLines, /^x-dexter-proto: https\r$/m, "workerd makes the URL's scheme of it");
  });

  it("believes nothing of a peer that is not one", () => {
    const client = clientOf("11.0.0.1", facts({ for: "1.2.3.4", proto: "https", host: "shop" }));
    assert.deepEqual(
      [client.ip, client.proto, client.host, client.trusted],
      ["11.0.0.1", "http", "h.test", false],
    );
  });

  const chains: [chain: string | undefined, ip: string][] = [
    [undefined, "10.0.0.1"],
    ["", "10.0.0.1"],
    ["1.2.3.4", "1.2.3.4"],
    ["10.0.0.9, 10.0.0.8", "10.0.0.9"],
    ["1.2.3.4,unknown", "10.0.0.1"],
    ["unknown, 1.2.3.4", "1.2.3.4"],
    ["1.2.3.4:5678", "1.2.3.4"],
    ["[2001:DB8::1]:443", "2001:db8::1"],
    ["1.2.3.4, ::ffff:10.0.0.5", "1.2.3.4"],
    ["1.2.3.4, fd00::7", "1.2.3.4"],
    ["1.2.3.4, 1.2.3", "10.0.0.1"],
  ];
  for (const [chain, ip] of chains) {
    it(`takes ${ip} out of ${chain === undefined ? "no chain" : `"${chain}"`}`, () => {
      assert.equal(clientOf("10.0.0.1", facts({ ...(chain !== undefined && { for: chain }) })).ip, ip);
    });
  }

  it("takes protocol and host of the nearest proxy, and only good ones", () => {
    const pick = (proto: string, host: string) => {
      const client = clientOf("10.0.0.1", facts({ proto, host }));
      return [client.proto, client.host];
    };
    assert.deepEqual(pick("http, HTTPS", "evil, shop:8443"), ["https", "shop:8443"]);
    assert.deepEqual(pick("gopher", "a b"), ["http", "h.test"]);
  });

  it("trusts IPv4 peers of a dual-stack socket, and ranges given as mapped ones", () => {
    assert.equal(clientOf("::ffff:10.0.0.1", facts()).trusted, true);
    assert.equal(createClientResolver(["::ffff:10.0.0.0/104"])("10.9.9.9", facts()).trusted, true);
    assert.equal(createClientResolver(["::ffff:10.0.0.1"])("10.0.0.2", facts()).trusted, false);
    assert.equal(createClientResolver(["0.0.0.0/0"])("::1", facts()).trusted, false);
  });

  it("never makes a header line that a proxy's value could break", () => {
    const value = fc
      .string({ unit: fc.integer({ min: 32, max: 255 }).map((code) => String.fromCharCode(code)) })
      .filter((text) => !text.includes("\x7f"));
    assertProperty(
      fc.property(value, value, value, (chain, proto, host) => {
        const { headerLines } = clientOf("10.0.0.1", facts({ for: chain, proto, host }));
        assert.match(headerLines, /^(?:[\w-]+: [\t -~\x80-\xff]*\r\n){4}$/);
      }),
    );
  });
});

describe("trusted_proxies", () => {
  for (const entry of [
    "",
    "nonsense",
    "10.0.0.0/33",
    "10.0.0.0/",
    "10.0.0.0/x",
    "::1/129",
    "10.0.0",
    "::ffff:1.2.3.4/90",
  ]) {
    it(`refuses ${JSON.stringify(entry)}`, () => {
      assert.throws(
        () => createClientResolver([entry]),
        (error) =>
          error instanceof DexterError &&
          error.code === "CONFIG_INVALID" &&
          error.message.includes(`"${entry}"`),
      );
    });
  }
});

describe("normaliseAddress", () => {
  const table: [string | undefined, string | undefined][] = [
    [undefined, undefined],
    ["", undefined],
    ["1.2.3.4", "1.2.3.4"],
    ["::FFFF:1.2.3.4", "1.2.3.4"],
    ["::ffff:102:304", "1.2.3.4"],
    ["fe80::1%eth0", "fe80::1"],
    ["2001:DB8::A", "2001:db8::a"],
    ["[::1]:80", "::1"],
    ["[::1", undefined],
    ["1.2.3.4:x", undefined],
    ["example.com", undefined],
  ];
  for (const [text, address] of table) {
    it(`makes ${address} of ${text}`, () => assert.equal(normaliseAddress(text), address));
  }
});
