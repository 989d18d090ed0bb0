/**
 * The node's open listeners, one for each `listen` address, and their change while it runs: what is new is
 * opened before anything else happens, because that can fail, and what is no longer wanted is closed last. An
 * address at which something else is to be spoken from now on, or with other certificates, keeps its listener.
 */
import type { Prepared } from "../system/prepared.ts";
import { type CertificateLog, Certificates } from "../tls/certificates.ts";
import type { ListenAddress, NodeConfig, TlsConfig } from "../types.ts";
import { Clients } from "./clients.ts";
import { heldByOwn, isAt } from "./held-address.ts";
import { Listener, type ListenerMode, type ListenerPorts } from "./listener.ts";

interface ListenersLog extends CertificateLog {
  debug(message: string): void;
}

export class Listeners {
  readonly #ports: ListenerPorts;
  readonly #clients: Clients;
  readonly #log: ListenersLog;
  #saidFallback = false;
  #open: readonly Listener[] = [];
  #certificates: Certificates | undefined;

  constructor(ports: ListenerPorts, log: ListenersLog, clients = new Clients()) {
    this.#clients = clients;
    this.#ports = ports;
    this.#log = log;
  }

  get urls(): string[] {
    return this.#open.map((listener) => listener.url);
  }

  /**
   * Opens the addresses that are new; those that are no longer wanted are closed in the end. Rejects with PORT_IN_USE,
   * LISTEN_FAILED or a CertificateError, and then changes nothing.
   */
  async change({ listen, listenBacklog, sendBufferSize, tls }: NodeConfig): Promise<Prepared> {
    const isSecure = listen.some(({ secure }) => secure);
    const certificates = isSecure ? new Certificates(tls, this.#log) : undefined;
    const modeOf = (address: ListenAddress) => this.#modeOf(address, tls, certificates);
    const opened: Listener[] = [];
    const abandon = () => {
      for (const listener of opened) listener.destroy();
    };
    const known = (address: ListenAddress) => this.#open.some((listener) => isAt(listener, address));
    for (const address of listen.filter((wanted) => !known(wanted))) {
      const mode = modeOf(address);
      const settings = {
        backlog: listenBacklog,
        sendBufferSize,
        mode,
        clients: this.#clients,
        onFallback: this.#onFallback,
      };
      try {
        opened.push(await Listener.listen(address, this.#ports, settings));
      } catch (error) {
        abandon();
        throw heldByOwn(this.#open, address) ?? error;
      }
    }
    const wantedOf = (listener: Listener) => listen.find((address) => isAt(listener, address));
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
}
