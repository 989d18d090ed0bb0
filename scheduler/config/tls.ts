/** The `[dexter.tls]` table: what of it has to fit the rest, and whether its files can be used. */
import { resolve } from "node:path";
import { CertificateError, expiryWarning, readCertificate } from "../tls/certificate.ts";
import type { NodeConfig, TlsConfig } from "../types.ts";
import type { DirectiveValues } from "./directives.ts";
import type { Entries, Problems } from "./problems.ts";
import { formatListen } from "./values.ts";

/** Paths start from `root`. */
export function tlsOf(all: DirectiveValues, root: string): TlsConfig {
  return {
    certificates: all["tls.certificates"].map(({ cert, key, hosts }) => ({
      cert: resolve(root, cert),
      key: resolve(root, key),
      ...(hosts && { hosts }),
    })),
    redirect: all["tls.redirect"],
    minVersion: `TLSv${all["tls.min_version"]}`,
    http2: all["tls.http2"],
  };
}

/** Reports what asks for encryption without saying how, and the other way round. */
export function checkTls(
  { listen, adminListen, tls }: NodeConfig,
  entries: Entries,
  problems: Problems,
): void {
  const serves = listen.find((address) => address.secure);
  const secure = serves ?? (adminListen?.secure ? adminListen : undefined);
  const asks = serves ? "listen" : "admin_listen";
  const [listens, certificates, redirect] = [asks, "tls.certificates", "tls.redirect"].map((name) =>
    entries.get(name),
  );
  if (secure && listens && !certificates)
    problems.error(
      listens.source,
      listens.path,
      `https://${formatListen(secure)} needs a certificate; name its files in [dexter.tls]: ` +
        'certificates = [{ cert = "site.pem", key = "site.key" }]',
    );
  else if (secure && certificates && tls.certificates.length === 0)
    problems.error(certificates.source, certificates.path, "must name at least one certificate for https");
  if (!serves && redirect && tls.redirect)
    problems.error(
      redirect.source,
      redirect.path,
      'needs an address in listen to send to, such as "https://*:443"',
    );
  if (!secure && certificates && tls.certificates.length > 0)
    problems.warn(
      certificates.source,
      certificates.path,
      'is not used: nothing in listen or admin_listen begins with "https://"',
    );
}

/** Reads the certificates, as the listeners will; what is wrong with one is reported at its place. */
export function checkCertificates({ tls }: NodeConfig, entries: Entries, problems: Problems): void {
  const entry = entries.get("tls.certificates");
  if (entry === undefined) return;
  for (const [index, files] of tls.certificates.entries()) {
    const place = Array.isArray(entry.value) ? [...entry.path, index] : entry.path;
    try {
      const warning = expiryWarning(readCertificate(files, tls.minVersion), Date.now());
      if (warning) problems.warn(entry.source, [...place, "cert"], warning);
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error;
      problems.error(entry.source, [...place, error.field], error.message);
    }
  }
}
