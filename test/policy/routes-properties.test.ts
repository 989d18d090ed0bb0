import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { createRouter, parseRoute, type Route, type RoutedFunction } from "../../scheduler/policy/routes.ts";
import { assertProperty } from "../support/properties.ts";

const options = { baseDomain: "localhost" };
const RUNS = 400;

const hosts = ["a.com", "b.a.com", "xa.com", "f0.localhost", "f1.localhost", "other", ""];
const hostPatterns = ["a.com", "*.a.com", "*a.com", "b.a.com", "*", "*.com", "f1.localhost"];
const segments = ["", "a", "ab", "f0", "f1", "index"];

const path = fc
  .tuple(fc.array(fc.constantFrom(...segments), { maxLength: 3 }), fc.constantFrom("", "?", "?a=/f0", "/"))
  .map(([parts, end]) => `/${parts.join("/")}${end}`);
const pattern = fc
  .tuple(
    fc.constantFrom(...hostPatterns),
    fc.array(fc.constantFrom(...segments), { maxLength: 3 }),
    fc.boolean(),
  )
  .map(([host, parts, wildcard]) => `${host}/${parts.join("/")}${wildcard ? "*" : ""}`);

/** Patterns are handed out once each, so that ties do not depend on order. */
const functions = fc
  .uniqueArray(pattern, { maxLength: 12 })
  .chain((patterns) =>
    fc.tuple(
      fc.constant(patterns),
      fc.array(fc.nat(3), { minLength: patterns.length, maxLength: patterns.length }),
    ),
  )
  .map(([patterns, owners]): RoutedFunction[] =>
    ["f0", "f1", "index", "f3"].map((name, i) => ({
      name,
      routes: patterns.filter((_, n) => owners[n] === i),
      catchAll: false,
    })),
  );

/** Plain and slow: every route is tried, and the best is found by comparing. */
function reference(list: readonly RoutedFunction[], host: string, target: string): string | undefined {
  const at = target.split("?")[0]!;
  const found: { route: Route; name: string; rank: number }[] = [];
  for (const { name, routes } of list) {
    for (const route of routes) found.push({ route: parseRoute(route), name, rank: 0 });
    if (routes.length > 0) continue;
    for (const route of [`${name}.localhost/*`, `*/${name}`, `*/${name}/*`]) {
      found.push({ route: parseRoute(route), name, rank: 1 });
    }
    if (name === "index") found.push({ route: parseRoute("*/*"), name, rank: 2 });
  }
  const matching = found.filter(
    ({ route }) =>
      (route.hostWildcard
        ? host.endsWith(route.host) && !(route.host.startsWith(".") && host === route.host)
        : host === route.host) && (route.pathWildcard ? at.startsWith(route.path) : at === route.path),
  );
  const key = ({ route, rank }: (typeof found)[number]) =>
    [
      route.hostWildcard ? 0 : 1,
      route.host.length,
      route.path.length,
      route.pathWildcard ? 0 : 1,
      -rank,
    ] as const;
  matching.sort((a, b) => {
    const [x, y] = [key(a), key(b)];
    const i = x.findIndex((value, n) => value !== y[n]);
    return i < 0 ? 0 : y[i]! - x[i]!;
  });
  return matching[0]?.name;
}

it("answers as a naive search over all routes does", () => {
  assertProperty(
    fc.property(functions, fc.constantFrom(...hosts), path, (list, host, target) => {
      const router = createRouter(list, options);
      const expected = reference(list, host, target);
      assert.equal(router.match(host, target), expected);
      assert.equal(router.match(`${host.toUpperCase()}:80`, target), expected);
      assert.equal(router.match(host, target), expected, "from the cache");
    }),
    RUNS,
  );
});

it("gives a new function only requests that its own routes match", () => {
  assertProperty(
    fc.property(functions, pattern, fc.constantFrom(...hosts), path, (list, extra, host, target) => {
      const before = createRouter(list, options).match(host, target);
      const added = { name: "new", routes: [extra], catchAll: false };
      const after = createRouter([...list, added], options).match(host, target);
      if (after === "new") assert.equal(reference([added], host, target), "new");
      else assert.equal(after, before);
    }),
    RUNS,
  );
});

it("never lets a new function take an exact route of another", () => {
  assertProperty(
    fc.property(functions, pattern, (list, extra) => {
      const added = { name: "new", routes: [extra], catchAll: false };
      const router = createRouter([...list, added], options);
      for (const { name, routes } of list) {
        for (const route of routes.map(parseRoute)) {
          if (route.hostWildcard || route.pathWildcard || route.pattern === parseRoute(extra).pattern)
            continue;
          assert.equal(router.match(route.host, route.path), name);
        }
      }
    }),
    RUNS,
  );
});

it("never throws, whatever host and path", () => {
  const router = createRouter(
    [
      { name: "index", routes: [], catchAll: false },
      { name: "a", routes: ["*.a.com/x/*", "b/*"], catchAll: false },
    ],
    options,
  );
  const odd = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("[", "]", "[::1", ":", ".", "__proto__", "*"),
  );
  assertProperty(
    fc.property(fc.option(odd, { nil: undefined }), odd, (host, target) => {
      const name = router.match(host, target);
      assert.ok(name === undefined || name === "index" || name === "a");
      if (target.startsWith("/")) assert.ok(name);
    }),
    1000,
  );
});

it("keeps answering right when clients name more hosts than it remembers", () => {
  const router = createRouter([{ name: "a", routes: ["*.a.com/*"], catchAll: false }], options);
  for (let i = 0; i < 5000; i++) {
    assert.equal(router.match(`h${i}.a.com`, "/"), "a");
    assert.equal(router.match(`h${i}.b.com`, "/"), undefined);
  }
});

it("never throws anything but CONFIG_INVALID for a pattern", () => {
  assertProperty(
    fc.property(fc.string(), (text) => {
      try {
        assert.equal(typeof parseRoute(text).pattern, "string");
      } catch (error) {
        assert.equal((error as { code?: string }).code, "CONFIG_INVALID");
      }
    }),
    1000,
  );
});
