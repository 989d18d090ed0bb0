/** Uploads that the function does not read, or reads late. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { readAnswer } from "../../support/answer.ts";
import type { RawConnection } from "../../support/http.ts";
import { sharedNode, TO_WITNESS } from "../../support/shared-node.ts";

const MEGABYTE = 1 << 20;

const UPLOAD = `${TO_WITNESS}
export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/upload/ignore") return new Response("did not look", { status: 413 });
    if (pathname === "/upload/late") await gate(request, "reading");
    if (pathname === "/upload/digest") {
      const digest = await crypto.subtle.digest("SHA-256", await request.arrayBuffer());
      return new Response([...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join(""));
    }
    let bytes = 0;
    for await (const chunk of request.body ?? []) bytes += chunk.length;
    return new Response(String(bytes));
  },
};`;

describe("an upload", { timeout: 60_000 }, () => {
  const node = sharedNode({
    functions: { upload: UPLOAD },
    directives: { start_threads: 2, min_spare_threads: 2, max_spare_threads: 4 },
  });

  /** `count` uploads of `size` bytes, 4 at a time, each on a connection of its own. */
  async function ignored(count: number, size: number): Promise<Map<string, number>> {
    const answers = new Map<string, number>();
    let left = count;
    const client = async () => {
      while (left-- > 0) {
        const { status, text } = await node.ask({
          method: "POST",
          path: "/upload/ignore",
          body: Buffer.alloc(size, "u"),
        });
        answers.set(`${status} ${text}`, (answers.get(`${status} ${text}`) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: 4 }, client));
    return answers;
  }

  it("of 6 bytes that the function does not read is answered by it, 200 times out of 200", async () => {
    assert.deepEqual(await ignored(200, 6), new Map([["413 did not look", 200]]));
  });

  it("of 300 KB that the function does not read is answered by it, 50 times out of 50", async () => {
    assert.deepEqual(await ignored(50, 300_000), new Map([["413 did not look", 50]]));
  });

  it("that was read leaves the connection to the next request", async () => {
    const connection = await node.connect();
    for (const size of [6, 300_000, 0, 17]) {
      const body = Buffer.alloc(size);
      assert.equal((await node.ask({ method: "PUT", path: "/upload", body }, connection)).text, `${size}`);
    }
  });

  /** In chunks of `size` bytes, as HTTP/1.1 has them. */
  function chunked(body: Buffer, size: number): Buffer {
    const parts: (Buffer | string)[] = [];
    for (let at = 0; at < body.length; at += size) {
      const chunk = body.subarray(at, at + size);
      parts.push(`${chunk.length.toString(16)}\r\n`, chunk, "\r\n");
    }
    return Buffer.concat([...parts, "0\r\n\r\n"].map((part) => Buffer.from(part)));
  }

  it("arrives as it was sent, beside others of other lengths and framings", async () => {
    const upload = async (index: number) => {
      const connection = await node.connect();
      for (const size of [3 * MEGABYTE, 70_000 + index, 5, MEGABYTE + index]) {
        const body = randomBytes(size);
        const inChunks = index % 2 === 1;
        const { text } = await node.ask(
          {
            method: "POST",
            path: "/upload/digest",
            ...(inChunks ? { headers: [["Transfer-Encoding", "chunked"]] } : {}),
            body: inChunks ? chunked(body, [1_000, 40_000, 300_000][index % 3]!) : body,
          },
          connection,
        );
        assert.equal(
          text,
          createHash("sha256").update(body).digest("hex"),
          `${size} bytes of client ${index}`,
        );
      }
    };
    await Promise.all(Array.from({ length: 12 }, (_, index) => upload(index)));
  });

  /** Writes chunks until all are taken; `taken` says how much the kernel has accepted so far. */
  function flood(connection: RawConnection, megabytes: number) {
    const state = { taken: 0, done: Promise.resolve() };
    state.done = (async () => {
      for (let sent = 0; sent < megabytes * 16; sent++) {
        await connection.write(Buffer.alloc(65_536, "f"));
        state.taken += 65_536;
      }
    })();
    return state;
  }

  it("waits while the function does not read it, and arrives whole", async () => {
    const witness = node.witness();
    const connection = await node.connect();
    await connection.send({
      method: "POST",
      path: "/upload/late",
      headers: [
        ["x-witness", witness.url],
        ["Content-Length", String(64 * MEGABYTE)],
      ],
    });
    const upload = flood(connection, 64);
    await witness.reached("reading");
    // Other requests are the clock here: far more than enough for an unbounded buffer to fill up.
    for (let round = 0; round < 60; round++)
      await node.ask({ method: "POST", path: "/upload", body: "tick" });
    assert(upload.taken < 32 * MEGABYTE, `${upload.taken} bytes were taken`);
    witness.open("reading");
    assert.equal((await readAnswer(connection)).text, String(64 * MEGABYTE));
    await upload.done;
  });
});
