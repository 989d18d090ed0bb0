/**
 * The shapes that several parts of the scheduler agree on. Durations are milliseconds, paths absolute.
 */
import type { VersionModule } from "../runtime/protocol.ts";

export type { VersionModule };

/** Thread settings, which a function's own `[dexter]` table may override. */
export interface ThreadSettings {
  readonly startThreads: number;
  readonly minSpareThreads: number;
  readonly maxSpareThreads: number;
  /** Requests that one thread may serve at once. */
  readonly concurrency: number;
  /** A function without a request for this long keeps no threads. */
  readonly idleTimeoutMs: number;
}

/** What a function may take. Times are milliseconds; 0 = no limit. */
export interface FunctionLimits {
  /** CPU time of one request in a row. */
  readonly cpuLimitMs: number;
  /** Until the head of the response. */
  readonly responseTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** What runs again when its server dies. */
  readonly retry: "off" | "safe" | "idempotent";
  readonly maxBodyBytes: number;
  readonly maxSockets: number;
  readonly idleSocketTimeoutMs: number;
}

/** What clients may take, and the functions that set nothing themselves. */
export interface NodeLimits {
  readonly ofFunctions: FunctionLimits;
  readonly requestBufferBytes: number;
  readonly bodyTimeoutMs: number;
  /** Bytes a second. */
  readonly minRate: number;
  readonly responseBufferBytes: number;
  readonly maxBufferedBytes: number;
  readonly sendTimeoutMs: number;
  /** Of all threads, 0 to 1. */
  readonly maxSharePerClient: number;
  /** 0 = as many as there are descriptors for. */
  readonly maxConnections: number;
  readonly maxConnectionsPerClient: number;
  readonly maxStreams: number;
  /** Of all requests, 0 to 1. */
  readonly retryBudget: number;
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  /** Its connections are encrypted. */
  readonly secure?: true;
}

/** PEM files of a certificate (with what chains it to its issuer) and of its key. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
  /** Host names it is for, some as `*.example.com`; undefined: those that it names. */
  readonly hosts?: readonly string[];
}

/** The `[dexter.tls]` table. */
export interface TlsConfig {
  readonly certificates: readonly CertificateFiles[];
  /** Requests that came unencrypted are sent to https. */
  readonly redirect: boolean;
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
  readonly http2: boolean;
}

/** The `[dexter]` table, checked, with defaults filled in. */
export interface NodeConfig extends ThreadSettings {
  readonly limits: NodeLimits;
  readonly numServers: number;
  readonly maxThreadsPerChild: number;
  /** 0 = never recycle. */
  readonly maxRequestsPerChild: number;
  /** How old a server becomes at least before its requests end it; 0 = they are a limit. */
  readonly recycleAfterMs: number;
  readonly listen: readonly ListenAddress[];
  readonly tls: TlsConfig;
  readonly listenBacklog: number;
  readonly user?: string;
  readonly group?: string;
  readonly pidFile: string;
  readonly lockFile: string;
  readonly scoreBoardFile?: string;
  readonly coreDumpDirectory?: string;
  readonly connectionStatus: boolean;
  /** Generations are born with threads of no function, of hot ones, of all active ones. */
  readonly residentThreads: "off" | "on" | "always";
  /** Bytes of an answer that may wait in the scheduler for a slow client; 0 = Node.js's default. */
  readonly sendBufferSize: number;
  readonly dataDir: string;
  readonly functionsDir: string;
  readonly baseDomain: string;
  /** For functions that set none of their own. */
  readonly healthPath?: string;
  readonly canaryWindowMs: number;
  readonly keepVersions: number;
  readonly queueTimeoutMs: number;
  readonly stopTimeoutMs: number;
  /** Addresses or CIDR ranges. */
  readonly trustedProxies: readonly string[];
  /** workerd network allow list: "public", "private", "local", CIDR ranges. */
  readonly allowNetwork: readonly string[];
  readonly logLevel: "trace" | "debug" | "info" | "warn" | "error" | "silent";
  /** A file, or "-" for stdout. */
  readonly accessLog?: string;
  readonly accessLogFormat: "json" | "combined";
  /** Absent for stderr. */
  readonly errorLog?: string;
  /** Lines per second and function; 0 = no limit. */
  readonly logRate: number;
  readonly v8Flags: readonly string[];
  readonly adminListen?: ListenAddress;
  /** Names by which the admin API may be asked, beside addresses, localhost and that of `adminListen`. */
  readonly adminHosts: readonly string[];
  readonly secretKeyFile: string;
}

export type ModuleRuleType = "ESModule" | "CommonJS" | "CompiledWasm" | "Text" | "Data";

export interface BuildSettings {
  readonly rules: readonly {
    readonly type: ModuleRuleType;
    readonly globs: readonly string[];
    readonly fallthrough: boolean;
  }[];
  readonly define: Readonly<Record<string, string>>;
  readonly alias: Readonly<Record<string, string>>;
  readonly minify: boolean;
  readonly keepNames: boolean;
  readonly tsconfig?: string;
  readonly noBundle: boolean;
  /** `build.command`, run by a shell in `cwd` before each build. */
  readonly command?: { readonly line: string; readonly cwd: string; readonly watchDir: readonly string[] };
}

/** What a function's own `[dexter]` table sets. */
export interface FunctionDirectives {
  readonly threads: ThreadSettings;
  /** Absent when it sets none. */
  readonly limits?: Partial<FunctionLimits>;
  /** A path that a new version must answer with a status below 400 before it goes live. */
  readonly healthPath?: string;
}

/** How a function is reached and scheduled, wherever its code comes from. */
export interface FunctionSettings extends FunctionDirectives {
  readonly name: string;
  /** wrangler's route patterns as given (`example.com/api/*`); empty = default routing by name. */
  readonly routes: readonly string[];
  /** What the project's `main` names: answers every path that no other function has. */
  readonly catchAll: boolean;
}

/** One function of a project, ready to be built. */
export interface FunctionConfig extends FunctionSettings {
  /** The entry module. */
  readonly main: string;
  /** The folder that relative paths of its settings start from. */
  readonly root: string;
  /** The configuration file the settings came from; undefined for a bare file in functions/. */
  readonly configPath?: string;
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  /** JSON values and strings, `.dev.vars` already merged in dev. */
  readonly vars: Readonly<Record<string, unknown>>;
  readonly build: BuildSettings;
}

/** What `loadProject` returns; everything in it is frozen. */
export interface Project {
  /** The project's configuration file. */
  readonly configPath: string;
  readonly root: string;
  readonly node: NodeConfig;
  readonly functions: readonly FunctionConfig[];
  /** One line each, naming file and field. */
  readonly warnings: readonly string[];
  /** Every file whose change can change this project (configs, `.dev.vars`). */
  readonly watchFiles: readonly string[];
}

/** One immutable, content-addressed build of a function. */
export interface Version {
  /** First 16 hex digits of a SHA-256 over all that decides behaviour: modules, routes and settings, vars. */
  readonly id: string;
  readonly functionName: string;
  readonly mainModule: string;
  readonly modules: Readonly<Record<string, VersionModule>>;
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  readonly env: Readonly<Record<string, unknown>>;
  /** Source map (JSON text) of the main module, with `sources` as absolute paths. */
  readonly sourceMap?: string;
}
