/**
 * Node.js modules in a function: hashes, compression, buffers and paths, as libraries written for Node.js
 * expect them. Beside it, wrangler.toml sets the flag `nodejs_compat`.
 *
 *   curl 'http://127.0.0.1:8787/node?text=edge'
 */
import { Buffer } from "node:buffer";
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { posix } from "node:path";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";

export default {
  async fetch(request) {
    const url = new URL(request.url);
    const text = url.searchParams.get("text") ?? "All work and no play makes Jack a dull boy. ".repeat(20);
    const bytes = Buffer.from(text, "utf8");

    const packed = await promisify(gzip)(bytes);
    const unpacked = await promisify(gunzip)(packed);

    return Response.json({
      buffer: { bytes: bytes.length, base64: bytes.toString("base64").slice(0, 60) },
      crypto: {
        sha256: createHash("sha256").update(bytes).digest("hex"),
        hmac: createHmac("sha256", "not a secret").update(bytes).digest("base64url"),
      },
      zlib: { gzipBytes: packed.length, same: bytes.equals(unpacked) && timingSafeEqual(bytes, unpacked) },
      path: { joined: posix.join("/srv", "..", "var", url.pathname), extension: posix.extname("photo.jpeg") },
    });
  },
} satisfies ExportedHandler;
