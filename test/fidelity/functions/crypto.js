// Web Crypto, with keys and inputs fixed so that the answers are.
const encoder = new TextEncoder();
const hex = (buffer) =>
  [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const raw = new Uint8Array(32).map((_, index) => index);
const { subtle } = crypto;

const answers = {
  digest: async () => {
    const digests = {};
    for (const name of ["MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512"]) {
      digests[name] = hex(await subtle.digest(name, encoder.encode("abc")));
    }
    return digests;
  },
  hmac: async () => {
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    const key = await subtle.importKey("raw", raw, algorithm, false, ["sign", "verify"]);
    const signature = await subtle.sign("HMAC", key, encoder.encode("message"));
    return [
      hex(signature),
      await subtle.verify("HMAC", key, signature, encoder.encode("message")),
      key.extractable,
    ];
  },
  "aes-gcm": async () => {
    const key = await subtle.importKey("raw", raw, "AES-GCM", true, ["encrypt", "decrypt"]);
    const algorithm = { name: "AES-GCM", iv: new Uint8Array(12), additionalData: encoder.encode("aad") };
    const sealed = await subtle.encrypt(algorithm, key, encoder.encode("secret"));
    const opened = new TextDecoder().decode(await subtle.decrypt(algorithm, key, sealed));
    const jwk = await subtle.exportKey("jwk", key);
    const broken = await subtle
      .decrypt({ ...algorithm, iv: raw.slice(0, 12) }, key, sealed)
      .catch((error) => error.name);
    return [hex(sealed), opened, jwk.k, broken];
  },
  pbkdf2: async () => {
    const key = await subtle.importKey("raw", encoder.encode("password"), "PBKDF2", false, ["deriveBits"]);
    const bits = await subtle.deriveBits(
      { name: "PBKDF2", hash: "SHA-256", salt: raw, iterations: 100 },
      key,
      256,
    );
    return hex(bits);
  },
  ecdsa: async () => {
    const algorithm = { name: "ECDSA", namedCurve: "P-256" };
    const pair = await subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const signing = { name: "ECDSA", hash: "SHA-256" };
    const signature = await subtle.sign(signing, pair.privateKey, raw);
    return [signature.byteLength, await subtle.verify(signing, pair.publicKey, signature, raw)];
  },
  random: () => {
    const ids = Array.from({ length: 10 }, () => crypto.randomUUID());
    const bytes = crypto.getRandomValues(new Uint8Array(32));
    return [
      new Set(ids).size,
      ids.every((id) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)),
      bytes.some(Boolean),
    ];
  },
  "timing-safe": () => [subtle.timingSafeEqual(raw, raw), subtle.timingSafeEqual(raw, raw.slice().reverse())],
  "digest-stream": async () => {
    const stream = new crypto.DigestStream("SHA-256");
    await new Response("abc").body.pipeTo(stream);
    return hex(await stream.digest);
  },
};

export default {
  async fetch(request) {
    return Response.json(await answers[new URL(request.url).pathname.slice(1)]());
  },
};
