/** What a client sees of an error. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { codeFrame } from "../../scheduler/bundle/frame.ts";
import { plainProblem } from "../../scheduler/bundle/problems.ts";
import { highlight } from "../../scheduler/failures/highlight.ts";
import {
  type ErrorPageInput,
  renderErrorPage,
  renderErrorText,
  renderProductionError,
  wantsHtml,
} from "../../scheduler/failures/page.ts";

const source = 'const a = 1;\nthrow new Error("<script>alert(1)</script>"); // why\n';

function exceptionInput(over: Partial<ErrorPageInput> = {}, text = "it broke"): ErrorPageInput {
  const frame = { name: text, file: `/srv/app/${text}.ts`, line: 2, column: 7, origin: "user" as const };
  return {
    status: 500,
    functionName: "shop",
    version: "0123456789abcdef",
    requestId: "req-1",
    request: { method: "GET", url: "http://shop.localhost/cart", headers: [["host", "shop.localhost"]] },
    root: "/srv/app",
    error: {
      kind: "exception",
      exception: {
        name: "RangeError",
        message: text,
        stack: {
          header: `RangeError: ${text}`,
          text: "",
          frames: [
            frame,
            { name: "Array.map (<anonymous>)", file: "", line: 0, column: 0, origin: "runtime" },
          ],
          code: { file: "/srv/app/index.ts", line: 2, column: 7, frame: codeFrame(source, 2, 7, "word")! },
        },
        cause: { name: "Inner", message: text, stack: { header: "", frames: [], text: "" } },
      },
    },
    ...over,
  };
}

function buildInput(text = "Unexpected thing"): ErrorPageInput {
  const frame = codeFrame(source, 2, 7, 3)!;
  return exceptionInput({
    error: {
      kind: "build",
      problems: [
        { file: "/srv/app/index.ts", line: 2, column: 7, text, lineText: "", notes: [text], frame },
        plainProblem("/srv/app/gone.ts", text),
      ],
    },
  });
}

test("the page shows the exception, its code, its stack, its cause and the request", () => {
  const page = renderErrorPage(exceptionInput());
  for (const part of [
    "500 Internal Server Error",
    "<h1>RangeError</h1>",
    "it broke",
    "index.ts:2:7",
    "<mark>",
    "Caused by Inner",
    "http://shop.localhost/cart",
    "0123456789abcdef",
    "req-1",
  ]) {
    assert.ok(page.includes(part), part);
  }
  assert.doesNotMatch(page, /\/srv\/app/, "paths are relative to the project");
});

test("the page shows each problem of a build", () => {
  const page = renderErrorPage(buildInput());
  for (const part of ["Build failed: 2 problems", "index.ts:2:7", "gone.ts", "Unexpected thing"]) {
    assert.ok(page.includes(part), part);
  }
});

test("the page needs nothing from elsewhere and runs no script", () => {
  for (const page of [renderErrorPage(exceptionInput()), renderErrorPage(buildInput())]) {
    assert.doesNotMatch(page, /<script|<link|<img|@import|url\(|\ssrc=|\shref=/i);
    assert.match(page, /Content-Security-Policy" content="default-src 'none'/);
  }
});

const ATTACKS = [
  "<script>alert(1)</script>",
  `"><img src=x onerror=alert(1)>`,
  "' onmouseover='alert(1)",
  "</style><script>alert(1)</script>",
  "</title><script>alert(1)</script>",
  "&lt;b&gt;",
  "<!-- ",
  "]]><svg onload=alert(1)>",
  "\0<b>",
];

/** Tags of the page, without the text between them. */
const tagsOf = (page: string) => page.match(/<[^>]*>/g)!.join("\n");

for (const attack of ATTACKS) {
  test(`${JSON.stringify(attack)} stays text wherever it comes from`, () => {
    const request = { method: attack, url: attack, headers: [[attack, attack]] as [string, string][] };
    const over = { functionName: attack, version: attack, requestId: attack, request };
    const hostile: ErrorPageInput[] = [
      exceptionInput(over, attack),
      { ...buildInput(attack), ...over },
      exceptionInput({ ...over, error: { kind: "failure", title: attack, message: attack } }),
    ];
    const harmless: ErrorPageInput[] = hostile.map(
      (input) =>
        JSON.parse(
          JSON.stringify(input).replaceAll(JSON.stringify(attack).slice(1, -1), "x"),
        ) as ErrorPageInput,
    );
    for (const [index, input] of hostile.entries()) {
      const page = renderErrorPage(input);
      assert.equal(tagsOf(page), tagsOf(renderErrorPage(harmless[index]!)));
      assert.ok(!page.includes("\0"));
    }
  });
}

test("credentials are masked in both forms, and dexter's own headers left out", () => {
  const headers: [string, string][] = [
    ["Authorization", "Bearer verysecret"],
    ["proxy-authorization", "verysecret"],
    ["Cookie", "sid=verysecret==; theme=verysecret; verysecret"],
    ["x-api-key", "verysecret"],
    ["X-Auth-Token", "verysecret"],
    ["x-dexter-cf", "private"],
    ["accept-language", "de"],
  ];
  const input = exceptionInput({ request: { method: "GET", url: "http://h/", headers } });
  for (const output of [renderErrorPage(input), renderErrorText(input)]) {
    assert.doesNotMatch(output, /verysecret|private/);
    assert.match(output, /Bearer •••/);
    assert.match(output, /sid=•••; theme=•••; •••/);
    assert.match(output, /accept-language/);
  }
});

test("the text form has the same, for terminals", () => {
  const text = renderErrorText(exceptionInput());
  assert.ok(
    text.startsWith(
      [
        "500 Internal Server Error",
        "",
        "RangeError: it broke",
        "    at it broke (it broke.ts:2:7)",
        "    at Array.map (<anonymous>)",
        "",
        "index.ts:2:7",
        "  1 | const a = 1;",
        `> 2 | throw new Error("<script>alert(1)</script>"); // why`,
        "    |       ^^^",
        "",
        "caused by: Inner: it broke",
        "",
        "function shop, version 0123456789abcdef",
      ].join("\n"),
    ),
    text,
  );
  assert.match(
    renderErrorText(buildInput()),
    /index\.ts:2:7: Unexpected thing\n[\s\S]*gone\.ts: Unexpected thing\n/,
  );
});

test("the text form passes no control sequences on", () => {
  const text = renderErrorText(exceptionInput({}, "\u001b[31mred\u009b2J\u0007\r"));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  assert.doesNotMatch(text, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
  assert.match(text, /\[31mred/);
});

test("outside dev a client gets the status and the request id only", () => {
  assert.equal(
    renderProductionError({ status: 500, requestId: "r1" }),
    "500 Internal Server Error\nrequest id: r1\n",
  );
  assert.equal(
    renderProductionError({ status: 503, requestId: "r2", retryAfter: 2 }),
    "503 Service Unavailable\nretry after: 2 s\nrequest id: r2\n",
  );
});

test("HTML is for clients that ask for it", () => {
  const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
  for (const accept of [
    browser,
    "text/html",
    "TEXT/HTML;q=0.5",
    "application/xhtml+xml",
    "text/plain;q=0.1, text/html",
  ]) {
    assert.equal(wantsHtml(accept), true, accept);
  }
  for (const accept of [
    undefined,
    "",
    "*/*",
    "application/json",
    "text/*",
    "text/html;q=0",
    "text/html;q=0.5, application/json",
    "text/html;q=x",
  ]) {
    assert.equal(wantsHtml(accept), false, accept);
  }
});

test("colours lose and add nothing", () => {
  const lines = ['const s = "a\\"b" + `c`; // end', "  * in a comment", "a.class = 0x1f_f;", "'open", ""];
  for (const line of lines)
    assert.equal(
      highlight(line)
        .map(({ text }) => text)
        .join(""),
      line,
    );
  const kinds = highlight(lines[0]!)
    .filter(({ kind }) => kind)
    .map(({ text, kind }) => `${kind}:${text}`);
  assert.deepEqual(kinds, ["keyword:const", 'string:"a\\"b"', "string:`c`", "comment:// end"]);
});
