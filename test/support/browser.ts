/** A page in a real browser, of which everything that goes wrong is noted. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { TestContext } from "node:test";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { cleanUp } from "./node.ts";

/** As Debian calls it. */
export const BROWSER = "chromium";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** It has a profile of its own, which is removed when it is closed. */
export function launchBrowser(): Promise<Browser> {
  const found = spawnSync("sh", ["-c", `command -v ${BROWSER}`], { encoding: "utf8" });
  return chromium.launch({ executablePath: found.stdout.trim(), args: FLAGS });
}

export interface WatchedPage {
  readonly page: Page;
  /** What the console called an error, and exceptions that nobody caught. */
  readonly errors: string[];
  readonly requests: { readonly url: string; readonly headers: Readonly<Record<string, string>> }[];
  /** What the page's policy has forbidden. */
  violations(): Promise<string[]>;
}

const NOTE_VIOLATIONS = `
globalThis.policyViolations = [];
document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sample }) => {
  policyViolations.push(violatedDirective + ": " + blockedURI + " " + sample);
});`;

export async function openPage(
  test: TestContext,
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext(options);
  cleanUp(test, () => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const errors: string[] = [];
  const requests: WatchedPage["requests"] = [];
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("request", (request) => requests.push({ url: request.url(), headers: request.headers() }));
  await page.addInitScript(NOTE_VIOLATIONS);
  return { page, errors, requests, violations: () => page.evaluate<string[]>("policyViolations") };
}

interface AxeViolation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** Fails when axe finds something serious on the page as it is now. */
export async function assertAccessible(page: Page): Promise<void> {
  // The debugger may put in scripts that the page's policy forbids.
  await page.evaluate(`${readFileSync(AXE, "utf8")};undefined`);
  const found = await page.evaluate<AxeViolation[]>("axe.run().then(({ violations }) => violations)");
  const serious = found.filter(({ impact }) => impact === "serious" || impact === "critical");
  const told = serious.map(({ id, nodes }) => `${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary}`);
  assert.deepEqual(told, []);
}
