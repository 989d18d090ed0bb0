/** Which traces are recorded: OpenTelemetry's samplers, by their names. */

/** @param parent whether the caller records the trace; undefined without a caller that says */
export type Sampler = (traceId: string, parent: boolean | undefined) => boolean;

const ROOTS: Readonly<Record<string, (ratio: number) => Sampler>> = {
  always_on: () => () => true,
  always_off: () => () => false,
  traceidratio: (ratio) => (traceId) => chance(traceId) < ratio,
};

/** By the last 13 of its digits, which are random; the same for every program that looks at the trace. */
function chance(traceId: string): number {
  return Number.parseInt(traceId.slice(-13), 16) / 2 ** 52;
}

/** @returns undefined for a name that is not known, of which is warned */
export function samplerOf(
  name: string,
  argument: string | undefined,
  warn: (warning: string) => void,
): Sampler | undefined {
  const [, parentBased, root = ""] = /^(parentbased_)?(.*)$/.exec(name)!;
  const make = Object.hasOwn(ROOTS, root) ? ROOTS[root] : undefined;
  if (make === undefined) {
    warn(`OTEL_TRACES_SAMPLER: dexter has no sampler "${name}"; it is ignored`);
    return undefined;
  }
  const sample = make(root === "traceidratio" ? ratioOf(argument, warn) : 1);
  return parentBased ? (traceId, parent) => parent ?? sample(traceId, undefined) : sample;
}

function ratioOf(argument: string | undefined, warn: (warning: string) => void): number {
  if (argument === undefined || argument.trim() === "") return 1;
  const ratio = Number(argument);
  if (ratio >= 0 && ratio <= 1) return ratio;
  warn(`OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1 (got "${argument}"); 1 is used`);
  return 1;
}
