/** Connections: reuse, pipelining, closing. */
import assert from "node:assert/strict";
import type { RequestOptions } from "../../support/http.ts";
import {
  becomes,
  type Case,
  differing,
  type Observation,
  overHttp1,
  scenario,
  withoutLength,
} from "../case.ts";
import { CASE_DIFFERENCES } from "../differences.ts";
import { observed, readExchange, type Session } from "../driver.ts";

/** Writes all requests at once and reads the responses in turn. */
async function pipelined(session: Session, requests: readonly RequestOptions[]) {
  const connection = await session.connect();
  await connection.sendAll(requests.map((request) => session.addressed(request)));
  const responses: Record<string, unknown>[] = [];
  for (const { method } of requests) responses.push(observed(await readExchange(connection, method)));
  return responses;
}

/** The bodies of a list of observations. */
const bodiesOf = (observations: readonly Record<string, unknown>[]) => observations.map(({ body }) => body);

/** A list of responses of which one answers HEAD, for a body whose length dexter does not know. */
const ofHead = (index: number, of: Case): Case =>
  differing<Observation[]>(
    CASE_DIFFERENCES.headLength,
    of,
    becomes((plain) => plain.with(index, withoutLength(plain[index]!))),
  );

const reuse: Case[] = [
  scenario(
    "life",
    "serves one request after the other on a connection",
    async (session) => {
      const connection = await session.connect();
      const responses: Record<string, unknown>[] = [];
      for (let count = 0; count < 5; count += 1) {
        await connection.send(session.addressed({ path: `/quick?${count}` }));
        responses.push(observed(await readExchange(connection)));
      }
      return responses;
    },
    (responses) => assert.equal(responses[4]?.body, "quick ?4"),
  ),
  scenario(
    "upload",
    "serves another request after an upload was read",
    async (session) => {
      const connection = await session.connect();
      const responses: Record<string, unknown>[] = [];
      for (const body of ["first", "second, which is longer", ""]) {
        await connection.send(session.addressed({ method: "POST", path: "/text", body }));
        responses.push(observed(await readExchange(connection)));
      }
      return bodiesOf(responses);
    },
    (bodies) => assert.deepEqual(bodies, ["first", "second, which is longer", ""]),
  ),
  scenario(
    "upload",
    "serves another request after a small upload was left unread",
    async (session) => {
      const connection = await session.connect();
      await connection.send(
        session.addressed({ method: "POST", path: "/ignored", body: "GET / HTTP/1.1\r\n\r\n" }),
      );
      const first = observed(await readExchange(connection));
      await connection.send(session.addressed({ method: "POST", path: "/text", body: "next" }));
      return bodiesOf([first, observed(await readExchange(connection))]);
    },
    (bodies) => assert.deepEqual(bodies, ["did not look", "next"]),
  ),
  ofHead(
    0,
    scenario(
      "respond",
      "keeps the connection after HEAD, 204 and 304",
      async (session) => {
        const connection = await session.connect();
        const responses: Record<string, unknown>[] = [];
        for (const [method, path] of [
          ["HEAD", "/megabyte"],
          ["GET", "/204"],
          ["GET", "/304"],
          ["GET", "/string"],
        ]) {
          await connection.send(session.addressed({ method: method!, path: path! }));
          responses.push(observed(await readExchange(connection, method)));
        }
        return responses;
      },
      (responses) => assert.equal(responses[3]?.body, "just a string"),
    ),
  ),
  overHttp1(
    "Connection",
    scenario(
      "life",
      "closes the connection when the client asks for it",
      async (session) => {
        const connection = await session.connect();
        await connection.send(session.addressed({ path: "/quick", headers: [["Connection", "close"]] }));
        const response = observed(await readExchange(connection));
        return [response, await connection.ended()];
      },
      ([, ended]) => assert.equal(ended, true),
    ),
  ),
  overHttp1(
    "a request ends its side of its stream",
    differing<Observation>(
      CASE_DIFFERENCES.halfClose,
      scenario(
        "life",
        "answers a client that closes its sending side",
        async (session) => {
          const connection = await session.connect();
          await connection.send(session.addressed({ path: "/gated" }));
          await session.witness.reached("held");
          await connection.finishSending();
          session.witness.open("held");
          return observed(await readExchange(connection));
        },
        ({ body }) => assert.equal(body, "held until opened"),
      ),
      ({ status, cut }) => assert.deepEqual([status, cut], [0, true]),
    ),
  ),
  overHttp1(
    "HTTP/1.0",
    scenario(
      "life",
      "closes the connection of an HTTP/1.0 client",
      async (session) => {
        const connection = await session.connect();
        await connection.send(session.addressed({ path: "/quick", version: "HTTP/1.0" }));
        const { version: _, ...response } = observed(await readExchange(connection));
        return [response, await connection.ended()];
      },
      ([, ended]) => assert.equal(ended, true),
    ),
  ),
  overHttp1(
    "HTTP/1.0",
    scenario(
      "stream",
      "streams to an HTTP/1.0 client without chunks",
      async (session) => {
        const connection = await session.connect();
        await connection.send(session.addressed({ path: "/pull", version: "HTTP/1.0" }));
        const { version: _, ...response } = observed(await readExchange(connection));
        return response;
      },
      ({ body }) => assert.equal(body, "p1 p2 p3"),
    ),
  ),
];

const pipelines: Case[] = [
  scenario(
    "life",
    "answers pipelined requests in order",
    (session) =>
      pipelined(
        session,
        Array.from({ length: 8 }, (_, count) => ({ path: `/quick?${count}` })),
      ),
    (responses) =>
      assert.deepEqual(
        bodiesOf(responses),
        Array.from({ length: 8 }, (_, count) => `quick ?${count}`),
      ),
  ),
  scenario(
    "upload",
    "answers pipelined uploads in order",
    (session) =>
      pipelined(session, [
        { method: "POST", path: "/text", body: "one" },
        {
          method: "POST",
          path: "/text",
          headers: [["Transfer-Encoding", "chunked"]],
          body: "3\r\ntwo\r\n0\r\n\r\n",
        },
        { path: "/body-null" },
        { method: "POST", path: "/text", body: "four" },
      ]),
    (responses) => assert.equal(responses[3]?.body, "four"),
  ),
  scenario(
    "life",
    "keeps the order when the first of pipelined requests is slow",
    async (session) => {
      const connection = await session.connect();
      const requests = [{ path: "/gated" }, { path: "/quick?b" }, { path: "/quick?c" }];
      await connection.sendAll(requests.map((request) => session.addressed(request)));
      await session.witness.reached("held");
      session.witness.open("held");
      const bodies: unknown[] = [];
      for (const _ of requests) bodies.push(observed(await readExchange(connection)).body);
      return bodies;
    },
    (bodies) => assert.deepEqual(bodies, ["held until opened", "quick ?b", "quick ?c"]),
  ),
  ofHead(
    1,
    scenario(
      "respond",
      "keeps pipelined bodies apart",
      (session) =>
        pipelined(session, [
          { path: "/megabyte" },
          { method: "HEAD", path: "/megabyte" },
          { path: "/204" },
          { path: "/bytes" },
          { path: "/304" },
          { path: "/string" },
        ]),
      (responses) => assert.equal(responses[5]?.body, "just a string"),
    ),
  ),
];

export const connectionCases: readonly Case[] = [...reuse, ...pipelines];
