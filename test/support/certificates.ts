/** Certificates for tests, made on the spot. */
import { X509Certificate } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generate } from "selfsigned";

export interface MadeCertificate {
  /** PEM texts. */
  readonly cert: string;
  readonly key: string;
  /** SHA-256, as a client sees it. */
  readonly fingerprint: string;
}

export interface CertificateOptions {
  /** The subject's common name. */
  readonly name?: string;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

const DAY_MS = 86_400_000;

/** A self-signed certificate for these hosts, with a key of its own. */
export async function makeCertificate(
  hosts: readonly string[],
  options: CertificateOptions = {},
): Promise<MadeCertificate> {
  const { name = "test", notBefore = new Date(), notAfter = new Date(Date.now() + DAY_MS) } = options;
  const made = await generate([{ name: "commonName", value: name }], {
    keyType: "ec",
    algorithm: "sha256",
    notBeforeDate: notBefore,
    notAfterDate: notAfter,
    extensions:
      hosts.length === 0
        ? [{ name: "basicConstraints", cA: false }]
        : [{ name: "subjectAltName", altNames: hosts.map((value) => ({ type: 2 as const, value })) }],
  });
  return { cert: made.cert, key: made.private, fingerprint: new X509Certificate(made.cert).fingerprint256 };
}

/** Writes `<name>.pem` and `<name>.key` into a folder. */
export async function writeCertificate(folder: string, name: string, made: MadeCertificate): Promise<void> {
  await writeFile(join(folder, `${name}.key`), made.key);
  await writeFile(join(folder, `${name}.pem`), made.cert);
}
