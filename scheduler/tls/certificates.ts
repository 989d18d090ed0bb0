/**
 * The certificates of a node: chosen by the host that a client names (SNI), and read again when their files change.
 * Files are looked at now and then instead of being watched, because what renews certificates replaces files, folders
 * and the links to them in many ways.
 */
import { type BigIntStats, statSync } from "node:fs";
import type { SecureContext, SecureContextOptions } from "node:tls";
import type { CertificateFiles, TlsConfig } from "../types.ts";
import { type Certificate, expiryWarning, readCertificate } from "./certificate.ts";

/** A change is taken up when the files have stayed the same for as long as this. */
const CHECK_MS = 1_000;

/** Where it says what it does. */
export interface CertificateLog {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

interface Entry {
  readonly files: CertificateFiles;
  certificate: Certificate;
  /** State of the files when they were read, or found wrong. */
  known: string;
  /** Their state when they were last looked at. */
  seen: string;
}

export class Certificates {
  readonly config: TlsConfig;
  readonly #log: CertificateLog;
  readonly #entries: readonly Entry[];
  #timer: NodeJS.Timeout | undefined;
  #byHost = new Map<string, SecureContext>();
  #revision = 0;

  /** @throws CertificateError for the first that cannot be used */
  constructor(config: TlsConfig, log: CertificateLog) {
    this.config = config;
    this.#log = log;
    this.#entries = config.certificates.map((files) => {
      const known = stateOf(files);
      return { files, certificate: readCertificate(files, config.minVersion), known, seen: known };
    });
    this.#index();
  }

  /** Changes with any of the certificates. */
  get revision(): number {
    return this.#revision;
  }

  /** The first certificate is for clients that name no host, or one that no certificate is for. */
  get defaults(): SecureContextOptions {
    return this.#entries[0]!.certificate.options;
  }

  /** By the very name, then by the wildcard that takes its first label's place. */
  contextFor(host: string): SecureContext {
    const name = host.toLowerCase().replace(/\.$/, "");
    const wildcard = name.replace(/^[^.]+/, "*");
    return this.#byHost.get(name) ?? this.#byHost.get(wildcard) ?? this.#entries[0]!.certificate.context;
  }

  /** Reads again what has changed. What is broken then is said once, and the certificate before stays. */
  check(): void {
    for (const entry of this.#entries) {
      const now = stateOf(entry.files);
      const settled = now === entry.seen;
      entry.seen = now;
      if (settled && now !== entry.known) this.#readAgain(entry);
    }
  }

  /** Looks at the files now and then, until `close`. */
  watch(): void {
    this.#timer ??= setInterval(() => this.check(), CHECK_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #readAgain(entry: Entry): void {
    entry.known = entry.seen;
    try {
      entry.certificate = readCertificate(entry.files, this.config.minVersion);
    } catch (error) {
      return this.#log.error(`${(error as Error).message} (the previous certificate stays in use)`);
    }
    this.#index();
    const { hosts, notAfter } = entry.certificate;
    this.#log.info(
      `${entry.files.cert}: loaded the new certificate for ${hosts.join(", ")}, valid until ${notAfter.toISOString().slice(0, 10)}`,
    );
    const warning = expiryWarning(entry.certificate, Date.now());
    if (warning) this.#log.warn(warning);
  }

  /** Of several certificates for a host the first is used. */
  #index(): void {
    this.#revision++;
    this.#byHost = new Map(
      this.#entries
        .toReversed()
        .flatMap(({ certificate: { hosts, context } }) => hosts.map((host) => [host, context])),
    );
  }
}

/** Differs when a file was written or replaced, be it within one tick of the clock. */
function stateOf({ cert, key }: CertificateFiles): string {
  const state = (path: string) => {
    try {
      const { dev, ino, size, mtimeNs, ctimeNs }: BigIntStats = statSync(path, { bigint: true });
      return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
    } catch (error) {
      // No such file, no permission, a link in a circle: reading it will say so.
      return String((error as NodeJS.ErrnoException).code);
    }
  };
  return `${state(cert)}, ${state(key)}`;
}
