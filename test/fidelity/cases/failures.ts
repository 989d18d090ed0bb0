/** Handlers that fail: the client gets a 500, and the function lives on. */
import assert from "node:assert/strict";
import { type Case, one, scenario } from "../case.ts";
import { observed } from "../driver.ts";

const failing = [
  "throw",
  "throw-async",
  "throw-string",
  "throw-undefined",
  "throw-object",
  "throw-frozen",
  "throw-hostile",
  "reject",
  "reject-null",
  "stack-overflow",
  "return-undefined",
  "return-null",
  "return-string",
  "return-object",
  "return-promise-of-number",
  "return-used",
  "hang",
  "pass-through",
];

const fine = ["wait-until-rejects", "unhandled-rejection", "timer-throws"];

export const failureCases: readonly Case[] = [
  ...failing.map((path) =>
    one("fail", `answers 500 to ${path}`, `/${path}`, { view: "failure", status: 500 }),
  ),
  one(
    "fail",
    "answers 500 to HEAD of a handler that throws",
    { method: "HEAD", path: "/throw" },
    { view: "failure", status: 500 },
  ),
  one(
    "fail",
    "answers 500 to an upload to a handler that throws",
    { method: "POST", path: "/throw", body: "x".repeat(200_000) },
    { view: "failure", status: 500 },
  ),
  ...fine.map((path) =>
    one("fail", `answers all the same after ${path}`, `/${path}`, { body: "fine all the same" }),
  ),
  one("fail", "tells a listener of an unhandled rejection", "/unhandled-event", { body: "listened for" }),
  one("fail", "refuses to evaluate strings", "/eval", { body: "EvalError" }),
  scenario(
    "fail",
    "serves on after failures",
    async (session) => {
      for (const path of ["/throw", "/return-undefined", "/stack-overflow"]) await session.exchange({ path });
      return observed(await session.exchange({ path: "/fine" }));
    },
    ({ body }) => assert.equal(body, "still here"),
  ),
];
