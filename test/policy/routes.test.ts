import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DexterError } from "../../scheduler/errors.ts";
import {
  createRouter,
  findConflicts,
  parseRoute,
  type RoutedFunction,
} from "../../scheduler/policy/routes.ts";

const options = { baseDomain: "localhost" };

function functions(routes: Record<string, readonly string[]>): RoutedFunction[] {
  return Object.entries(routes).map(([name, list]) => ({ name, routes: list, catchAll: false }));
}

/** Checks a table of "host path" → function ("-" = none). */
function expectAll(router: ReturnType<typeof createRouter>, table: Record<string, string>): void {
  for (const [request, name] of Object.entries(table)) {
    const [host = "", path = ""] = request.split(" ");
    assert.equal(router.match(host, path) ?? "-", name, request);
  }
}

describe("default routes", () => {
  const router = createRouter(functions({ hello: [], world: [], index: [] }), options);

  it("answers at the function's host, whatever its case, port and trailing dot", () => {
    expectAll(router, {
      "hello.localhost /": "hello",
      "hello.localhost /world": "hello",
      "hello.localhost:8787 /x": "hello",
      "HELLO.LocalHost.:80 /x": "hello",
      "nobody.localhost /": "index",
      "xhello.localhost /": "index",
      "a.hello.localhost /": "index",
    });
  });

  it("answers at the function's path and below on any other host", () => {
    expectAll(router, {
      "127.0.0.1:8787 /hello": "hello",
      "127.0.0.1 /hello/": "hello",
      "127.0.0.1 /hello/x/y?z": "hello",
      "127.0.0.1 /hello?x=/world": "hello",
      "[::1]:8787 /world": "world",
      "127.0.0.1 /hellox": "index",
      "127.0.0.1 /Hello": "index",
      "127.0.0.1 //hello": "index",
      "127.0.0.1 /": "index",
      "127.0.0.1 /?/hello": "index",
      "127.0.0.1 /index/x": "index",
    });
    assert.equal(router.match(undefined, "/hello"), "hello");
  });

  it("leaves the rest unanswered without an index", () => {
    const without = createRouter(functions({ hello: [] }), options);
    expectAll(without, { "a.b /": "-", "a.b /hello": "hello", "a.b *": "-" });
  });

  it("uses the base domain it is given", () => {
    const router = createRouter(functions({ Shop: [] }), { baseDomain: "Example.com" });
    expectAll(router, { "shop.example.com /": "Shop", "shop.localhost /": "-", "x /Shop": "Shop" });
  });

  it("gives every path to the catch-all, even when it has routes", () => {
    const catchAll = createRouter([{ name: "main", routes: ["a.com/*"], catchAll: true }], options);
    expectAll(catchAll, { "a.com /x": "main", "b.com /": "main", "main.localhost /y": "main" });
  });
});

describe("given routes", () => {
  it("answers only there", () => {
    const router = createRouter(functions({ api: ["example.com/api/*"], index: ["example.com"] }), options);
    expectAll(router, {
      "example.com /api/": "api",
      "example.com:443 /api/x": "api",
      "example.com /api": "-",
      "api.localhost /": "-",
      "other.com /api/x": "-",
      "other.com /index": "-",
      "example.com /": "index",
      "example.com /?q": "index",
      "example.com /x": "-",
    });
  });

  it("chooses the most specific one", () => {
    const router = createRouter(
      functions({
        any: ["*/*"],
        suffix: ["*example.com/*"],
        sub: ["*.example.com/*"],
        deep: ["*.a.example.com/*"],
        host: ["https://a.example.com/*"],
        path: ["a.example.com/x/*"],
        longer: ["a.example.com/x/y/*"],
        exact: ["a.example.com/x/y/z"],
        loose: ["a.example.com/x*"],
      }),
      options,
    );
    expectAll(router, {
      "nowhere /": "any",
      "example.com /": "suffix",
      "myexample.com /": "suffix",
      "b.example.com /": "sub",
      ".example.com /": "suffix",
      "b.a.example.com /": "deep",
      "a.example.com /": "host",
      "a.example.com /x/": "path",
      "a.example.com /x": "loose",
      "a.example.com /xy/z": "loose",
      "a.example.com /x/y/": "longer",
      "a.example.com /x/y/z": "exact",
      "a.example.com /x/y/z?q=1": "exact",
      "a.example.com /x/y/zz": "longer",
    });
  });

  it("prefers an exact path to a wildcard of the same length, and a given route to a default one", () => {
    const router = createRouter(
      functions({ a: [], b: ["*/a*"], c: ["*/x"], d: ["*/x*"], e: ["*/a/*"] }),
      options,
    );
    expectAll(router, { "h /a": "a", "h /ab": "b", "h /a/b": "e", "h /x": "c", "h /xy": "d" });
  });

  it("falls back to a less specific host when the path matches nothing there", () => {
    const router = createRouter(functions({ a: ["x.com/a"], b: ["*.com/*"] }), options);
    expectAll(router, { "x.com /a": "a", "x.com /b": "b" });
  });

  it("shows the patterns of a function", () => {
    const router = createRouter(
      [...functions({ hello: [], index: [], api: ["https://Example.com/api/*", "x.y"] })],
      options,
    );
    assert.deepEqual(router.routesOf("hello"), ["hello.localhost/*", "*/hello/*"]);
    assert.deepEqual(router.routesOf("index"), ["index.localhost/*", "*/index/*", "*/*"]);
    assert.deepEqual(router.routesOf("api"), ["example.com/api/*", "x.y/"]);
    assert.deepEqual(router.routesOf("nobody"), []);
    const main = createRouter([{ name: "main", routes: [], catchAll: true }], options);
    assert.deepEqual(main.routesOf("main"), ["*/*"]);
  });
});

describe("findConflicts", () => {
  it("names both owners of a pattern", () => {
    const conflicts = findConflicts(
      functions({ a: ["https://x.com/*"], b: ["X.com/*", "x.com/b"], c: ["*/d/*"], d: [] }),
      options,
    );
    assert.deepEqual(conflicts, [
      { pattern: "x.com/*", owners: ["a", "b"] },
      { pattern: "*/d/*", owners: ["c", "d"] },
    ]);
  });

  it("puts first who gets the requests", () => {
    const list = functions({ d: [], c: ["*/d/*"] });
    const [conflict] = findConflicts(list, options);
    assert.deepEqual(conflict?.owners, ["c", "d"]);
    assert.equal(createRouter(list, options).match("h", "/d/x"), "c");
  });

  it("finds nothing among different patterns", () => {
    assert.deepEqual(
      findConflicts(functions({ a: ["x.com/*", "x.com/*"], b: ["x.com/b"], c: [] }), options),
      [],
    );
  });
});

describe("parseRoute", () => {
  const bad: Record<string, RegExp> = {
    "": /host is missing/,
    "/x": /host is missing/,
    "ftp://a.com/*": /scheme must be/,
    "a.*.com/*": /first character/,
    "a.com*/": /first character/,
    "**.com/": /first character/,
    "a.com:8080/*": /no port/,
    "a.com/*/x": /last character/,
    "a.com/x**": /last character/,
    "a.com/x?y": /query string/,
    "a.com/x#y": /fragment/,
    "a.com/ä": /percent-encoded/,
    "a.com/a b": /percent-encoded/,
    "a b.com/": /not a host name/,
    "a..com/": /not a host name/,
    "*..com/": /not a host name/,
    "-a.com/": /not a host name/,
    "bücher.de/*": /not a host name/,
  };
  for (const [pattern, reason] of Object.entries(bad)) {
    it(`refuses ${JSON.stringify(pattern)}`, () => {
      assert.throws(
        () => parseRoute(pattern),
        (error) =>
          error instanceof DexterError &&
          error.code === "CONFIG_INVALID" &&
          reason.test(error.message) &&
          error.message.includes(pattern),
      );
    });
  }

  it("normalises scheme, case, trailing dot and missing path", () => {
    assert.equal(parseRoute("HTTPS://Example.COM./A/*").pattern, "example.com/A/*");
    assert.equal(parseRoute("*.example.com").pattern, "*.example.com/");
    assert.equal(parseRoute("[::1]/*").pattern, "[::1]/*");
    assert.equal(parseRoute("*/*").host, "");
  });
});
