/** Reads Prometheus' text format strictly, as its specification has it, and knows what a family must be like. */
import assert from "node:assert/strict";

export interface ReadSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ReadFamily {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: ReadSample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"(?:,|$)/y;

export class Exposition {
  readonly families: readonly ReadFamily[];

  /** Fails where the text breaks a rule of the format or of the conventions. */
  constructor(text: string) {
    assert.ok(text.endsWith("\n"), "the last line ends");
    this.families = readFamilies(text.slice(0, -1).split("\n"));
    for (const family of this.families) check(family);
  }

  /** The sample with these labels; fails without one. */
  value(name: string, labels: Record<string, string | number> = {}): number {
    const found = this.samples(name, labels);
    assert.equal(found.length, 1, `${name}${JSON.stringify(labels)}: ${JSON.stringify(found)}`);
    return found[0]!.value;
  }

  /** Those of which these are among the labels. */
  samples(name: string, labels: Record<string, string | number> = {}): ReadSample[] {
    return this.families
      .flatMap(({ samples }) => samples)
      .filter((sample) => sample.name === name)
      .filter((sample) =>
        Object.entries(labels).every(([key, value]) => sample.labels[key] === String(value)),
      );
  }

  get names(): Set<string> {
    return new Set(this.families.flatMap(({ samples }) => samples.map(({ name }) => name)));
  }
}

function readFamilies(lines: readonly string[]): ReadFamily[] {
  const families: ReadFamily[] = [];
  let help: RegExpExecArray | undefined;
  for (const line of lines) {
    if (line.startsWith("# HELP ")) {
      help = /^# HELP (\S+) (\S.*)$/.exec(line) ?? assert.fail(line);
    } else if (line.startsWith("# TYPE ")) {
      const [, name, type] = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line) ?? assert.fail(line);
      assert.equal(help?.[1], name, "HELP comes before TYPE");
      assert.ok(!families.some((family) => family.name === name), `${name} is there once`);
      families.push({ name: name!, help: help![2]!, type: type!, samples: [] });
    } else {
      const family = families.at(-1) ?? assert.fail(`a sample without a family: ${line}`);
      family.samples.push(readSample(line));
    }
  }
  return families;
}

function readSample(line: string): ReadSample {
  const [, name, labels = "", value] = SAMPLE.exec(line) ?? assert.fail(`no sample: ${line}`);
  return { name: name!, labels: readLabels(labels), value: Number(value!.replace("Inf", "Infinity")) };
}

function readLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const [, name, value] = LABEL.exec(text) ?? assert.fail(`no labels: ${text}`);
    assert.ok(!(name! in labels), `${name} twice`);
    labels[name!] = value!.replace(/\\(.)/g, (_, char: string) => (char === "n" ? "\n" : char));
  }
  return labels;
}

function check({ name, type, samples }: ReadFamily): void {
  assert.match(name, NAME);
  assert.equal(name.endsWith("_total"), type === "counter", `${name} is a ${type}`);
  const keys = samples.map((sample) => JSON.stringify([sample.name, Object.entries(sample.labels).sort()]));
  assert.equal(new Set(keys).size, keys.length, `${name} has a sample twice`);
  for (const sample of samples) {
    assert.ok(!Number.isNaN(sample.value), `${sample.name} is a number`);
    if (type !== "gauge") assert.ok(sample.value >= 0, `${sample.name} is not negative`);
    const suffix = sample.name.slice(name.length);
    const allowed = type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
    assert.ok(sample.name.startsWith(name) && allowed.includes(suffix), `${sample.name} is of ${name}`);
  }
  if (type === "histogram") checkHistogram(name, samples);
}

function checkHistogram(name: string, samples: readonly ReadSample[]): void {
  const series = new Map<string, ReadSample[]>();
  for (const sample of samples) {
    const { le, ...labels } = sample.labels;
    assert.equal(le !== undefined, sample.name === `${name}_bucket`);
    const key = JSON.stringify(labels);
    series.set(key, [...(series.get(key) ?? []), sample]);
  }
  for (const of of series.values()) {
    const buckets = of.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) => Number(labels.le!.replace("+Inf", "Infinity")));
    assert.deepEqual(
      bounds,
      [...bounds].sort((a, b) => a - b),
      `${name}: bounds rise`,
    );
    assert.equal(bounds.at(-1), Number.POSITIVE_INFINITY);
    for (const [place, { value }] of buckets.entries())
      assert.ok(value >= (buckets[place - 1]?.value ?? 0), `${name}: buckets are cumulative`);
    const count = of.find((sample) => sample.name === `${name}_count`);
    assert.equal(count?.value, buckets.at(-1)!.value);
    assert.equal(of.filter((sample) => sample.name === `${name}_sum`).length, 1);
  }
}
