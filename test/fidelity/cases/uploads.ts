/** Request bodies: read in every way, unread, endless, and cut off. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type Case, type Expected, one, scenario } from "../case.ts";
import { observed, type Session } from "../driver.ts";

const MEGABYTE = 1 << 20;
const CHUNKED = [["Transfer-Encoding", "chunked"]] as const;
const large = Buffer.alloc(20 * MEGABYTE, "a body of twenty megabytes; ");
const largeDigest = createHash("sha256").update(large).digest("hex");

const post = (
  title: string,
  path: string,
  body: string | Buffer,
  expected: Expected = {},
  type = "text/plain",
) =>
  one(
    "upload",
    title,
    { method: "POST", path: `/${path}`, headers: [["Content-Type", type]], body },
    expected,
  );

const multipart = [
  "--frontier",
  'Content-Disposition: form-data; name="text"',
  "",
  "a value\r\nof two lines",
  "--frontier",
  'Content-Disposition: form-data; name="caf\u00e9"',
  "",
  "\u2713",
  "--frontier",
  'Content-Disposition: form-data; name="file"; filename="a b.bin"',
  "Content-Type: application/octet-stream",
  "",
  "\u0000\u0001\u0002--fron",
  "--frontier",
  'Content-Disposition: form-data; name="file"; filename=""',
  "",
  "",
  "--frontier--",
  "",
].join("\r\n");

const readers: Case[] = [
  post("reads text", "text", "caf\u00e9 \u2713", { body: "caf" }),
  post("reads JSON", "json", '{"a":[1,"\u00e9"]}', { body: '"got"' }, "application/json"),
  post("fails alike on bad JSON", "json-bad", "{oops", { body: "SyntaxError" }, "application/json"),
  post("reads an ArrayBuffer", "array-buffer", Buffer.from([0, 255, 13, 10]), { body: "\u0000\u00ff\r\n" }),
  post("reads bytes", "bytes", Buffer.from([1, 2, 3]), { body: "\u0001\u0002\u0003" }),
  post("reads a Blob", "blob", "blob text", { body: '[9,"text/x-a","blob text"]' }, "text/x-a"),
  post(
    "parses a multipart form with files",
    "form",
    multipart,
    { body: '"file":"a b.bin"' },
    "multipart/form-data; boundary=frontier",
  ),
  post(
    "parses a urlencoded form",
    "form",
    "a=1&b=%C3%A9+x&a=2&c",
    { body: '["a","2"]' },
    "application/x-www-form-urlencoded",
  ),
  post("fails alike on a form of the wrong type", "form-bad", "x", { body: "TypeError" }),
  post(
    "fails alike on a broken multipart form",
    "form-bad",
    "--x\r\nnope",
    { body: "TypeError" },
    "multipart/form-data; boundary=frontier",
  ),
  post("fails alike when a body is read twice", "twice", "once", { body: "once" }),
  post("reads a clone", "clone", "cloned", { body: '["cloned","cloned",true]' }),
  post("fails alike when a used body is cloned", "clone-used", "x", { body: "TypeError" }),
  post("fails alike when a body is locked", "locked", "x", { body: "TypeError" }),
  post("reads with a reader", "reader", "x".repeat(100_000), { body: "100000 bytes" }),
  post("reads with a BYOB reader", "byob", "0123456789", { body: "01234" }),
  one("upload", "has a null body for GET", "/body-null", { body: '"body":true' }),
  one(
    "upload",
    "has the same body for an empty POST",
    { method: "POST", path: "/body-length", body: "" },
    { body: '"length":0' },
  ),
  one(
    "upload",
    "has the same body for a POST without a length",
    { method: "POST", path: "/body-length" },
    { body: '"length":0' },
  ),
  one(
    "upload",
    "has the same body for an empty chunked POST",
    { method: "POST", path: "/body-length", headers: CHUNKED, body: "0\r\n\r\n" },
    { body: '"length":0' },
  ),
];

const sizes: Case[] = [
  post("takes 20 MB of known length", "digest", large, { body: largeDigest }),
  scenario(
    "upload",
    "takes 20 MB in chunks",
    async (session) => {
      const connection = await session.connect();
      await connection.send(session.addressed({ method: "POST", path: "/digest", headers: CHUNKED }));
      for (let at = 0; at < large.length; at += 777_777)
        await connection.writeChunk(large.subarray(at, at + 777_777));
      await connection.writeChunk("");
      const head = await connection.head();
      return observed({ head, ...(await connection.body(head).rest()) });
    },
    (observation) => assert.match(String(observation.body), new RegExp(largeDigest)),
  ),
  post("answers without reading a small body", "ignored", "unread", { status: 413 }),
  post("answers after cancelling a body", "cancelled-body", "unread", { body: "cancelled" }),
];

/**
 * Floods the handler with far more than any buffer takes, and reads the response while most of it is still
 * on its way. All of it is handed to the kernel by one write: a later one could fail, and take the response
 * with it, when the server closes the connection after an early response.
 */
async function whileUploading(session: Session, path: string) {
  const connection = await session.connect();
  await connection.send(session.addressed({ method: "POST", path, headers: CHUNKED }));
  const flood = connection.writeChunks(Array.from({ length: 512 }, () => Buffer.alloc(65_536, "e")));
  await session.witness.reached("answer");
  session.witness.open("answer");
  const head = await connection.head();
  const observation = observed({ head, ...(await connection.body(head).rest()) });
  connection.destroy();
  await flood;
  return observation;
}

const endless: Case[] = [
  ["answers early while an endless upload goes on unread", "/early-ignored", "did not look"],
  ["answers after the first bytes of an endless upload", "/early-first-bytes", "read true and answered"],
  ["answers after cancelling an endless upload", "/early-cancelled", "cancelled"],
].map(([title, path, expected]) =>
  scenario(
    "upload",
    title!,
    (session) => whileUploading(session, path!),
    ({ body }) => assert.equal(body, expected),
  ),
);

const cutOff: Case[] = [
  scenario(
    "upload",
    "lets the handler see that a chunked upload was cut off",
    async (session) => {
      const connection = await session.connect();
      await connection.send(session.addressed({ method: "POST", path: "/note-cut", headers: CHUNKED }));
      await connection.writeChunk("a beginning");
      await session.witness.reached("reading");
      session.witness.open("reading");
      connection.destroy();
      return session.witness.noted("upload");
    },
    (noted) => assert.equal(noted, "failed with an Error"),
  ),
  scenario(
    "upload",
    "lets the handler see that an upload of known length was cut off",
    async (session) => {
      const connection = await session.connect();
      const headers = [["Content-Length", "1000"]] as const;
      await connection.send(
        session.addressed({ method: "POST", path: "/note-cut", headers, body: "a beginning" }),
      );
      await session.witness.reached("reading");
      session.witness.open("reading");
      connection.destroy();
      return session.witness.noted("upload");
    },
    (noted) => assert.equal(noted, "failed with an Error"),
  ),
];

/** Sends the head, waits for 100 Continue, then sends the body. */
const expectation: Case[] = [
  scenario(
    "upload",
    "sends 100 Continue before an expected body",
    async (session) => {
      const connection = await session.connect();
      const headers = [
        ["Expect", "100-continue"],
        ["Content-Length", "8"],
      ] as const;
      await connection.send(session.addressed({ method: "POST", path: "/text", headers }));
      const interim = await connection.head();
      await connection.write("expected");
      const head = await connection.head();
      const { status, statusText } = interim;
      return [{ status, statusText }, observed({ head, ...(await connection.body(head).rest()) })] as const;
    },
    ([interim, final]) => {
      assert.equal(interim.status, 100);
      assert.equal(final.body, "expected");
    },
  ),
];

export const uploadCases: readonly Case[] = [...readers, ...sizes, ...endless, ...cutOff, ...expectation];
