/** The status page in a real browser, on a real node. */
import assert from "node:assert/strict";
import { after, afterEach, before, describe, it, type TestContext } from "node:test";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import {
  assertAccessible,
  BROWSER,
  launchBrowser,
  openPage,
  type WatchedPage,
} from "../../support/browser.ts";
import { until } from "../../support/node.ts";
import { needs } from "../../support/programs.ts";
import { enter, MARKUP, type WatchedNode, watchedNode } from "../../support/watched-node.ts";

describe("the status page", { skip: needs(BROWSER) }, () => {
  let browser: Browser;
  let node: WatchedNode;
  let opened: WatchedPage[] = [];
  let readToken: string;
  let deployToken: string;
  before(async () => {
    [browser, node] = await Promise.all([launchBrowser(), watchedNode()]);
    readToken = await node.token("read");
    deployToken = await node.token("deploy");
    await node.deploy("one");
    await node.deploy("two");
  });
  after(async () => {
    await browser?.close();
    await node?.stop();
  });

  async function open(test: TestContext, options: BrowserContextOptions = {}): Promise<WatchedPage> {
    const watched = await openPage(test, browser, options);
    opened.push(watched);
    return watched;
  }

  /** Opens it with a token that may look. */
  async function look(
    test: TestContext,
    token = readToken,
    options: BrowserContextOptions = {},
  ): Promise<Page> {
    const { page } = await open(test, options);
    await enter(page, node, token);
    return page;
  }

  afterEach(() => {
    const all = opened;
    opened = [];
    for (const { errors, requests } of all) {
      assert.deepEqual(errors, [], "the console shows errors");
      const elsewhere = requests.filter(({ url }) => !url.startsWith(node.url) && !url.startsWith("data:"));
      assert.deepEqual(elsewhere, [], "the page asks somebody else");
    }
  });

  it("asks for a token, says why one does not do, and keeps the right one out of addresses", async (test) => {
    const { page, errors, requests } = await open(test);
    await page.goto(node.url);
    await page.getByLabel("Token").fill("dexter_wrong");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").filter({ hasText: "not a token of dexter" }).waitFor();
    assert.equal(await page.getByRole("heading", { name: "Servers" }).count(), 0);
    // The browser itself tells of a 401.
    assert.equal(errors.splice(0).length, 1);
    await page.getByLabel("Token").fill(readToken);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Servers" }).waitFor();
    assert.equal(await page.getByLabel("Token").isVisible(), false);
    assert(requests.some(({ headers }) => headers.authorization === `Bearer ${readToken}`));
    assert(requests.every(({ url }) => !url.includes("dexter_")));
    const stored = "JSON.stringify([{ ...localStorage }, document.cookie])";
    assert.equal(await page.evaluate(stored), '[{},""]');
    // The tab remembers it, and forgets it when told to.
    await page.reload();
    await page.getByRole("heading", { name: "Servers" }).waitFor();
    await page.getByRole("button", { name: "Forget token" }).click();
    await page.getByLabel("Token").waitFor();
    assert.equal(await page.evaluate("sessionStorage.length"), 0);
  });

  it("asks again when the token is revoked", async (test) => {
    const token = await node.token("read");
    const { page, errors } = await open(test);
    await enter(page, node, token);
    await node.revoke(token);
    await page.getByRole("alert").filter({ hasText: "was revoked" }).waitFor();
    assert.equal(await page.getByRole("heading", { name: "Servers" }).count(), 0);
    assert.notEqual(errors.splice(0).length, 0);
  });

  it("shows which thread is busy with what, to the pointer and to the keyboard", async (test) => {
    const page = await look(test);
    const held = node.hold("/long/way");
    const cell = page.getByRole("gridcell", {
      name: /^Thread \d+: busy, hold, POST \/hold\/long\/way for [\d.]+ s/,
    });
    await cell.waitFor();
    assert.equal(await cell.textContent(), "W");
    await cell.hover();
    await page.getByRole("tooltip").filter({ hasText: "POST /hold/long/way" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("tooltip").waitFor({ state: "hidden" });
    const cells = page.getByRole("grid", { name: "Server 0" }).getByRole("gridcell");
    assert.equal(await cells.count(), 8);
    assert.equal(
      await page.locator('[role="gridcell"][tabindex="0"]').count(),
      1,
      "the tab key leads to one cell",
    );
    await page.locator('[role="gridcell"][tabindex="0"]').focus();
    await page.keyboard.press("Home");
    for (let moves = 0; moves < 8; moves++) {
      if (((await page.locator(":focus").getAttribute("aria-label")) ?? "").includes("busy")) break;
      await page.keyboard.press("ArrowRight");
    }
    await page.getByRole("tooltip").filter({ hasText: "POST /hold/long/way" }).waitFor();
    assert.equal(await held.finish(), "done");
    await cell.waitFor({ state: "detached" });
  });

  it("counts requests as they come, and sorts the functions by any column", async (test) => {
    const page = await look(test);
    const row = page.getByRole("row", { name: /^answer / });
    const rateOf = async () => Number((await row.getByRole("cell").first().textContent())!.replace(",", ""));
    const p99Of = () => row.getByRole("cell").nth(2).textContent();
    for (let i = 0; i < 50; i++) assert.equal((await fetch(`${node.dexter.url}/answer`)).status, 200);
    await until("the rate rises", async () => (await rateOf()) > 0);
    await until("there is a p99", async () => /^[\d.]+ (ms|s)$/.test((await p99Of()) ?? ""));
    const heading = page.getByRole("columnheader", { name: "Req/s" });
    await heading.getByRole("button").click();
    assert.equal(await heading.getAttribute("aria-sort"), "descending");
    const first = page.locator("#functions tbody th").first();
    await until("the busiest is first", async () => (await first.textContent()) === "answer");
    await page.getByRole("columnheader", { name: "Function" }).getByRole("button").press("Enter");
    await page.getByRole("columnheader", { name: "Function" }).getByRole("button").press("Enter");
    assert.equal(await first.textContent(), "throws");
    const chart = page.getByRole("img", { name: /^Requests\/s: now .*at most/ });
    await until(
      "the chart has it",
      async () => !/at most 0 /.test((await chart.getAttribute("aria-label"))!),
    );
    await page.getByText("The same as a table").click();
    await page.getByRole("region", { name: "Last 15 minutes as a table" }).getByRole("row").nth(1).waitFor();
  });

  it("shows errors with their stacks as text, whatever is in them", async (test) => {
    const { page, violations } = await open(test);
    await enter(page, node, readToken);
    assert.equal((await fetch(`${node.dexter.url}/throws?<b>`)).status, 500);
    const failure = page.locator("details.failure", { hasText: "throws" });
    await failure.locator("summary").focus();
    await page.keyboard.press("Enter");
    const stack = await failure.getByRole("region", { name: "Stack of an error in throws" }).textContent();
    assert(stack!.includes(MARKUP), stack!);
    assert.match(stack!, /at inner \(.*functions\/throws\.js:1:\d+\)/);
    assert.equal(await page.locator("#failures img, #failures script").count(), 0);
    assert.doesNotMatch(await page.title(), /owned/);
    assert.equal((await fetch(`${node.dexter.url}/throws`)).status, 500);
    await failure.getByText(/^\d+ times$/).waitFor();
    assert.equal(await failure.getAttribute("open"), "", "it stays open");
    assert.deepEqual(await violations(), []);
  });

  it("lets no script in that is not the node's own", async (test) => {
    const { page, errors, violations } = await open(test);
    await enter(page, node, readToken);
    await page.evaluate("try { document.body.innerHTML = '<b>' } catch {}");
    await page.evaluate("fetch('http://127.0.0.1:9/').catch(() => {})");
    const found = await violations();
    assert.match(found.join("\n"), /require-trusted-types-for/);
    assert.match(found.join("\n"), /connect-src/);
    errors.splice(0);
  });

  it("rolls back by the keyboard alone, and says what came of it", async (test) => {
    const page = await look(test, deployToken);
    const [live, before] = [await node.deploy("three"), await node.deploy("four")].reverse() as [
      string,
      string,
    ];
    const button = page.getByRole("button", { name: `Roll back shop to ${before}` });
    await button.waitFor();
    assert.equal(await page.getByRole("button", { name: `Roll back shop to ${live}` }).count(), 0);
    await page.getByRole("button", { name: "Pause" }).focus();
    const isThere = () =>
      button
        .and(page.locator(":focus"))
        .count()
        .then((found) => found === 1);
    for (let tabs = 0; tabs < 60 && !(await isThere()); tabs++) await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: "Roll shop back?" });
    await dialog.waitFor();
    await assertAccessible(page);
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    assert.equal(await (await fetch(`${node.dexter.url}/shop`)).text(), "four", "Escape changes nothing");
    assert(await isThere(), "the focus is where it was");
    await page.keyboard.press("Enter");
    await dialog.waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page
      .getByRole("status")
      .filter({ hasText: `shop is back at version ${before}.` })
      .waitFor();
    assert.equal(await (await fetch(`${node.dexter.url}/shop`)).text(), "three");
    await page.getByRole("row", { name: /shop rollback .* deploy-\d+ live/ }).waitFor();
    await page
      .locator("#announcer", { hasText: `Version ${before} of shop is live.` })
      .waitFor({ state: "attached" });
    await button.first().waitFor({ state: "hidden" });
  });

  it("says why a rollback is not done", async (test) => {
    const page = await look(test, deployToken);
    const old = await node.deploy("five");
    await node.deploy("six");
    const button = page.getByRole("button", { name: `Roll back shop to ${old}` });
    await button.first().click();
    // Two versions are kept.
    await node.deploy("seven");
    const dialog = page.getByRole("dialog");
    opened.at(-1)!.errors.splice(0);
    await dialog.getByRole("button", { name: "Roll back" }).click();
    await dialog.getByRole("alert").filter({ hasText: "Nothing was changed: " }).waitFor();
    assert.match((await dialog.getByRole("alert").textContent())!, /is not kept here/);
    assert.equal(await (await fetch(`${node.dexter.url}/shop`)).text(), "seven");
    // The browser itself tells of a 404.
    assert.equal(opened.at(-1)!.errors.splice(0).length, 1);
  });

  it("offers no rollback to who may only look", async (test) => {
    const page = await look(test);
    await page.getByRole("row", { name: /shop deploy .* local live/ }).waitFor();
    assert.equal(await page.getByRole("button", { name: /^Roll/ }).count(), 0);
  });

  it("shows a token that is for some functions nothing of the others", async (test) => {
    assert.equal((await fetch(`${node.dexter.url}/throws`)).status, 500);
    const page = await look(test, await node.token("deploy", ["answer"]));
    await page.getByRole("row", { name: /^answer / }).waitFor();
    assert.equal(await page.locator("#functions tbody tr").count(), 1);
    assert.equal(await page.locator("details.failure").count(), 0);
    assert.equal(await page.getByRole("button", { name: /^Roll/ }).count(), 0);
    assert.doesNotMatch((await page.locator("main").textContent())!, /throws|shop|hold/);
  });

  it("stands still while it is paused", async (test) => {
    const page = await look(test);
    const pause = page.getByRole("button", { name: "Pause" });
    await pause.click();
    assert.equal(await pause.getAttribute("aria-pressed"), "true");
    const held = node.hold("/paused");
    await page.locator("#connection", { hasText: "paused" }).waitFor();
    // By then the other page has been told, a second later than the first could have been.
    const other = await look(test);
    await other.getByRole("gridcell", { name: /\/hold\/paused for [1-9]/ }).waitFor();
    assert.equal(await page.getByRole("gridcell", { name: /\/hold\/paused/ }).count(), 0);
    await pause.click();
    await page.getByRole("gridcell", { name: /\/hold\/paused/ }).waitFor();
    await held.finish();
  });

  for (const colorScheme of ["light", "dark"] as const)
    it(`has no serious fault of accessibility in ${colorScheme} colours`, async (test) => {
      assert.equal((await fetch(`${node.dexter.url}/throws`)).status, 500);
      const { page } = await open(test, { colorScheme });
      await page.goto(node.url);
      await page.getByLabel("Token").waitFor();
      await assertAccessible(page);
      await enter(page, node, deployToken);
      const held = node.hold("/colours");
      await page.getByRole("gridcell", { name: /\/hold\/colours/ }).waitFor();
      await page.locator("details.failure summary").first().click();
      await page.getByText("The same as a table").click();
      await assertAccessible(page);
      const ground = await page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
      const [red = 0] = ground.match(/\d+/g)!.map(Number);
      assert(colorScheme === "dark" ? red < 64 : red > 192, ground);
      await held.finish();
    });

  it("fits a phone", async (test) => {
    assert.equal((await fetch(`${node.dexter.url}/throws`)).status, 500);
    const page = await look(test, deployToken, { viewport: { width: 360, height: 740 }, hasTouch: true });
    await page.locator("details.failure summary").first().tap();
    const width = await page.evaluate<number>("document.documentElement.scrollWidth");
    assert(width <= 360, `it is ${width} pixels wide`);
    await page
      .getByRole("button", { name: /^Roll back shop/ })
      .first()
      .tap();
    await page.getByRole("dialog").waitFor();
    const box = await page.getByRole("dialog").boundingBox();
    assert(box!.x >= 0 && box!.x + box!.width <= 360);
  });

  it("asks again and again where something on the way holds streams back", async (test) => {
    const { page } = await open(test);
    await page.clock.install();
    await page.route(/\/live\?after=/, () => {});
    await page.goto(node.url);
    await page.getByLabel("Token").fill(readToken);
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Pause" }).waitFor();
    const isPolling = () => page.getByText("live, every 2 s").isVisible();
    await until("it does without the stream", async () => {
      await page.clock.fastForward(9_000);
      return isPolling();
    });
    const held = node.hold("/polled");
    await page.getByRole("gridcell", { name: /\/hold\/polled/ }).waitFor();
    await held.finish();
  });

  it("says that the node is gone, and shows it again when it is back", async (test) => {
    const { page, errors } = await open(test);
    await enter(page, node, readToken);
    const lost = page.locator("#connection", { hasText: "trying again" });
    const said = page.locator("#announcer", { hasText: "trying again" });
    await node.end();
    await Promise.all([lost.waitFor(), said.waitFor({ state: "attached" })]);
    assert.match(await page.title(), /^\(!\) .*trying again/);
    await node.startAgain();
    await page.getByText("live", { exact: true }).first().waitFor();
    await page.locator("#announcer", { hasText: "connected again" }).waitFor({ state: "attached" });
    const pids = (await node.dexter.status()).servers.map(({ pid }: { pid: number }) => pid);
    await page.getByText(`process ${pids[0]} `).waitFor();
    // The browser itself tells of each call that nobody answered.
    assert(errors.splice(0).every((text) => /ERR_|Failed to load/.test(text)));
  });
});
