/** What `[dexter.tls]` means, and what is said when it cannot be so. */
import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { join } from "node:path";
import { before, test } from "node:test";
import { type Files, HANDLER, HEAD, load, refused } from "../fixtures/config/project.ts";
import { type MadeCertificate, makeCertificate } from "../support/certificates.ts";

let made: MadeCertificate;
let other: MadeCertificate;
before(async () => {
  made = await makeCertificate(["example.com"]);
  other = await makeCertificate(["example.org"]);
});

/** A project with a certificate in `site.pem`; the lines begin with the fourth of `wrangler.toml`. */
const project = (lines: string, files: Files = {}): Files => ({
  "wrangler.toml": `${HEAD}[dexter]\n${lines}`,
  "index.ts": HANDLER,
  "site.pem": made.cert,
  "site.key": made.key,
  ...files,
});

const SITE = '{ cert = "site.pem", key = "site.key" }';
const SECURE = `listen = ["80", "https://*:443"]\n[dexter.tls]\ncertificates = [${SITE}]\n`;

test("takes https addresses, and paths from the configuration's folder", async (t) => {
  const { node, root, warnings } = await load(
    t,
    project(`${SECURE}redirect = true\nMinVersion = "1.3"\nhttp2 = "off"`),
  );
  assert.deepEqual(node.listen, [
    { host: "127.0.0.1", port: 80 },
    { host: "0.0.0.0", port: 443, secure: true },
  ]);
  const certificates = [{ cert: join(root, "site.pem"), key: join(root, "site.key") }];
  assert.deepEqual(node.tls, { certificates, redirect: true, minVersion: "TLSv1.3", http2: false });
  assert.deepEqual(warnings, []);
});

test("takes one certificate as a table, and http:// for what is not encrypted", async (t) => {
  const { node } = await load(
    t,
    project(`listen = ["http://[::1]:80", "HTTPS://[::1]:443/"]\n[dexter.tls.certificates]
cert = "site.pem"\nkey = "site.key"\nhosts = "*.example.net"`),
  );
  assert.deepEqual(node.listen, [
    { host: "::1", port: 80 },
    { host: "::1", port: 443, secure: true },
  ]);
  assert.deepEqual(node.tls.certificates[0]!.hosts, ["*.example.net"]);
});

test("takes the same on the command line, by dotted names", async (t) => {
  const set = [
    "listen=https://443",
    'tls.certificates=[{"cert":"site.pem","key":"site.key"}]',
    "dexter.tls.redirect=on",
    "TLS.MinVersion=1.3",
  ];
  const { node } = await load(t, project(""), { set });
  assert.deepEqual(
    [node.listen[0]!.secure, node.tls.certificates.length, node.tls.redirect, node.tls.minVersion],
    [true, 1, true, "TLSv1.3"],
  );
});

const warned: readonly (readonly [
  title: string,
  lines: string,
  files: () => Promise<Files>,
  warning: RegExp,
])[] = [
  [
    "certificates that nothing uses",
    `[dexter.tls]\ncertificates = [${SITE}]`,
    async () => ({}),
    /^wrangler\.toml:5: dexter\.tls\.certificates: is not used: nothing in listen or admin_listen begins with "https:\/\/"$/,
  ],
  [
    "a certificate that has expired",
    SECURE,
    async () => {
      const { cert, key } = await makeCertificate(["a.example"], {
        notBefore: new Date("2024-01-01"),
        notAfter: new Date("2024-12-31"),
      });
      return { "site.pem": cert, "site.key": key };
    },
    /^wrangler\.toml:6: dexter\.tls\.certificates\[0\]\.cert: the certificate in \/.*\/site\.pem expired on 2024-12-31; clients will refuse it$/,
  ],
];

for (const [title, lines, files, warning] of warned)
  test(`warns of ${title}`, async (t) => {
    const { warnings } = await load(t, project(lines, await files()));
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, warning);
  });

/** Whole messages, with the folder of the project left out of paths. */
const bad: readonly (readonly [title: string, lines: string, message: string, files?: () => Files])[] = [
  [
    "https without a certificate",
    'listen = "https://8443"',
    'wrangler.toml:4: dexter.listen: https://127.0.0.1:8443 needs a certificate; name its files in [dexter.tls]: certificates = [{ cert = "site.pem", key = "site.key" }]',
  ],
  [
    "https with an empty list of certificates",
    'listen = "https://8443"\n[dexter.tls]\ncertificates = []',
    "wrangler.toml:6: dexter.tls.certificates: must name at least one certificate for https",
  ],
  [
    "a redirect to nowhere",
    "[dexter.tls]\nredirect = true",
    'wrangler.toml:5: dexter.tls.redirect: needs an address in listen to send to, such as "https://*:443"',
  ],
  [
    "another scheme",
    'listen = "ftp://127.0.0.1:21"',
    'wrangler.toml:4: dexter.listen: must be [address:]port, such as 8787, "127.0.0.1:8787", "[::1]:8787", "*:80" or "https://*:443" (got "ftp://127.0.0.1:21")',
  ],
  [
    "the same address, encrypted and not",
    'listen = ["8443", "https://8443"]',
    'wrangler.toml:4: dexter.listen[1]: must differ from the other addresses; this one is already listened on (got "https://8443")',
  ],
  [
    "https for the admin API without a certificate",
    'admin_listen = "https://8443"',
    'wrangler.toml:4: dexter.admin_listen: https://127.0.0.1:8443 needs a certificate; name its files in [dexter.tls]: certificates = [{ cert = "site.pem", key = "site.key" }]',
  ],
  ["no table", "tls = true", "wrangler.toml:4: dexter.tls: must be a table (got true)"],
  [
    "a slip in a key",
    "[dexter.tls]\nredirct = true",
    'wrangler.toml:5: dexter.tls.redirct: unknown key; did you mean "redirect"?',
  ],
  [
    "a key twice",
    '[dexter.tls]\nmin_version = "1.2"\nMinVersion = "1.3"',
    'wrangler.toml:6: dexter.tls.MinVersion: is the same directive as "min_version"; keep one of them',
  ],
  [
    "an old version",
    '[dexter.tls]\nmin_version = "1.1"',
    'wrangler.toml:5: dexter.tls.min_version: must be one of "1.2", "1.3" (got "1.1")',
  ],
  [
    "a certificate without a key",
    '[dexter.tls]\ncertificates = [{ cert = "site.pem" }]',
    "wrangler.toml:5: dexter.tls.certificates[0].key: must be a path (got nothing)",
  ],
  [
    "a slip in a certificate's key",
    '[dexter.tls]\ncertificates = [{ cert = "site.pem", keys = "site.key", key = "site.key" }]',
    'wrangler.toml:5: dexter.tls.certificates[0]: "keys": unknown key; did you mean "key"? (got {"cert":"site.pem","keys":"site.key","key":"site.key"})',
  ],
  [
    "a certificate as a path",
    '[dexter.tls]\ncertificates = ["site.pem"]',
    'wrangler.toml:5: dexter.tls.certificates[0]: must be a table with cert and key, such as { cert = "site.pem", key = "site.key" } (got "site.pem")',
  ],
  [
    "a host that is none",
    '[dexter.tls]\ncertificates = [{ cert = "site.pem", key = "site.key", hosts = ["a.*.example"] }]',
    'wrangler.toml:5: dexter.tls.certificates[0].hosts[0]: must be a lower-case host name such as "example.com" or "*.example.com" (got "a.*.example")',
  ],
  [
    "a file that does not exist",
    SECURE.replace("site.pem", "gone.pem"),
    "wrangler.toml:6: dexter.tls.certificates[0].cert: gone.pem: cannot be read: it does not exist",
  ],
  [
    "a folder instead of a file",
    SECURE,
    "wrangler.toml:6: dexter.tls.certificates[0].key: site.key: cannot be read: it is a folder",
    () => ({ "site.key": null }),
  ],
  [
    "a file that is no certificate",
    SECURE,
    'wrangler.toml:6: dexter.tls.certificates[0].cert: site.pem: holds no certificate in PEM form ("-----BEGIN CERTIFICATE-----")',
    () => ({ "site.pem": "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n" }),
  ],
  [
    "a file that is no key",
    SECURE,
    'wrangler.toml:6: dexter.tls.certificates[0].key: site.key: holds no private key in PEM form ("-----BEGIN PRIVATE KEY-----")',
    () => ({ "site.key": made.cert }),
  ],
  [
    "the key of another certificate",
    SECURE,
    "wrangler.toml:6: dexter.tls.certificates[0].key: site.key: is not the key of the certificate in site.pem",
    () => ({ "site.key": other.key }),
  ],
  [
    "a key with a passphrase",
    SECURE,
    "wrangler.toml:6: dexter.tls.certificates[0].key: site.key: is encrypted; remove its passphrase",
    () => {
      const key = createPrivateKey(made.key);
      const cipher = { cipher: "aes-256-cbc", passphrase: "secret" };
      return { "site.key": key.export({ type: "pkcs8", format: "pem", ...cipher }).toString() };
    },
  ],
];

for (const [title, lines, message, files = () => ({})] of bad)
  test(`refuses ${title}`, async (t) => {
    const error = await refused(t, project(lines, files()));
    assert.equal(error.code, "CONFIG_INVALID");
    assert.equal(error.message.replaceAll(/\/\S*\/dexter-config-\w+\//g, ""), message);
  });

test("refuses a slip on the command line", async (t) => {
  const error = await refused(t, project(""), { set: ["tls.redirekt=on"] });
  assert.equal(error.message, '--set tls.redirekt: unknown key; did you mean "tls.redirect"?');
});

test("refuses the table in a function's own file", async (t) => {
  const error = await refused(t, {
    "wrangler.toml": `${HEAD}`,
    "index.ts": HANDLER,
    "functions/a/wrangler.toml": "[dexter.tls]\nredirect = true",
    "functions/a/index.ts": HANDLER,
  });
  assert.match(
    error.message,
    /^functions\/a\/wrangler\.toml:2: dexter\.tls\.redirect: belongs in the node's file/,
  );
});

test("names the certificate that lacks a host", async (t) => {
  const { cert, key } = await makeCertificate([], { name: "no host" });
  const error = await refused(t, project(SECURE, { "site.pem": cert, "site.key": key }));
  assert.match(
    error.message,
    /dexter\.tls\.certificates\[0\]\.hosts: \/.*site\.pem: names no host; say in hosts which ones it is for$/,
  );
});
