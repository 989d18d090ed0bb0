/** One certificate with its key, read from PEM files and checked as far as that is possible without a client. */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";
import { DexterError, type ErrorCode } from "../errors.ts";
import type { CertificateFiles, TlsConfig } from "../types.ts";

export interface Certificate {
  readonly files: CertificateFiles;
  /** Lower-case host names it is for, some as `*.example.com`. */
  readonly hosts: readonly string[];
  readonly notAfter: Date;
  readonly options: SecureContextOptions;
  readonly context: SecureContext;
}

/** What a certificate that cannot be used is blamed on. */
export class CertificateError extends DexterError {
  readonly field: "cert" | "key" | "hosts";

  constructor(
    code: ErrorCode & `CERTIFICATE${string}`,
    files: CertificateFiles,
    field: CertificateError["field"],
    cause?: unknown,
  ) {
    const { cert, key } = files;
    const reason = cause === undefined ? "" : reasonOf(cause);
    super(code, { path: field === "key" ? key : cert, cert, reason }, { cause });
    this.field = field;
  }
}

/** @throws CertificateError */
export function readCertificate(files: CertificateFiles, minVersion: TlsConfig["minVersion"]): Certificate {
  const cert = readFile(files, "cert");
  const key = readFile(files, "key");
  const certificate = parseCertificate(files, cert);
  if (!certificate.checkPrivateKey(parseKey(files, key)))
    throw new CertificateError("CERTIFICATE_KEY_WRONG", files, "key");
  const hosts = files.hosts ?? hostsOf(certificate);
  if (hosts.length === 0) throw new CertificateError("CERTIFICATE_NO_HOST", files, "hosts");
  const options: SecureContextOptions = { cert, key, minVersion };
  try {
    const context = createSecureContext(options);
    return { files, hosts, notAfter: new Date(certificate.validTo), options, context };
  } catch (error) {
    throw new CertificateError("CERTIFICATE", files, "cert", error);
  }
}

/** What is to be said of a certificate that works, and should not be left as it is. */
export function expiryWarning({ files, notAfter }: Certificate, now: number): string | undefined {
  if (notAfter.getTime() > now) return undefined;
  return `the certificate in ${files.cert} expired on ${notAfter.toISOString().slice(0, 10)}; clients will refuse it`;
}

function readFile(files: CertificateFiles, field: "cert" | "key"): Buffer {
  try {
    return readFileSync(files[field]);
  } catch (error) {
    throw new CertificateError("CERTIFICATE_UNREADABLE", files, field, error);
  }
}

function parseCertificate(files: CertificateFiles, pem: Buffer): X509Certificate {
  try {
    if (!pem.includes("-----BEGIN CERTIFICATE-----")) throw new Error("no certificate");
    return new X509Certificate(pem);
  } catch (error) {
    throw new CertificateError("CERTIFICATE_NOT_PEM", files, "cert", error);
  }
}

function parseKey(files: CertificateFiles, pem: Buffer): KeyObject {
  if (/-----BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(pem.toString("latin1")))
    throw new CertificateError("CERTIFICATE_KEY_ENCRYPTED", files, "key");
  try {
    return createPrivateKey(pem);
  } catch (error) {
    throw new CertificateError("CERTIFICATE_KEY_NOT_PEM", files, "key", error);
  }
}

const HOST = /^(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;

/** The host names among the subject's alternative names; of a certificate without any, its common name. */
function hostsOf({ subjectAltName, subject }: X509Certificate): string[] {
  const names = (subjectAltName ?? "").split(", ").flatMap((name) => /^DNS:(.*)$/.exec(name)?.[1] ?? []);
  if (subjectAltName === undefined) names.push(/^CN=(.*)$/m.exec(subject)?.[1] ?? "");
  return names.map((name) => name.toLowerCase()).filter((name) => HOST.test(name));
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return "it does not exist";
  if (code === "EACCES") return "it may not be read by the user that dexter runs as";
  if (code === "EISDIR") return "it is a folder";
  return message;
}
