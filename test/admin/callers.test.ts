/** Whom the admin API lets in over TCP, for what, and how often. */
import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { describe, it } from "node:test";
import { Gate } from "../../scheduler/admin/gate.ts";
import type { TokenCaller } from "../../scheduler/admin/token-store.ts";
import { DexterError } from "../../scheduler/errors.ts";
import { openDoors, refusalsIn, tokenFor } from "../support/admin.ts";
import { readAnswer, valuesOf } from "../support/answer.ts";
import { until } from "../support/until.ts";

describe("a token", () => {
  it("lets its owner do what its scope says, and what lesser scopes may", async (test) => {
    const doors = await openDoors(test);
    const calls = [
      { path: "/look" },
      { method: "POST", path: "/functions/a", body: "four" },
      { path: "/tokens" },
    ];
    for (const [scope, expected] of [
      ["read", [200, 403, 403]],
      ["deploy", [200, 200, 403]],
      ["admin", [200, 200, 200]],
    ] as const) {
      const token = await tokenFor(doors, scope);
      const answers = await Promise.all(calls.map((call) => doors.ask(call, token)));
      assert.deepEqual(
        answers.map(({ status }) => status),
        expected,
        scope,
      );
    }
  });

  it("for some functions lets its owner at these", async (test) => {
    const doors = await openDoors(test);
    const token = await tokenFor(doors, "deploy", { functions: ["a", "b"] });
    for (const name of ["a", "b"]) {
      const answer = await doors.ask({ method: "POST", path: `/functions/${name}`, body: "four" }, token);
      assert.equal(answer.text, '{"bytes":4}');
    }
  });

  it("is made by a call, works at once, and is told by no other call", async (test) => {
    const doors = await openDoors(test);
    const admin = await tokenFor(doors, "admin");
    const asked = { name: "ci", scope: "deploy", functions: ["a", "a"], expires: "30d" };
    const body = JSON.stringify(asked);
    const made = await doors.ask({ method: "POST", path: "/tokens", body }, admin);
    assert.equal(made.status, 201);
    assert.deepEqual(valuesOf(made.head, "cache-control"), ["no-store"]);
    const { token, id, createdAt, expiresAt, ...rest } = JSON.parse(made.text);
    assert.deepEqual(rest, { name: "ci", scope: "deploy", functions: ["a"], expired: false });
    assert.equal(Date.parse(expiresAt) - Date.parse(createdAt), 30 * 86_400_000);
    assert.equal((await doors.ask({ path: "/look" }, token)).text, '{"by":"ci"}');
    const listed = await doors.ask({ path: "/tokens" }, admin);
    const { lastUsedAt, ...listing } = JSON.parse(listed.text).tokens.find(
      (one: { id: string }) => one.id === id,
    );
    assert.deepEqual(listing, { ...rest, id, createdAt, expiresAt });
    assert(Date.parse(lastUsedAt) >= Date.parse(createdAt));
    assert(!listed.text.includes("digest") && !listed.text.includes(token));
    assert(!JSON.stringify(doors.log).includes(token));
    assert(doors.log.some(({ msg, by }) => msg === `the token ci (${id}) was created` && by === "admin-0"));
  });

  it("that is taken back ends what is done with it, and works no more", async (test) => {
    const doors = await openDoors(test);
    const admin = await tokenFor(doors, "admin");
    const [token, other] = [await tokenFor(doors, "read"), await tokenFor(doors, "read")];
    const held = [token, other].map(async (one) => {
      const connection = await doors.connect();
      await connection.send({ path: "/hold", headers: [["Authorization", `Bearer ${one}`]] });
      assert.equal((await connection.head()).status, 200);
      return connection;
    });
    const [connection, othersConnection] = await Promise.all(held);
    const [{ name } = { name: "" }] = doors.store.list().filter((one) => token.includes(one.id));
    const answer = await doors.ask({ method: "DELETE", path: `/tokens/${name}` }, admin);
    assert.equal(JSON.parse(answer.text).name, name);
    await until(
      "the connection has ended",
      () => connection!.socket.destroyed || connection!.socket.readableEnded,
    );
    assert.equal((await doors.ask({ path: "/look" }, token)).status, 401);
    assert.equal((await doors.ask({ path: "/look" }, other)).status, 200);
    assert(!othersConnection!.socket.readableEnded, "what is done with other tokens goes on");
  });

  it("that expires ends what is done with it, and only then", async (test) => {
    test.mock.timers.enable({ apis: ["setTimeout"] });
    const month = 30 * 86_400_000;
    const lasting = (tokenId: string, expiresInMs?: number): TokenCaller => ({
      tokenId,
      name: tokenId,
      scope: "read",
      ...(expiresInMs && { expiresInMs }),
    });
    const tokens = new Map(
      [lasting("minute", 60_000), lasting("month", month), lasting("ever")].map((one) => [one.tokenId, one]),
    );
    const gate = new Gate({ tokens: { verify: (token) => tokens.get(token)! }, hosts: () => [] });
    const show = (token: string, socket = new Socket()) => {
      const headers = { host: "localhost", authorization: `Bearer ${token}` };
      gate.identify({ method: "GET", url: "/tail", headers, socket } as unknown as IncomingMessage);
      return socket;
    };
    const sockets = {
      minute: show("minute"),
      month: show("month"),
      ever: show("ever"),
      another: show("minute"),
    };
    show("ever", sockets.another);
    const ended = () => Object.entries(sockets).flatMap(([name, { destroyed }]) => (destroyed ? [name] : []));
    test.mock.timers.tick(59_999);
    assert.deepEqual(ended(), []);
    test.mock.timers.tick(1);
    assert.deepEqual(ended(), ["minute"]);
    for (let day = 0; day < 30; day++) test.mock.timers.tick(86_400_000);
    assert.deepEqual(ended(), ["minute", "month"]);
  });

  it("may take itself back", async (test) => {
    const doors = await openDoors(test);
    const admin = await tokenFor(doors, "admin");
    const connection = await doors.connect();
    const headers = [["Authorization", `Bearer ${admin}`]] as const;
    await connection.send({ method: "DELETE", path: `/tokens/${doors.store.list()[0]!.id}`, headers });
    assert.equal((await readAnswer(connection, "DELETE")).status, 200);
    await connection.send({ path: "/look", headers });
    assert.equal((await readAnswer(connection)).status, 401);
  });
});

describe("a call", () => {
  it("may name the node by an address, localhost, and the names in admin_hosts", async (test) => {
    const doors = await openDoors(test);
    const token = await tokenFor(doors, "read");
    for (const host of [
      "127.0.0.1",
      `127.0.0.1:${doors.port}`,
      "192.0.2.7:443",
      "[::1]:9000",
      "localhost",
      "LocalHost:1",
      "node.example",
      "NODE.example:8443",
    ])
      assert.equal((await doors.ask({ path: "/look", host }, token)).status, 200, host);
  });

  it("may come from a page of the node itself, and from what is no page", async (test) => {
    const doors = await openDoors(test);
    const token = await tokenFor(doors, "deploy");
    for (const [origin, host] of [
      [`http://127.0.0.1:${doors.port}`, `127.0.0.1:${doors.port}`],
      // A proxy that speaks TLS is in front.
      ["https://node.example", "node.example"],
      ["https://node.example", "node.example:443"],
      ["http://[::1]:9000", "[::1]:9000"],
      [undefined, "localhost"],
    ] as const) {
      const headers = origin === undefined ? [] : ([["Origin", origin]] as const);
      const call = { method: "POST", path: "/functions/a", host, headers, body: "x" };
      assert.equal((await doors.ask(call, token)).status, 200, origin);
    }
  });

  it("needs no token for the page and the probes, which may use any name, and gets nothing else", async (test) => {
    const doors = await openDoors(test);
    // Nothing is there yet, which the API says instead of asking for a token.
    for (const [path, host] of [
      ["/", "localhost"],
      ["/page.js", "localhost"],
      ["/page.css", "localhost"],
      ["/healthz", "pod.internal"],
      ["/readyz?verbose", "pod.internal"],
    ] as const)
      assert.equal((await doors.ask({ path, host })).status, 404, path);
    for (const path of ["/look", "//", "/healthz/", "/./healthz", "/healthz/../look", "/%6cook"])
      assert.equal((await doors.ask({ path })).status, 401, path);
    assert.equal((await doors.ask({ method: "POST", path: "/healthz" })).status, 401);
  });

  it("may send a body of a mebibyte, in chunks too", async (test) => {
    const doors = await openDoors(test);
    const token = await tokenFor(doors, "deploy");
    const body = "x".repeat(2 ** 20);
    const path = "/functions/a";
    assert.equal((await doors.ask({ method: "POST", path, body }, token)).text, '{"bytes":1048576}');
    const connection = await doors.connect();
    const headers = [
      ["Authorization", `Bearer ${token}`],
      ["Transfer-Encoding", "chunked"],
    ] as const;
    await connection.send({ method: "POST", path, headers });
    for (const piece of [body.slice(0, 70_000), body.slice(70_000), ""]) await connection.writeChunk(piece);
    assert.equal((await readAnswer(connection, "POST")).text, '{"bytes":1048576}');
  });

  it("that holds a token where none belongs leaves no token in the log, nor what a terminal obeys", async (test) => {
    const doors = await openDoors(test);
    const token = await tokenFor(doors, "admin");
    assert.equal((await doors.ask(`/no/${token}?token=${token}`, token)).status, 404);
    assert.equal((await doors.ask({ method: "DELETE", path: `/tokens/${token}` }, token)).status, 404);
    const headers = [["Origin", `http://${token}\x9b2J`]] as const;
    assert.equal((await doors.ask({ method: "POST", path: "/functions/a", headers }, token)).status, 403);
    const [first, second, third] = refusalsIn(doors);
    assert.equal(first!.call, "GET /no/dexter_…");
    assert.match(second!.msg, /there is no token dexter_…; /);
    assert.match(third!.msg, /a page of http:\/\/dexter_…\?2J may not/);
    assert(!JSON.stringify(doors.log).includes(token.slice(0, 30)));
  });

  it("that meets a bug gets 500 without a stack, and the log has it", async (test) => {
    const doors = await openDoors(test);
    const answer = await doors.ask({ method: "POST", path: "/bug" }, await tokenFor(doors, "read"));
    assert.equal(answer.status, 500);
    assert.deepEqual(JSON.parse(answer.text), { error: "internal error: not foreseen", code: "INTERNAL" });
    assert.deepEqual(refusalsIn(doors), []);
    const failures = doors.log.filter(({ msg }) =>
      msg.startsWith("a call of the admin API failed: not foreseen"),
    );
    assert.equal(failures.length, 1, JSON.stringify(doors.log));
  });
});

describe("wrong tokens", () => {
  it("are answered with 429 after ten in a minute, and lock nobody out who has a right one", async (test) => {
    const doors = await openDoors(test);
    const token = await tokenFor(doors, "read");
    const statuses: number[] = [];
    for (let count = 0; count < 10; count++) statuses.push((await doors.ask("/look", "wrong")).status);
    assert.deepEqual(statuses, Array(10).fill(401));
    const answer = await doors.ask("/look", "wrong");
    assert.equal(answer.status, 429);
    const seconds = Number(valuesOf(answer.head, "retry-after")[0]);
    assert(seconds > 0 && seconds <= 60, `${seconds}`);
    assert.match(
      JSON.parse(answer.text).error,
      new RegExp(`too many wrong tokens; try again in ${seconds} s`),
    );
    assert.equal((await doors.ask("/look", token)).status, 200);
    assert.equal(refusalsIn(doors).length, 11);
  });
});

/** A gate of its own with a clock that is set, and calls that never went over a network. */
function gateAt(nowMs: () => number) {
  const verify = (token: string): TokenCaller => {
    if (token === "wrong") throw new DexterError("TOKEN_INVALID");
    return { name: token, scope: "read", tokenId: token };
  };
  const gate = new Gate({ tokens: { verify }, hosts: () => [], clock: nowMs });
  const socket = new Socket();
  return (token?: string) => {
    const headers = { host: "localhost", ...(token && { authorization: `Bearer ${token}` }) };
    const url = token ? "/look" : "/";
    return gate.identify({ method: "GET", url, headers, socket } as unknown as IncomingMessage).name;
  };
}

describe("within a minute", () => {
  it("a caller may make 1,200 calls, whatever others do", () => {
    let nowMs = 0;
    const call = gateAt(() => nowMs);
    for (const caller of ["one", undefined]) {
      const name = caller ?? "anybody";
      for (let count = 0; count < 1_200; count++) assert.equal(call(caller), name);
      nowMs += 30_000;
      const message = "too many calls; try again in 30 s";
      assert.throws(() => call(caller), { code: "RATE_LIMITED", adminStatus: 429, message });
      assert.equal(call("another"), "another");
      nowMs += 30_000;
      assert.equal(call(caller), name);
    }
  });

  it("an address may show ten wrong tokens, and ten more after it", () => {
    let nowMs = 0;
    const call = gateAt(() => nowMs);
    for (let minute = 0; minute < 2; minute++) {
      for (let count = 0; count < 10; count++) assert.throws(() => call("wrong"), { adminStatus: 401 });
      nowMs += 59_999;
      assert.throws(() => call("wrong"), { adminStatus: 429 });
      assert.equal(call("right"), "right");
      nowMs += 1;
    }
  });
});
