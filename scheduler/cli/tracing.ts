/** Makes the tracer that the environment asks for. */
import type { Logger } from "../logs/logger.ts";
import { tracingSettings } from "../tracing/settings.ts";
import { Tracer } from "../tracing/tracer.ts";

declare const __DEXTER_VERSION__: string;

/** What cannot be used of the environment is warned about. */
export async function tracerFor(env: NodeJS.ProcessEnv, log: Logger): Promise<Tracer> {
  const warn = (warning: string) => log.warn(warning);
  const settings = tracingSettings(env, __DEXTER_VERSION__, warn);
  if (!settings.export) return new Tracer(settings.sampler);
  const { SpanExporter } = await import("../tracing/exporter.ts");
  return new Tracer(settings.sampler, new SpanExporter(settings.export, warn));
}
