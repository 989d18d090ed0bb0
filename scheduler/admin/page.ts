/**
 * The status page: a document, its script and its style. They hold no data, so nobody needs a token to load them;
 * the script asks for one and calls the API with it. Names and stacks are written by strangers, so the policy
 * leaves nothing to run but the node's own script, and no way out but to the node itself.
 */
import { readBuilt } from "../system/built-file.ts";
import type { AdminFeature } from "./app.ts";

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const HEADERS = {
  "Content-Security-Policy": POLICY,
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
};

const FILES = [
  ["/", "page/index.html", "text/html; charset=utf-8"],
  ["/page.js", "page/page.js", "text/javascript; charset=utf-8"],
  ["/page.css", "page/page.css", "text/css; charset=utf-8"],
] as const;

export const page: AdminFeature = (app) => {
  for (const [path, file, type] of FILES) {
    let content: string | undefined;
    app.get(path, (c) => {
      content ??= readBuilt(file);
      return c.body(content, 200, { ...HEADERS, "Content-Type": type });
    });
  }
};
