/** Whom the admin API refuses over TCP, with what answer, and that the log says so without a secret. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { openDoors, refusalsIn, type TestDoors, tokenFor } from "../support/admin.ts";
import { valuesOf } from "../support/answer.ts";
import type { RequestOptions } from "../support/http.ts";

interface Refusal {
  readonly title: string;
  readonly request: RequestOptions;
  readonly status: number;
  readonly code: string;
  readonly says: RegExp;
  /** The token that is sent, made of a new admin token unless it says otherwise. */
  readonly token?: (token: string, doors: TestDoors) => string | undefined | Promise<string>;
}

const LOOK: RequestOptions = { path: "/look" };
const noToken = () => undefined;
const bearer = (value: (token: string) => string) => ({
  token: noToken,
  authorization: value,
});

const post = (body: unknown): RequestOptions => ({
  method: "POST",
  path: "/tokens",
  body: typeof body === "string" ? body : JSON.stringify(body),
});

/** A request to make a token that is wrong in one field. */
const badToken = (title: string, body: unknown, says: RegExp): Refusal => ({
  title,
  request: post(body),
  status: 400,
  code: "CALL_INVALID",
  says,
});

/** The call is one that changes something, from a page of this origin. */
const badOrigin = (title: string, origin: string, host = "localhost"): Refusal => ({
  title,
  request: { method: "POST", path: "/functions/a", host, headers: [["Origin", origin]], body: "x" },
  status: 403,
  code: "ORIGIN_REFUSED",
  says: /may not change this node/,
});

const badHost = (title: string, host: string): Refusal => ({
  title,
  request: { ...LOOK, host },
  status: 421,
  code: "HOST_REFUSED",
  says: /or add the name to admin_hosts/,
});

const unreadable = (title: string, request: RequestOptions, says: RegExp): Refusal => ({
  title,
  request,
  status: 400,
  code: "CALL_INVALID",
  says,
});

/** A token with the same id and a right checksum. */
function withSecret(token: string, secret: string): string {
  const body = `${token.slice(0, "dexter_012345678901_".length)}${secret}`;
  return body + createHash("sha256").update(body).digest("hex").slice(0, 8);
}

const MEBIBYTE = 2 ** 20;

const cases: readonly (Refusal & { readonly authorization?: (token: string) => string })[] = [
  {
    title: "no token",
    request: LOOK,
    token: noToken,
    status: 401,
    code: "UNAUTHENTICATED",
    says: /a token is needed/,
  },
  ...(
    [
      ["another scheme", () => "Basic b3A6c2VjcmV0", /a token is needed: send/],
      ["a token without a scheme", (token) => token, /a token is needed: send/],
      ["two tokens", (token) => `Bearer ${token} ${token}`, /a token is needed: send/],
      ["garbage for a token", () => "Bearer ../../etc/passwd", /not a token of dexter/, "TOKEN_INVALID"],
      ["a token that was cut", (token) => `Bearer ${token.slice(0, -1)}`, /cut or mistyped/, "TOKEN_INVALID"],
      [
        "a token with another letter in it",
        (token) => `Bearer ${token.replace(/_(.)/, (_, digit) => `_${digit === "0" ? "1" : "0"}`)}`,
        /cut or mistyped/,
        "TOKEN_INVALID",
      ],
    ] as readonly [string, (token: string) => string, RegExp, string?][]
  ).map(([title, value, says, code = "UNAUTHENTICATED"]) => ({
    title,
    request: LOOK,
    status: 401,
    code,
    says,
    ...bearer(value),
  })),
  {
    title: "a whole token with another secret",
    request: LOOK,
    token: (token) => withSecret(token, "A".repeat(43)),
    status: 401,
    code: "TOKEN_UNKNOWN",
    says: /was revoked, or was made by another node/,
  },
  {
    title: "the token of another node",
    request: LOOK,
    token: async (_, doors) => {
      const { token, info } = await doors.store.create({ name: "elsewhere", scope: "admin" });
      await doors.store.revoke(info.id);
      return token;
    },
    status: 401,
    code: "TOKEN_UNKNOWN",
    says: /was revoked, or was made by another node/,
  },
  {
    title: "a token that has expired",
    request: LOOK,
    token: async (_, doors) => {
      const token = await tokenFor(doors, "admin", { expires: 60_000 });
      doors.advance(60_000);
      return token;
    },
    status: 401,
    code: "TOKEN_EXPIRED",
    says: /expired at \d{4}-/,
  },
  {
    title: "a token that may only look, for a change",
    request: { method: "POST", path: "/functions/a", body: "x" },
    token: (_, doors) => tokenFor(doors, "read"),
    status: 403,
    code: "FORBIDDEN",
    says: /may not do this on a: it needs the scope deploy/,
  },
  {
    title: "a token for deploys, for making tokens",
    request: post({ name: "more", scope: "admin" }),
    token: (_, doors) => tokenFor(doors, "deploy"),
    status: 403,
    code: "FORBIDDEN",
    says: /it needs the scope admin/,
  },
  {
    title: "a token for another function",
    request: { method: "POST", path: "/functions/b", body: "x" },
    token: (_, doors) => tokenFor(doors, "deploy", { functions: ["a", "bb"] }),
    status: 403,
    code: "FORBIDDEN",
    says: /may not do this on b/,
  },
  badHost("a name that somebody pointed at the node", "evil.example"),
  badHost("such a name with the right port", "evil.example:9000"),
  badHost("a name below one that is known", "x.node.example"),
  badHost("a name below localhost", "evil.localhost"),
  { ...badHost("such a name, for the page that is open", "evil.example"), request: { host: "evil.example" } },
  unreadable("an empty Host", { ...LOOK, host: "" }, /Host: there must be one/),
  unreadable(
    "two Hosts",
    {
      ...LOOK,
      headers: [
        ["Host", "localhost"],
        ["Host", "evil.example"],
      ],
    },
    /Host: there must be one/,
  ),
  unreadable("a Host that is none", { ...LOOK, host: "a b" }, /Host: there must be one/),
  unreadable(
    "a URL where a path belongs",
    { path: "http://evil.example/look" },
    /the request target: must begin with \//,
  ),
  badOrigin("a page of another site", "http://evil.example"),
  badOrigin("a page without an origin", "null"),
  badOrigin("a page on another port of the host", "http://localhost:8787"),
  badOrigin("a page whose name begins like the host's", "http://localhost.evil.example"),
  badOrigin("an extension", "chrome-extension://localhost"),
  badOrigin("an origin that is no URL", "localhost"),
  badOrigin("a page of another name of the node", "http://node.example", "127.0.0.1"),
  {
    title: "a body whose length says too much",
    request: { method: "POST", path: "/functions/a", headers: [["Content-Length", String(MEBIBYTE + 1)]] },
    status: 413,
    code: "BODY_TOO_LARGE",
    says: /at most 1 MiB/,
  },
  {
    title: "a body in chunks that becomes too large",
    request: {
      method: "POST",
      path: "/functions/a",
      headers: [["Transfer-Encoding", "chunked"]],
      body: `${(MEBIBYTE + 1).toString(16)}\r\n${"x".repeat(MEBIBYTE + 1)}\r\n0\r\n\r\n`,
    },
    status: 413,
    code: "BODY_TOO_LARGE",
    says: /at most 1 MiB/,
  },
  {
    title: "a body that does not come",
    request: { method: "POST", path: "/quick", headers: [["Content-Length", "5"]] },
    status: 408,
    code: "BODY_TIMEOUT",
    says: /did not arrive within 1 s/,
  },
  {
    title: "a call that is not there",
    request: { path: "/frobnicate" },
    status: 404,
    code: "NO_CALL",
    says: /no call GET \/frobnicate/,
  },
  {
    title: "a method that is not there",
    request: { method: "PUT", path: "/look" },
    status: 405,
    code: "METHOD_NOT_ALLOWED",
    says: /takes GET at \/look, not PUT/,
  },
  {
    title: "a question of a browser whether another site may call",
    request: { method: "OPTIONS", path: "/look", headers: [["Access-Control-Request-Method", "POST"]] },
    token: noToken,
    status: 401,
    code: "UNAUTHENTICATED",
    says: /a token is needed/,
  },
  badToken("a token for a body that is not JSON", "{", /: body: must be JSON/),
  badToken("a token without a name", { scope: "read" }, /: name: must be letters/),
  badToken("a token with a name of spaces", { name: " ", scope: "read" }, /: name: must be letters/),
  badToken(
    "a token that calls itself local",
    { name: "local", scope: "read" },
    /: name: must not be "local"/,
  ),
  badToken("a token that looks like an id", { name: "0123456789ab", scope: "read" }, /the id of a token/),
  badToken(
    "a token with another scope",
    { name: "x", scope: "root" },
    /: scope: must be one of read, deploy/,
  ),
  badToken(
    "a token with a function's name that is none",
    { name: "x", scope: "read", functions: ["../x"] },
    /: functions\.0: must be lower-case/,
  ),
  badToken(
    "a token for no function",
    { name: "x", scope: "read", functions: [] },
    /: functions: must name a function/,
  ),
  badToken(
    "an admin token for some functions",
    { name: "x", scope: "admin", functions: ["a"] },
    /: functions: must be left out/,
  ),
  badToken(
    "a token that expires at once",
    { name: "x", scope: "read", expires: "0d" },
    /: expires: must be a time/,
  ),
  badToken("a token that expires some day", { name: "x", scope: "read", expires: "soon" }, /: expires: must/),
  badToken("a token for too long", { name: "x", scope: "read", expires: "3651d" }, /: expires: must/),
  badToken("a token with a field more", { name: "x", scope: "read", digest: "00" }, /[Uu]nrecognized key/),
  {
    title: "a second token of a name",
    request: post({ name: "twice", scope: "read" }),
    token: async (token, { store }) => {
      await store.create({ name: "twice", scope: "read" });
      return token;
    },
    status: 409,
    code: "TOKEN_EXISTS",
    says: /a token twice already/,
  },
  {
    title: "taking back a token that is not there",
    request: { method: "DELETE", path: "/tokens/nobody" },
    status: 404,
    code: "NO_TOKEN",
    says: /no token nobody/,
  },
];

describe("the admin API over TCP refuses", () => {
  for (const { title, request, status, code, says, token = (own: string) => own, authorization } of cases)
    it(`${title}: ${status}`, async (test) => {
      const doors = await openDoors(test);
      const own = await tokenFor(doors, "admin");
      const sent = await token(own, doors);
      const before = doors.store.list().length;
      const headers = [...(request.headers ?? [])];
      if (authorization) headers.push(["Authorization", authorization(own)]);
      const answer = await doors.ask({ ...request, headers }, sent);
      assert.equal(answer.status, status, answer.text);
      const { error, code: given, ...rest } = JSON.parse(answer.text);
      assert.deepEqual(rest, {});
      assert.equal(given, code);
      assert.match(error, says);
      assert.deepEqual(
        valuesOf(answer.head, "www-authenticate"),
        status === 401 ? ['Bearer realm="dexter"'] : [],
      );
      assert.equal(doors.store.list().length, before, "no token was made or taken back");
      const refusals = refusalsIn(doors);
      assert.equal(refusals.length, 1, JSON.stringify(doors.log));
      const { msg, address, call } = refusals[0]!;
      assert.equal(msg, `the admin API refused a call: ${error}`);
      assert.equal(address, "127.0.0.1");
      assert.equal(call, `${request.method ?? "GET"} ${request.path ?? "/"}`);
      for (const secret of [own, sent ?? own])
        assert(!JSON.stringify(doors.log).includes(secret.slice("dexter_012345678901_".length, -8)));
    });
});
