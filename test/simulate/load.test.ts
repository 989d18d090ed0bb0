/** Where the simulation's arrivals come from: scenarios, and files of recorded ones. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Random, Zipf } from "../../simulate/random.ts";
import { parseArrivals, readArrivals } from "../../simulate/recorded.ts";
import { scenarios, synthesize } from "../../simulate/scenarios.ts";

const SIZE = { servers: 3, functions: 50, requests: 20_000, seed: 5 };
const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);

describe("a scenario", () => {
  for (const scenario of scenarios) {
    const arrivals = synthesize(scenario, SIZE);

    it(`has so many requests, in order, over the time that makes its load: ${scenario.name}`, () => {
      assert.equal(arrivals.atMs.length, SIZE.requests);
      assert.deepEqual(arrivals.atMs, arrivals.atMs.toSorted());
      assert.ok(arrivals.cpuMs.every((ms) => ms > 0));
      assert.ok(arrivals.ioMs.every((ms) => ms >= 0));
      const load = sum(arrivals.cpuMs) / (arrivals.atMs.at(-1)! * SIZE.servers);
      assert.ok(Math.abs(load / scenario.load - 1) < 0.01, `${load}`);
    });
  }

  it("takes less time when its load is to be more", () => {
    const [scenario] = scenarios;
    const lasts = (load?: number) => synthesize(scenario!, { ...SIZE, load }).atMs.at(-1)!;
    assert.ok(Math.abs((lasts() * scenario!.load) / lasts(1.2) / 1.2 - 1) < 0.01);
  });

  it("asks for functions by Zipf's law", () => {
    const { fn } = synthesize(scenarios[0]!, SIZE);
    const count = (k: number) => fn.filter((one) => one === k).length;
    assert.ok(Math.abs(count(0) / count(9) - 10) < 2, `${count(0)} and ${count(9)}`);
    assert.ok(count(49) > 0);
  });

  it("of bursts has many requests close to others of their function", () => {
    const share = (name: string) => {
      const { fn, atMs } = synthesize(scenarios.find((one) => one.name === name)!, {
        ...SIZE,
        servers: 1,
        functions: 500,
      });
      let until = 0;
      const crowded = [...fn.keys()].filter((place) => {
        while (until < atMs.length && atMs[until]! <= atMs[place]! + 300) until++;
        return fn.slice(place + 1, until).filter((one) => one === fn[place]).length > 25;
      });
      return crowded.length / fn.length;
    };
    const [bursts, steady] = [share("bursts"), share("steady")];
    assert.ok(bursts > 0.15, `${bursts}`);
    assert.ok(steady < 0.01, `${steady}`);
  });
});

describe("random numbers", () => {
  it("differ by stream, and keep to their means and bounds", () => {
    const draw = (of: (random: Random) => number) => {
      const random = new Random(1, "test");
      return Array.from({ length: 50_000 }, () => of(random));
    };
    assert.notEqual(new Random(1, "a").next(), new Random(1, "b").next());
    const mean = (values: number[]) => sum(values) / values.length;
    assert.ok(Math.abs(mean(draw((random) => random.next())) - 0.5) < 0.01);
    assert.ok(Math.abs(mean(draw((random) => random.exponential(4))) - 4) < 0.1);
    assert.ok(Math.abs(mean(draw((random) => random.logNormal(4, 0.5))) - 4) < 0.1);
    const tail = draw((random) => random.pareto(1.2, 5, 500));
    assert.ok(tail.every((value) => value >= 5 && value <= 500));
    assert.ok(tail.some((value) => value > 250));
    const zipf = new Zipf(3);
    const ranks = draw((random) => zipf.draw(random));
    assert.ok(Math.abs(ranks.filter((rank) => rank === 0).length / ranks.length - 6 / 11) < 0.01);
  });
});

describe("recorded arrivals", () => {
  it("are read in any order, and begin at 0", () => {
    const text = [
      '{"timeMs": 5000, "function": "late", "serviceMs": 20, "cpuMs": 4}',
      "",
      '{"timeMs": 4000.5, "function": "early", "serviceMs": 30}',
    ].join("\n");
    const { functions, atMs, fn, cpuMs, ioMs } = parseArrivals(text, "x.jsonl");
    assert.deepEqual(
      [...fn].map((one) => functions[one]),
      ["early", "late"],
    );
    assert.deepEqual(
      [[...atMs], [...cpuMs], [...ioMs]],
      [
        [0, 999.5],
        [3, 4],
        [27, 16],
      ],
    );
  });

  const good = '{"timeMs": 1, "function": "a", "serviceMs": 2}\n';
  for (const [what, line, message] of [
    ["no JSON", "time 12", "x.jsonl:2: is not JSON"],
    ["no object", "12", "x.jsonl:2: Invalid input: expected object, received number"],
    ["no time", '{"function": "a", "serviceMs": 2}', "x.jsonl:2: timeMs must be a number"],
    ["no function", '{"timeMs": 1, "function": "", "serviceMs": 2}', "x.jsonl:2: function must not be empty"],
    [
      "a negative time",
      '{"timeMs": 1, "function": "a", "serviceMs": -2}',
      "x.jsonl:2: serviceMs must not be negative",
    ],
    [
      "too much CPU",
      '{"timeMs": 1, "function": "a", "serviceMs": 2, "cpuMs": 3}',
      "x.jsonl:2: cpuMs must be at most serviceMs",
    ],
    [
      "an unknown key",
      '{"timeMs": 1, "function": "a", "serviceMs": 2, "cpu": 1}',
      'x.jsonl:2: Unrecognized key: "cpu"',
    ],
  ] as const) {
    it(`with ${what} are refused with file and line`, () => {
      assert.throws(() => parseArrivals(`${good}${line}\n`, "x.jsonl"), { message });
    });
  }

  it("that are none are refused", () => {
    assert.throws(() => parseArrivals("\n", "x.jsonl"), { message: "x.jsonl: holds no arrivals" });
    assert.throws(() => readArrivals("nowhere.jsonl"), { message: "nowhere.jsonl: cannot be read (ENOENT)" });
  });
});
