import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { FairQueue, type Ticket } from "../../scheduler/policy/queue.ts";
import { assertProperty } from "../support/properties.ts";

let count = 0;
const ticket = (pool: string, sinceMs = 0, client?: string): Ticket<number> => ({
  pool,
  sinceMs,
  request: ++count,
  ...(client === undefined ? {} : { client }),
});

describe("the queue", () => {
  it("serves a function's requests in the order they came", () => {
    const queue = new FairQueue<number>(10);
    const [a, b] = [ticket("f"), ticket("f")];
    queue.add(a);
    queue.add(b);
    assert.equal(queue.oldest("f"), a);
    assert.deepEqual([queue.take("f"), queue.take("f"), queue.take("f")], [a, b, undefined]);
  });

  it("moves a function behind the others when one of its requests is served", () => {
    const queue = new FairQueue<number>(10);
    for (const name of ["a", "a", "b"]) queue.add(ticket(name));
    queue.take("a");
    assert.deepEqual([...queue.waitingFunctions()], ["b", "a"]);
  });

  it("refuses the newcomer when it is full of that function's requests", () => {
    const queue = new FairQueue<number>(2);
    queue.add(ticket("a"));
    queue.add(ticket("a"));
    const late = ticket("a");
    assert.equal(queue.add(late), late);
    assert.equal(queue.size, 2);
  });

  it("lets the longest line give up its newest request for a function with a shorter one", () => {
    const queue = new FairQueue<number>(3);
    const [first, second, newest] = [ticket("a"), ticket("a"), ticket("a")];
    for (const one of [first, second, newest]) queue.add(one);
    const other = ticket("b");
    assert.equal(queue.add(other), newest);
    assert.deepEqual([queue.waiting("a"), queue.waiting("b"), queue.size], [2, 1, 3]);
    assert.equal(queue.take("a"), first);
  });

  it("lets the client with the most requests in a line give up its newest one for another client's", () => {
    const queue = new FairQueue<number>(4);
    const of = (client: string) => ticket("a", 0, client);
    const [first, second, newest, other] = [of("greedy"), of("greedy"), of("greedy"), of("modest")];
    for (const one of [first, second, newest, other]) queue.add(one);
    const another = of("somebody");
    assert.equal(queue.add(another), newest);
    const more = of("greedy");
    assert.equal(queue.add(more), more);
    const last = of("modest");
    assert.equal(queue.add(last), last, "one with as many gives nothing up");
    assert.deepEqual(
      [1, 2, 3, 4].map(() => queue.take("a")),
      [first, second, other, another],
    );
  });

  it("expires what has waited too long, and nothing else", () => {
    const queue = new FairQueue<number>(10);
    const [old, young] = [ticket("a", 0), ticket("a", 500)];
    queue.add(old);
    queue.add(young);
    assert.deepEqual(queue.expire(1_000, 1_000), [old]);
    assert.deepEqual(queue.expire(1_499, 1_000), []);
    assert.deepEqual(queue.expire(1_500, 1_000), [young]);
    assert.equal(queue.size, 0);
  });

  it("takes a smaller limit for what comes after", () => {
    const queue = new FairQueue<number>(10);
    for (let i = 0; i < 5; i++) queue.add(ticket("a"));
    queue.limit = 2;
    const late = ticket("a");
    assert.equal(queue.add(late), late);
    assert.equal(queue.size, 5);
  });

  it("stays bounded and fair, and loses and doubles nothing, whatever happens", () => {
    const event = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({ do: fc.constant("add" as const), name: fc.constantFrom("a", "b", "c") }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ do: fc.constant("take" as const), name: fc.constantFrom("a", "b", "c") }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("remove" as const), pick: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("expire" as const), ms: fc.nat(30) }) },
    );
    assertProperty(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.array(event, { maxLength: 80 }), (limit, events) => {
        const queue = new FairQueue<number>(limit);
        let waiting: Ticket<number>[] = [];
        const line = (name: string) => waiting.filter((one) => one.pool === name);
        const gone = (one: Ticket<number>) => (waiting = waiting.filter((other) => other !== one));
        let nowMs = 0;
        for (const happens of events) {
          nowMs += 3;
          if (happens.do === "add") {
            const added = ticket(happens.name, nowMs);
            const before = line(happens.name).length;
            const refused = queue.add(added);
            waiting.push(added);
            if (refused) {
              assert.equal(waiting.length, limit + 1, "refused while there was room");
              // Fair: whoever is refused stood in a line that is at least as long as any other.
              for (const name of ["a", "b", "c"])
                assert(line(refused.pool).length + 1 >= line(name).length, "a shorter line gave way");
              if (refused !== added) assert(line(refused.pool).length > before + 1);
              gone(refused);
            }
          } else if (happens.do === "take") {
            assert.equal(queue.take(happens.name), line(happens.name)[0]);
            if (line(happens.name)[0]) gone(line(happens.name)[0]!);
          } else if (happens.do === "remove") {
            const one = waiting[happens.pick % Math.max(1, waiting.length)];
            if (!one) continue;
            assert(queue.remove(one));
            assert(!queue.remove(one));
            gone(one);
          } else {
            const late = waiting.filter(({ sinceMs }) => nowMs - sinceMs >= happens.ms);
            assert.deepEqual(new Set(queue.expire(nowMs, happens.ms)), new Set(late));
            for (const one of late) gone(one);
          }
          assert.equal(queue.size, waiting.length);
          assert(queue.size <= limit);
          for (const name of ["a", "b", "c"]) assert.equal(queue.waiting(name), line(name).length);
          assert.deepEqual(new Set(queue.waitingFunctions()), new Set(waiting.map((one) => one.pool)));
        }
      }),
    );
  });
});
