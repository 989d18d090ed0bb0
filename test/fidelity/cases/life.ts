/** What goes on after a response, and what an abort reaches. */
import assert from "node:assert/strict";
import { type Case, one, scenario } from "../case.ts";
import { bodyText, observed } from "../driver.ts";

const afterwards: Case[] = [
  scenario(
    "life",
    "finishes waitUntil work after the response",
    async (session) => {
      const response = observed(await session.exchange({ path: "/wait-until" }));
      session.witness.open("after");
      return [response, await session.witness.noted("done")];
    },
    ([, noted]) => assert.equal(noted, "after the response"),
  ),
  scenario(
    "life",
    "finishes every piece of waitUntil work",
    async (session) => {
      const response = observed(await session.exchange({ path: "/wait-until-many" }));
      return [response, ...(await Promise.all(["a", "b", "c"].map((name) => session.witness.noted(name))))];
    },
    ([, ...noted]) => assert.deepEqual(noted, ["work a", "work b", "work c"]),
  ),
  scenario(
    "life",
    "finishes waitUntil work that waitUntil work began",
    async (session) => {
      const response = observed(await session.exchange({ path: "/wait-until-nested" }));
      session.witness.open("outer");
      await session.witness.reached("inner");
      session.witness.open("inner");
      return [response, await session.witness.noted("nested")];
    },
    ([, noted]) => assert.equal(noted, "inner work"),
  ),
  scenario(
    "life",
    "writes a body from waitUntil work",
    async (session) => {
      const reading = session.exchange({ path: "/wait-until-stream" });
      await session.witness.reached("end");
      session.witness.open("end");
      return [observed(await reading), await session.witness.noted("written")];
    },
    ([, noted]) => assert.equal(noted, "all of it"),
  ),
  scenario(
    "life",
    "lets waitUntil work go on after the client left",
    async (session) => {
      const connection = await session.connect();
      await connection.send(session.addressed({ path: "/wait-until-after-abort" }));
      await session.witness.reached("never");
      connection.destroy();
      session.witness.open("background");
      return session.witness.noted("survived");
    },
    (noted) => assert.equal(noted, "work went on"),
  ),
];

const aborts: Case[] = [
  scenario(
    "life",
    "aborts request.signal when the client leaves before the response",
    async (session) => {
      const connection = await session.connect();
      await connection.send(session.addressed({ path: "/abort-signal" }));
      await session.witness.reached("waiting");
      connection.reset();
      return session.witness.noted("aborted");
    },
    (noted) => assert.equal(noted, "AbortError"),
  ),
  scenario(
    "life",
    "aborts request.signal when the client resets the connection",
    async (session) => {
      const connection = await session.connect();
      await connection.send(session.addressed({ path: "/abort-signal" }));
      await session.witness.reached("waiting");
      connection.reset();
      return session.witness.noted("aborted");
    },
    (noted) => assert.equal(noted, "AbortError"),
  ),
  scenario(
    "life",
    "aborts request.signal when the client leaves during the response",
    async (session) => {
      const connection = await session.connect();
      await connection.send(session.addressed({ path: "/abort-while-streaming" }));
      const begun = await connection.body(await connection.head()).until("begun;");
      connection.reset();
      return [begun, await session.witness.noted("aborted")];
    },
    ([, noted]) => assert.equal(noted, "aborted true"),
  ),
  scenario(
    "life",
    "fails the writer of a body when the client leaves",
    async (session) => {
      const connection = await session.connect();
      await connection.send(session.addressed({ path: "/abort-writer" }));
      const read = await connection.body(await connection.head()).atLeast(200_000);
      connection.destroy();
      return [read >= 200_000, await session.witness.noted("write-failed")];
    },
    ([, noted]) => assert.equal(noted, "the writer was told"),
  ),
  scenario(
    "life",
    "does not abort request.signal when the response was complete",
    async (session) => {
      const connection = await session.connect();
      await connection.send(session.addressed({ path: "/no-abort" }));
      const head = await connection.head();
      const response = observed({ head, ...(await connection.body(head).rest()) });
      await session.witness.reached("later");
      session.witness.open("later");
      return [response, await session.witness.noted("signal")];
    },
    ([, noted]) => assert.equal(noted, "false"),
  ),
];

const state: Case[] = [
  scenario(
    "life",
    "keeps global state between requests of one isolate",
    async (session) => {
      const counts = new Map<string, number>();
      let consistent = true;
      for (let round = 0; round < 12; round += 1) {
        const { bytes } = await session.exchange({ path: "/state" });
        const { id, count } = JSON.parse(bodyText(bytes)) as { id: string; count: number };
        const before = counts.get(id);
        consistent &&= before === undefined ? count > 0 : count === before + 1;
        counts.set(id, count);
      }
      return { consistent, reused: counts.size < 12 };
    },
    (observation) => assert.deepEqual(observation, { consistent: true, reused: true }),
  ),
  one("life", "answers all the same when it logs much", "/log", { body: "logged" }),
];

export const lifeCases: readonly Case[] = [...afterwards, ...aborts, ...state];
