/** Streamed responses: content, order in time, ends that are not proper ends. */
import assert from "node:assert/strict";
import {
  becomes,
  type Case,
  differing,
  type Expected,
  type Observation,
  one,
  scenario,
  withoutLength,
} from "../case.ts";
import { CASE_DIFFERENCES } from "../differences.ts";
import { observed, observedHeaders } from "../driver.ts";

const MEGABYTE = 1 << 20;
const stream = (title: string, path: string, expected: Expected = {}): Case =>
  one("stream", title, `/${path}`, expected);

const headOf = (path: string, expected: Expected = {}): Case =>
  one("stream", `answers HEAD for the stream ${path}`, { method: "HEAD", path: `/${path}` }, expected);

const contents: Case[] = [
  stream("sends a stream filled at its start", "start", { body: "one two three" }),
  stream("sends a stream that is pulled", "pull", { body: "p1 p2 p3" }),
  stream("sends a byte stream", "byte-stream", { body: "b1 b2 b3" }),
  stream("sends an async iterator", "from", { body: "f1 f2 f3" }),
  stream("sends an empty stream", "empty-stream"),
  stream("sends a stream with empty chunks", "empty-chunks", { body: "ab" }),
  stream("treats a stream of strings alike", "string-chunk", { body: "not bytes" }),
  stream("sends through a TransformStream", "transform", { body: "TRANSFORMED!" }),
  stream("sends through an IdentityTransformStream", "identity", { body: "i1 i2 i3" }),
  stream("sends a FixedLengthStream with its length", "fixed-length", { header: /content-length: 10/ }),
  stream("reads both branches of a tee", "tee", { body: "t1 t2|t1 t2" }),
  stream("pipes through encoders", "pipe-through", { body: "caf" }),
  stream("decodes text split inside a character", "text-decoder", { body: "split" }),
  stream("compresses and decompresses", "compress-roundtrip", { body: '"deflate-raw",true,15000' }),
  stream("rewrites HTML", "html-rewriter", { body: '<a href="/x/a">', header: /x-kept/ }),
  stream("sends 2,000 small chunks in order", "many-chunks", { body: "8890 bytes" }),
  stream("sends 20 MB of unknown length", "down-20m", { body: "20971520 bytes" }),
  stream("sends 20 MB of known length", "down-20m-fixed", {
    body: "20971520 bytes",
    header: /content-length: 20971520/,
  }),
  ...["pull", "empty-stream", "down-20m"].map((path) => headOf(path)),
  differing(
    CASE_DIFFERENCES.headLength,
    headOf("fixed-length", { header: /content-length: 10/ }),
    becomes(withoutLength),
  ),
  one(
    "stream",
    "returns an upload as the response",
    { method: "POST", path: "/passthrough", body: "the same" },
    { body: "the same" },
  ),
  one(
    "stream",
    "returns a chunked upload as the response",
    {
      method: "POST",
      path: "/passthrough",
      headers: [["Transfer-Encoding", "chunked"]],
      body: "2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n",
    },
    { body: "abcde" },
  ),
];

/** Streams that fail before anything was sent: plain workerd ends the connection without a response. */
const brokenAtOnce: Case[] = [
  "error-later",
  "error-at-once",
  "error-thrown-in-pull",
  "abandoned",
  "fixed-length-short",
].map((path) =>
  differing(
    CASE_DIFFERENCES.failedStream,
    stream(`gives no whole response at ${path}`, path, { status: 0, cut: true }),
    (seen: Observation) => {
      // What the handler sent before it failed may have left the server already.
      if (seen.status === 200) return assert.equal(seen.cut, true);
      assert.deepEqual([seen.status, seen.cut], [502, false]);
      assert.match(String(seen.body), /request id: /);
    },
  ),
);

/** Streams that fail once the client has the beginning. */
const brokenLater: Case[] = ["error-gated", "abort-gated", "short-gated"].map((path) =>
  scenario(
    "stream",
    `cuts the connection at ${path}`,
    async (session) => {
      const connection = await session.connect();
      await connection.send(session.addressed({ path: `/${path}` }));
      const head = await connection.head();
      const body = connection.body(head);
      const beginning = await body.until("a beginning;");
      session.witness.open("fail");
      const { bytes, cut } = await body.rest();
      return { headers: observedHeaders(head), beginning, left: bytes.length, cut };
    },
    ({ cut }) => assert.equal(cut, true),
  ),
);

const inTime: Case[] = [
  scenario(
    "stream",
    "delivers each chunk before the next is made",
    async (session) => {
      const connection = await session.connect();
      await connection.send(session.addressed({ path: "/gated" }));
      const head = await connection.head();
      const body = connection.body(head);
      const seen = [await body.until("first;")];
      for (const part of ["second", "third"]) {
        session.witness.open(part);
        seen.push(await body.until(`${part};`));
      }
      const { bytes, cut } = await body.rest();
      return { headers: observedHeaders(head), seen, left: bytes.length, cut };
    },
    ({ seen, cut }) => {
      assert.deepEqual(seen, ["first;", "second;", "third;"]);
      assert.equal(cut, false);
    },
  ),
  scenario(
    "stream",
    "delivers the head before there is a body",
    async (session) => {
      const connection = await session.connect();
      await connection.send(session.addressed({ path: "/head-first" }));
      const head = await connection.head();
      session.witness.open("body");
      return observed({ head, ...(await connection.body(head).rest()) });
    },
    ({ status, body }) => assert.deepEqual([status, body], [202, "the body"]),
  ),
  scenario(
    "stream",
    "delivers server-sent events one by one",
    async (session) => {
      const connection = await session.connect();
      await connection.send(session.addressed({ path: "/sse", headers: [["Accept", "text/event-stream"]] }));
      const head = await connection.head();
      const body = connection.body(head);
      const events: string[] = [];
      for (let count = 1; count <= 3; count += 1) {
        events.push(await body.until("\n\n"));
        session.witness.open(`event-${count}`);
      }
      return { headers: observedHeaders(head), events, cut: (await body.rest()).cut };
    },
    ({ events }) => assert.equal(events[2], 'id: 3\nevent: tick\ndata: {"n":3}\n\n'),
  ),
  scenario(
    "stream",
    "answers parts of an upload while it goes on",
    async (session) => {
      const connection = await session.connect();
      const headers = [["Transfer-Encoding", "chunked"]] as const;
      await connection.send(session.addressed({ method: "POST", path: "/duplex", headers }));
      await connection.writeChunk("one");
      const head = await connection.head();
      const body = connection.body(head);
      const answers = [await body.until("]")];
      for (const part of ["two", "three"]) {
        await connection.writeChunk(part);
        answers.push(await body.until("]"));
      }
      await connection.writeChunk("");
      const { bytes, cut } = await body.rest();
      return { headers: observedHeaders(head), answers, left: bytes.length, cut };
    },
    ({ answers }) => assert.deepEqual(answers, ["[one]", "[two]", "[three]"]),
  ),
  scenario(
    "stream",
    "runs the other branch of a tee after the response",
    async (session) => [
      observed(await session.exchange({ path: "/tee-returned" })),
      await session.witness.noted("teed"),
    ],
    ([, noted]) => assert.equal(noted, "t1 t2"),
  ),
  scenario(
    "stream",
    "tells an endless stream that its reader left",
    async (session) => {
      const connection = await session.connect();
      await connection.send(session.addressed({ path: "/endless" }));
      const read = await connection.body(await connection.head()).atLeast(5 * MEGABYTE);
      connection.destroy();
      const produced = Number(await session.witness.noted("cancelled"));
      return { enough: read >= 5 * MEGABYTE, bounded: produced < read + 32 * MEGABYTE };
    },
    (observation) => assert.deepEqual(observation, { enough: true, bounded: true }),
  ),
  scenario(
    "stream",
    "holds an endless stream back while its reader pauses",
    async (session) => {
      const connection = await session.connect();
      await connection.send(session.addressed({ path: "/endless" }));
      const read = await connection.body(await connection.head()).atLeast(MEGABYTE);
      // Other requests are the clock here: far more than enough for an unbounded buffer to fill up.
      for (let round = 0; round < 40; round += 1) await session.exchange({ path: "/pull" });
      connection.destroy();
      return Number(await session.witness.noted("cancelled")) < read + 32 * MEGABYTE;
    },
    (bounded) => assert.equal(bounded, true),
  ),
];

export const streamCases: readonly Case[] = [...contents, ...brokenAtOnce, ...brokenLater, ...inTime];
