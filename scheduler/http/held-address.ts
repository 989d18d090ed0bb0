/** Addresses that a node listens on: what they are called, whether they are those that are wanted, and what is in the way. */
import { formatListen } from "../config/values.ts";
import { DexterError } from "../errors.ts";
import type { ListenAddress } from "../types.ts";

/** What somebody listens on. */
export interface HeldAddress {
  /** As it was asked for. */
  readonly address: ListenAddress;
  /** In use; the system chose it when 0 was asked for. */
  readonly port: number;
  readonly isSecure: boolean;
}

const LISTEN_REASONS: Readonly<Record<string, string>> = {
  EACCES: "only root may take this port; choose one from 1024 on",
  EADDRNOTAVAIL: "it is not an address of this machine",
  ENOTFOUND: "the host has no address",
  EAI_AGAIN: "the host's address cannot be looked up",
};

export function urlOf({ address: { host }, port, isSecure }: HeldAddress): string {
  return `${isSecure ? "https" : "http"}://${formatListen({ host, port })}`;
}

/** Whether it is the wanted one. Of those whose port the system chooses, there may be one of each kind. */
export function isAt({ address, port, isSecure }: HeldAddress, wanted: ListenAddress): boolean {
  if (address.host !== wanted.host) return false;
  if (wanted.port !== 0) return port === wanted.port;
  return address.port === 0 && isSecure === (wanted.secure === true);
}

/** PORT_IN_USE or LISTEN_FAILED, from what the system says. */
export function listenError(
  directive: "listen" | "admin_listen",
  address: ListenAddress,
  cause: NodeJS.ErrnoException,
): DexterError {
  const code = cause.code === "EADDRINUSE" ? "PORT_IN_USE" : "LISTEN_FAILED";
  const reason = LISTEN_REASONS[cause.code ?? ""] ?? cause.message;
  return new DexterError(code, { address: formatListen(address), reason, directive }, { cause });
}

/** What is in the way of an address may be one that this node holds: LISTEN_FAILED with advice; undefined if none is. */
export function heldByOwn(held: readonly HeldAddress[], wanted: ListenAddress): DexterError | undefined {
  const own = held.find(({ port }) => port === wanted.port);
  if (own === undefined) return undefined;
  const known = formatListen({ host: own.address.host, port: own.port });
  const reason = `this dexter holds the port as ${known}; stop it and start it again to move`;
  return new DexterError("LISTEN_FAILED", { address: formatListen(wanted), reason });
}
