// The parts of Node.js that functions lean on.
import assert from "node:assert";
import { AsyncLocalStorage } from "node:async_hooks";
import { Buffer } from "node:buffer";
import {
  createCipheriv,
  createHash,
  createHmac,
  randomBytes,
  scryptSync,
  timingSafeEqual,
} from "node:crypto";
import { EventEmitter, once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import querystring from "node:querystring";
import { PassThrough, Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { StringDecoder } from "node:string_decoder";
import { setTimeout as sleep } from "node:timers/promises";
import url from "node:url";
import util from "node:util";
import zlib from "node:zlib";

const storage = new AsyncLocalStorage();

const answers = {
  buffer: () => [
    Buffer.from("caf\u00e9").toString("base64"),
    Buffer.from("ff00", "hex").readUInt16BE(0),
    Buffer.concat([Buffer.alloc(2, "a"), Buffer.from([98])]).toString("latin1"),
    globalThis.Buffer === Buffer,
    Buffer.byteLength("\u2713"),
  ],
  hash: () => [
    createHash("sha256").update("abc").digest("hex"),
    createHash("md5").update("abc").digest("base64"),
    createHmac("sha1", "key").update("data").digest("hex"),
  ],
  cipher: () => {
    const cipher = createCipheriv("aes-128-cbc", Buffer.alloc(16, 1), Buffer.alloc(16, 2));
    return [
      cipher.update("plain text", "utf8", "hex") + cipher.final("hex"),
      scryptSync("password", "salt", 16, { N: 16 }).toString("hex"),
      timingSafeEqual(Buffer.from("a"), Buffer.from("a")),
      randomBytes(8).length,
    ];
  },
  stream: async () => {
    const chunks = [];
    const upper = new Transform({
      transform: (chunk, _encoding, done) => done(null, String(chunk).toUpperCase()),
    });
    await pipeline(Readable.from(["a", "b", "c"]), upper, new PassThrough(), async (source) => {
      for await (const chunk of source) chunks.push(String(chunk));
    });
    return chunks.join("");
  },
  "web-stream": async () => {
    const text = await new Response(
      Readable.toWeb(Readable.from([Buffer.from("to "), Buffer.from("web")])),
    ).text();
    return text;
  },
  util: async () => [
    util.format("%s %d %j", "a", 1, { b: 2 }),
    util.inspect({ a: [1, { b: new Map([["c", 1]]) }] }, { depth: 4 }),
    await util.promisify((value, done) => done(null, value + 1))(1),
    util.types.isPromise(Promise.resolve()),
    util.isDeepStrictEqual({ a: [1] }, { a: [1] }),
  ],
  storage: async () =>
    Promise.all(
      ["one", "two", "three"].map((name) =>
        storage.run(name, async () => {
          await scheduler.wait(1);
          await sleep(1);
          return [name, storage.getStore()];
        }),
      ),
    ),
  process: async () => {
    const order = [];
    process.nextTick(() => order.push("tick"));
    queueMicrotask(() => order.push("microtask"));
    await new Promise((resolve) => setImmediate(resolve));
    return [
      order.sort(),
      typeof process.version,
      process.platform,
      typeof process.env,
      process.cwd(),
      process.argv,
    ];
  },
  events: async () => {
    const emitter = new EventEmitter();
    queueMicrotask(() => emitter.emit("ready", 1, 2));
    return once(emitter, "ready");
  },
  assert: () => {
    try {
      assert.deepStrictEqual({ a: 1 }, { a: 2 });
      return "equal";
    } catch (error) {
      return [error.name, error.code];
    }
  },
  zlib: () => {
    const packed = zlib.gzipSync("abc".repeat(100));
    return [packed.length < 100, zlib.gunzipSync(packed).toString().length, zlib.crc32("hello")];
  },
  names: () => [
    path.join("/a", "../b", "c.txt"),
    path.extname("x.tar.gz"),
    querystring.parse("a=1&a=2&b=%20"),
    url.fileURLToPath("file:///a/b"),
    new StringDecoder("utf8").write(Buffer.from([0xe2, 0x9c])),
  ],
  fs: () => {
    fs.writeFileSync("/tmp/note.txt", "in memory");
    return [
      fs.readFileSync("/tmp/note.txt", "utf8"),
      fs.existsSync("/etc/passwd"),
      fs.readdirSync("/").sort(),
    ];
  },
  timers: async () => {
    const handle = setTimeout(() => {}, 1000);
    clearTimeout(handle);
    return [await sleep(1, "slept"), typeof setInterval];
  },
};

export default {
  async fetch(request) {
    return Response.json((await answers[new URL(request.url).pathname.slice(1)]()) ?? null);
  },
};
