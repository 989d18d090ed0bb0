/** Interfaces of the runtime: each case runs a small program whose answer must be the same. */
import { becomes, type Case, differing, one, saying } from "../case.ts";
import { CASE_DIFFERENCES } from "../differences.ts";

/** A path of the function, and what its answer must contain. */
const programs = (fn: string, subject: string, answers: Readonly<Record<string, string | RegExp>>): Case[] =>
  Object.entries(answers).map(([path, body]) => one(fn, `runs ${subject}: ${path}`, `/${path}`, { body }));

export const apiCases: readonly Case[] = [
  ...programs("nodejs", "Node.js interfaces", {
    buffer: "Y2Fmw6k=",
    hash: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    cipher: "true,8]",
    stream: "ABC",
    "web-stream": "to web",
    util: 'a 1 {\\"b\\":2}',
    storage: '[["one","one"],["two","two"],["three","three"]]',
    process: "microtask",
    events: "[1,2]",
    assert: "ERR_ASSERTION",
    zlib: "[true,300,907060870]",
    names: '"/b/c.txt",".gz"',
    fs: "in memory",
    timers: "slept",
  }),
  ...programs("crypto", "Web Crypto", {
    digest: "900150983cd24fb0d6963f7d28e17f72",
    hmac: "true,false]",
    "aes-gcm": "secret",
    pbkdf2: /[0-9a-f]{64}/,
    ecdsa: "[64,true]",
    random: "[10,true,true]",
    "timing-safe": "[true,false]",
    "digest-stream": "ba7816bf8f01cfea",
  }),
  ...programs("web", "web interfaces", {
    "url-pattern": '"id":"12"',
    "html-rewriter": "&lt;b&gt;",
    "structured-clone": "DataCloneError",
    caches: "object",
    timers: '[["first","second"],3]',
    "scheduler-wait": "TimeoutError",
    date: "1970-01-01T00:00:00.000Z",
    navigator: "Cloudflare-Workers",
    globals: '["HTMLRewriter","function"]',
    "global-names": "Uint8Array",
    "abort-controller": "Error: mine",
    events: '["x",1,2]',
    encoding: "InvalidCharacterError",
    url: "xn--h-",
    headers: "TypeError",
    request: '"POST","PUT","b"',
    "response-statics": "RangeError",
    "form-data": '["1","b.css"]',
    blob: "[11,",
    intl: "1.234,50",
    language: "[1,2,3]",
    "message-channel": '{"a":[1]}',
    "weak-ref": "function",
    "error-stack": "TypeError",
    "prototype-pollution": '["yes",null]',
  }),
  differing(
    CASE_DIFFERENCES.compatibilityFlags,
    one("web", "has the same compatibility flags", "/compatibility", { body: '["nodejs_compat",true]' }),
    becomes(saying('["nodejs_compat",true]', '["nodejs_als",true],["nodejs_compat",true]')),
  ),
];
