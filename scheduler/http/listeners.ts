/**
 * The node's open listeners, one for each `listen` address, and their change while it runs: what is new is
 * opened before anything else happens, because that can fail, and what is no longer wanted is closed last. An
 * address at which something else is to be spoken from now on, or with other certificates, keeps its listener.
 */
import { formatListen } from "../config/values.ts";
import { DexterError } from "../errors.ts";
import { type CertificateLog, Certificates } from "../tls/certificates.ts";
import type { ListenAddress, NodeConfig, TlsConfig } from "../types.ts";
import { Listener, type ListenerMode, type ListenerPorts } from "./listener.ts";

/** A change whose new listeners are open. Exactly one of its methods is to be called. */
export interface ListenerChange {
  /** Keeps them, and closes those that are no longer wanted. */
  finish(): void;
  abandon(): void;
}

export interface ListenersLog extends CertificateLog {
  debug(message: string): void;
}

export class Listeners {
  readonly #ports: ListenerPorts;
  readonly #log: ListenersLog;
  #saidFallback = false;
  #open: readonly Listener[] = [];
  #certificates: Certificates | undefined;

  constructor(ports: ListenerPorts, log: ListenersLog) {
    this.#ports = ports;
    this.#log = log;
  }

  get urls(): string[] {
    return this.#open.map((listener) => listener.url);
  }

  /**
   * Opens the addresses that are new. Rejects with PORT_IN_USE, LISTEN_FAILED or CERTIFICATE, and then changes
   * nothing.
   */
  async change({ listen, listenBacklog, sendBufferSize, tls }: NodeConfig): Promise<ListenerChange> {
    const isSecure = listen.some(({ secure }) => secure);
    const certificates = isSecure ? new Certificates(tls, this.#log) : undefined;
    const modeOf = (address: ListenAddress) => this.#modeOf(address, tls, certificates);
    const opened: Listener[] = [];
    const abandon = () => {
      for (const listener of opened) listener.destroy();
    };
    const known = (address: ListenAddress) => this.#open.some((listener) => serves(listener, address));
    for (const address of listen.filter((wanted) => !known(wanted))) {
      const mode = modeOf(address);
      const settings = { backlog: listenBacklog, sendBufferSize, mode, onFallback: this.#onFallback };
      try {
        opened.push(await Listener.listen(address, this.#ports, settings));
      } catch (error) {
        abandon();
        throw this.#overlap(address) ?? error;
      }
    }
    const wantedOf = (listener: Listener) => listen.find((address) => serves(listener, address));
    const finish = () => {
      const before = this.#open;
      this.#open = [...before.filter(wantedOf), ...opened];
      for (const listener of before) {
        const address = wantedOf(listener);
        if (address) listener.configure(modeOf(address));
        else void listener.close();
      }
      this.#certificates?.close();
      this.#certificates = certificates;
      certificates?.watch();
    };
    return { finish, abandon };
  }

  readonly #onFallback = (): void => {
    if (this.#saidFallback) return;
    this.#saidFallback = true;
    this.#log.debug(
      `Node.js ${process.version} does not let dexter choose into which memory it reads from clients`,
    );
  };

  #modeOf({ secure }: ListenAddress, tls: TlsConfig, certificates?: Certificates): ListenerMode {
    if (secure && certificates) return { certificates };
    if (!tls.redirect) return {};
    return { redirectPort: () => this.#open.find(({ isSecure }) => isSecure)?.port };
  }

  /** Takes no new connections; resolves when the last request in progress has its answer. */
  async close(): Promise<void> {
    this.#certificates?.close();
    await Promise.all(this.#open.map((listener) => listener.close()));
  }

  /** Ends every connection now. */
  destroy(): void {
    this.#certificates?.close();
    for (const listener of this.#open) listener.destroy();
  }

  /** What is in the way may be a listener of this node's own. */
  #overlap(address: ListenAddress): DexterError | undefined {
    const own = this.#open.find((listener) => listener.address.port === address.port && address.port !== 0);
    if (own === undefined) return undefined;
    const [wanted, held] = [formatListen(address), formatListen(own.address)];
    const reason = `this dexter holds the port as ${held}; stop it and start it again to move`;
    return new DexterError("LISTEN_FAILED", { address: wanted, reason });
  }
}

/** Whether the address is the listener's. Of those whose port the system chooses, there may be one of each kind. */
function serves(listener: Listener, { host, port, secure }: ListenAddress): boolean {
  if (listener.address.host !== host) return false;
  if (port !== 0) return listener.port === port;
  return listener.address.port === 0 && listener.isSecure === (secure === true);
}
