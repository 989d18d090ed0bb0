/**
 * The ways in to the admin API: the socket, whose owner may do anything, and the TCP address of `admin_listen`,
 * behind the gate. Both lead to the same calls, and tell the log what was refused and what failed.
 */
import type { IncomingMessage, Server } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { heldByOwn, isAt } from "../http/held-address.ts";
import type { Logger } from "../logs/logger.ts";
import type { Prepared } from "../system/prepared.ts";
import { Certificates } from "../tls/certificates.ts";
import type { ListenAddress, NodeConfig } from "../types.ts";
import { isNodeFailure } from "./answer.ts";
import { type AdminFeature, createAdmin } from "./app.ts";
import { type Caller, LOCAL } from "./caller.ts";
import { addressOf, Gate, pathOf } from "./gate.ts";
import { openAdminSocket } from "./socket.ts";
import { AdminTcp, type AdminTcpPorts } from "./tcp.ts";
import type { TokenStore } from "./token-store.ts";
import { withoutTokens } from "./token-text.ts";
import { tokens } from "./tokens.ts";

type AdminConfig = Pick<NodeConfig, "adminListen" | "adminHosts"> &
  Partial<Pick<NodeConfig, "tls" | "listen">>;

interface DoorsPorts {
  readonly log: Logger;
  readonly tokens: TokenStore;
  readonly features: readonly AdminFeature[];
}

/** What a client wrote may be long. */
const MAX_LOGGED = 200;

const SILENT = { info: () => {}, warn: () => {}, error: () => {} };

export class AdminDoors {
  readonly #log: Logger;
  readonly #features: readonly AdminFeature[];
  readonly #gate: Gate;
  #hosts: readonly string[] = [];
  #socket: Server | undefined;
  #tcp: AdminTcp | undefined;
  #certificates: Certificates | undefined;

  constructor({ log, tokens: store, features }: DoorsPorts) {
    this.#log = log;
    this.#gate = new Gate({ tokens: store, hosts: () => this.#hosts });
    const tokenCalls = tokens(store, {
      cut: (id, except) => this.#gate.cut(id, except),
      changed: (what, token, by) => log.info({ by }, `the token ${token} was ${what}`),
    });
    this.#features = [...features, tokenCalls];
  }

  /** Where the API is asked over TCP, if it is. */
  get url(): string | undefined {
    return this.#tcp?.url;
  }

  /** Throws LISTEN_FAILED. */
  async openSocket(path: string): Promise<void> {
    const app = createAdmin({ identify: () => LOCAL, failed: this.#failed }, this.#features);
    this.#socket = await openAdminSocket(path, app);
  }

  /**
   * Opens a TCP address that is new. Rejects with PORT_IN_USE, LISTEN_FAILED or a CertificateError, and then changes
   * nothing.
   */
  async change(config: AdminConfig): Promise<Prepared> {
    const { adminListen, adminHosts } = config;
    const certificates = this.#certificatesFor(config);
    const before = this.#tcp;
    const stays = before !== undefined && adminListen !== undefined && keeps(before, adminListen);
    const next = stays ? before : adminListen && (await this.#open(adminListen, certificates));
    return {
      finish: () => {
        const configured = adminListen ? [adminListen.host] : [];
        this.#hosts = [...configured, ...adminHosts];
        this.#tcp = next;
        this.#certificates?.close();
        this.#certificates = certificates;
        certificates?.watch();
        if (stays) return next!.use(certificates);
        void before?.close();
        if (next) this.#announce(next);
      },
      abandon: () => {
        if (!stays) next?.destroy();
      },
    };
  }

  #certificatesFor({ adminListen, tls, listen = [] }: AdminConfig): Certificates | undefined {
    if (!adminListen?.secure || !tls) return undefined;
    // Where clients come by https too, their listeners tell of the same files.
    return new Certificates(tls, listen.some(({ secure }) => secure) ? SILENT : this.#log);
  }

  /** Ends every connection now. */
  destroy(): void {
    this.#certificates?.close();
    this.#tcp?.destroy();
    this.#socket?.close();
    this.#socket?.closeAllConnections();
  }

  async #open(address: ListenAddress, certificates: Certificates | undefined): Promise<AdminTcp> {
    const app = createAdmin({ identify: this.#gate.identify, failed: this.#failed }, this.#features);
    const ports: AdminTcpPorts = {
      handle: getRequestListener(app.fetch, { overrideGlobalObjects: false }),
      refused: this.#failed,
      dropped: (from, reason) =>
        this.#log.warn({ address: from ?? "unknown" }, `the admin API ended a connection: ${reason}`),
    };
    return AdminTcp.open(address, ports, { certificates }).catch((error) => {
      throw heldByOwn(this.#tcp ? [this.#tcp] : [], address) ?? error;
    });
  }

  #announce(tcp: AdminTcp): void {
    this.#log.info(`the admin API is on ${tcp.url}`);
    if (tcp.isExposed)
      this.#log.warn(
        `tokens go to ${tcp.url} in clear text: let admin_listen begin with https://, or be on 127.0.0.1 behind a proxy that speaks TLS`,
      );
  }

  readonly #failed = (incoming: IncomingMessage, error: Error, caller?: Caller): void => {
    const details = {
      call: shown(`${incoming.method} ${pathOf(incoming)}`),
      ...(caller && { by: caller.name }),
      // A unix socket's peer has none.
      ...(incoming.socket.remoteAddress !== undefined && { address: addressOf(incoming) }),
    };
    // The first line says what; the caller got the others, such as a stack, and a failed deploy is logged with them.
    const text = shown(error.message.split("\n", 1)[0]!);
    if (isNodeFailure(error)) this.#log.error(details, `a call of the admin API failed: ${text}`);
    else this.#log.warn(details, `the admin API refused a call: ${text}`);
  };
}

/** Other than a listener, a door speaks one of the two from its first to its last connection. */
function keeps(door: AdminTcp, wanted: ListenAddress): boolean {
  return isAt(door, wanted) && door.isSecure === (wanted.secure === true);
}

/** People put tokens where they do not belong, and strangers what a terminal would obey. */
function shown(text: string): string {
  const safe = withoutTokens(text).replace(/\p{Cc}/gu, "?");
  return safe.length > MAX_LOGGED ? `${safe.slice(0, MAX_LOGGED)}…` : safe;
}
