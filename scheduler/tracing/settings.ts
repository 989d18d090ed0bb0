/**
 * What OpenTelemetry's environment variables say about traces. As its specification asks, what cannot be used is warned
 * about and ignored: these variables are often set for all programs of a machine.
 */
import { hostname } from "node:os";
import { type Sampler, samplerOf } from "./sampler.ts";

export interface ExportSettings {
  /** Where traces are posted to. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly resource: Readonly<Record<string, string>>;
}

interface TracingSettings {
  readonly sampler: Sampler;
  /** Absent when spans go nowhere. */
  readonly export?: ExportSettings;
}

type Environment = Readonly<Record<string, string | undefined>>;
type Warn = (warning: string) => void;

const TIMEOUT_MS = 10_000;

export function tracingSettings(env: Environment, version: string, warn: Warn): TracingSettings {
  const exporting = exportSettings(env, version, warn);
  const name = env.OTEL_TRACES_SAMPLER?.trim();
  // Nobody is told that a request is recorded when nothing records it.
  const fallback = exporting ? "parentbased_always_on" : "parentbased_always_off";
  const given = name ? samplerOf(name, env.OTEL_TRACES_SAMPLER_ARG, warn) : undefined;
  return {
    sampler: given ?? samplerOf(fallback, undefined, warn)!,
    ...(exporting ? { export: exporting } : {}),
  };
}

function exportSettings(env: Environment, version: string, warn: Warn): ExportSettings | undefined {
  const off = env.OTEL_SDK_DISABLED?.trim().toLowerCase() === "true" || env.OTEL_TRACES_EXPORTER === "none";
  const url = off ? undefined : endpoint(env, warn);
  if (url === undefined) return undefined;
  const protocol = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || env.OTEL_EXPORTER_OTLP_PROTOCOL;
  if (protocol === "grpc") {
    warn("OTEL_EXPORTER_OTLP_PROTOCOL is grpc, which dexter does not speak; no traces are sent");
    return undefined;
  }
  const timeout = env.OTEL_EXPORTER_OTLP_TRACES_TIMEOUT || env.OTEL_EXPORTER_OTLP_TIMEOUT;
  return {
    url,
    headers: {
      ...pairs("OTEL_EXPORTER_OTLP_HEADERS", env, warn),
      ...pairs("OTEL_EXPORTER_OTLP_TRACES_HEADERS", env, warn),
    },
    timeoutMs: Number(timeout) > 0 ? Number(timeout) : TIMEOUT_MS,
    resource: {
      "service.name": "dexter",
      "service.version": version,
      "host.name": hostname(),
      ...pairs("OTEL_RESOURCE_ATTRIBUTES", env, warn),
      ...(env.OTEL_SERVICE_NAME ? { "service.name": env.OTEL_SERVICE_NAME } : {}),
    },
  };
}

/** The variable for traces is a whole URL, the general one is where the path of each signal begins. */
function endpoint(env: Environment, warn: Warn): string | undefined {
  for (const [name, suffix] of [
    ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", ""],
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "/v1/traces"],
  ] as const) {
    const given = env[name]?.trim();
    if (!given) continue;
    if (/^https?:\/\//i.test(given) && URL.canParse(given))
      return suffix === "" ? given : `${given.replace(/\/+$/, "")}${suffix}`;
    warn(`${name} must be a URL with http:// or https:// (got "${given}"); no traces are sent`);
    return undefined;
  }
  return undefined;
}

/** `key=value,key=value`, percent-encoded. */
function pairs(name: string, env: Environment, warn: Warn): Record<string, string> {
  const found: Record<string, string> = {};
  for (const pair of (env[name] ?? "").split(",").filter((text) => text.trim() !== "")) {
    const [, key, value] = /^\s*([^=\s]+)\s*=(.*)$/.exec(pair) ?? [];
    try {
      if (key === undefined || value === undefined) throw new URIError();
      found[decodeURIComponent(key)] = decodeURIComponent(value.trim());
    } catch {
      // Its value may be a secret.
      warn(`${name}: an entry is not key=value, percent-encoded; it is ignored`);
    }
  }
  return found;
}
