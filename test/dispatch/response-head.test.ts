/** Private headers of an answer: the scheduler reads them, no client sees them. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { announcesReport } from "../../scheduler/dispatch/exception-report.ts";
import { isReturned, parseResponseHead } from "../../scheduler/dispatch/response-head.ts";

describe("private headers of an answer", () => {
  it("do not leave, whatever their case; others that begin alike do", () => {
    const head = [
      "HTTP/1.1 200 OK",
      "X-Mine: 1",
      "x-dexter-anything: 2",
      "X-DEXTER-Cf: 3",
      "x-dexter: 4",
      "x-dexterity: 5",
      "x-dexter-: 6",
      "Content-Length: 0",
    ];
    const { lines } = parseResponseHead(head.join("\r\n"), "GET");
    assert.equal(
      lines,
      "HTTP/1.1 200 OK\r\nX-Mine: 1\r\nx-dexter: 4\r\nx-dexterity: 5\r\nContent-Length: 0\r\n",
    );
  });

  it("do not leave with the head of a tunnel", () => {
    const head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nx-dexter-a: 1";
    const { lines } = parseResponseHead(head, "GET");
    assert.equal(lines, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n");
  });

  it("still tell of exceptions and of requests that came back", () => {
    const report = parseResponseHead("HTTP/1.1 500 \r\nx-dexter-exception: 1\r\nContent-Length: 2", "GET");
    assert(announcesReport(report));
    const returned = parseResponseHead("HTTP/1.1 503 \r\nx-dexter-returned: 1\r\nContent-Length: 0", "GET");
    assert(isReturned(returned));
    assert(!/x-dexter/.test(report.lines + returned.lines));
  });
});
