/** Bodies on their way: when they are served, what is gathered of them, and how slow a client may be. Time is told. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ClientRequest, RequestBody, RequestSink } from "../../scheduler/http/client-request.ts";
import { type ClientLimits, Clients } from "../../scheduler/http/clients.ts";
import { GatheredBody } from "../../scheduler/http/gathered-body.ts";
import { IncomingRequest } from "../../scheduler/http/incoming-request.ts";
import type { RequestContext } from "../../scheduler/http/listener.ts";

const LIMITS: ClientLimits = {
  ...new Clients().limits,
  requestBufferBytes: 100,
  maxBufferedBytes: 1_000,
  bodyTimeoutMs: 30_000,
  minRate: 1_000,
};

/** A request whose body the test sends, and whoever serves it. */
function setUp(limits: Partial<ClientLimits> = {}, maxBytes = 0) {
  const state = { served: 0, refused: "", failed: "", noted: "", isShort: false, body: "", ended: false };
  const inner = {
    body: "unread" as RequestBody,
    sink: undefined as RequestSink | undefined,
    head: { facts: { framing: "chunked", path: "/" } },
    waitingBytes: 0,
    mostBytes: 0,
    read() {
      inner.body = "wanted";
    },
    pause() {
      inner.body = "held";
    },
  };
  const clients = new Clients(
    { ...LIMITS, ...limits },
    {
      note: (kind) => {
        state.noted = kind;
      },
      isShort: () => state.isShort,
      isTrusted: () => false,
    },
  );
  const context = { id: "1", functionName: "f", client: { ip: "192.0.2.1" } } as RequestContext;
  const request = new IncomingRequest(inner as unknown as ClientRequest, context, maxBytes, {
    clients,
    serve: () => void state.served++,
    refuse: (_request, _context, { code }) => {
      state.refused = code;
    },
    gone: () => {},
  });
  const sink: RequestSink = {
    onBody(chunk, done) {
      state.body += String(chunk);
      done?.();
      return false;
    },
    onBodyEnd() {
      state.ended = true;
    },
    onDrain() {},
    onClosed() {},
    fail: ({ code }) => {
      state.failed = code;
    },
  };
  request.take();
  const send = (text: string, done?: () => void) => inner.sink!.onBody(Buffer.from(text), done);
  const end = () => {
    inner.body = "ended";
    inner.sink!.onBodyEnd();
  };
  const serve = () => {
    request.sink = sink;
    request.read();
  };
  return { state, inner, clients, request, send, end, serve };
}

describe("a body on its way", () => {
  it("is served when it is whole, and comes as it was sent", () => {
    const { state, clients, send, end, serve } = setUp();
    for (const piece of ["a ", "body ", "in pieces"]) send(piece);
    assert.deepEqual([state.served, clients.bufferedBytes], [0, 16]);
    end();
    assert.equal(state.served, 1);
    serve();
    assert.deepEqual([state.body, state.ended, clients.bufferedBytes], ["a body in pieces", true, 0]);
  });

  it("is served when it is longer than request_buffer, and waits until somebody reads it", () => {
    const { state, inner, send, end, serve } = setUp();
    send("x".repeat(100));
    assert.equal(state.served, 0);
    send("y");
    assert.deepEqual([state.served, inner.body], [1, "held"]);
    serve();
    assert.equal(inner.body, "wanted");
    send("z");
    end();
    assert.deepEqual([state.body, state.ended], [`${"x".repeat(100)}yz`, true]);
  });

  it("is served early when the node buffers too much", () => {
    const { state, clients, send } = setUp();
    clients.bufferedBytes = 1_000;
    send("x");
    assert.equal(state.served, 1);
  });

  it("gives every piece of memory back, also when nobody wants it any more", () => {
    const { request, send, clients } = setUp();
    let given = 0;
    send("x", () => given++);
    assert.equal(given, 1, "short ones are copied");
    send("y".repeat(20_000), () => given++);
    assert.equal(given, 1);
    request.onClosed();
    assert.deepEqual([given, clients.bufferedBytes], [2, 0]);
  });

  it("is refused when it grows too long", () => {
    const { state, send } = setUp({}, 5);
    send("12345");
    send("6");
    assert.deepEqual([state.refused, state.noted, state.served], ["UPLOAD_TOO_LONG", "max_body_bytes", 0]);
  });
});

describe("a client that sends slowly", () => {
  it("may pause for body_timeout", () => {
    const { state, request, send } = setUp();
    request.checkTime(1_000);
    request.checkTime(30_000);
    send("x");
    request.checkTime(32_000);
    request.checkTime(62_000);
    assert.equal(state.refused, "");
    request.checkTime(63_000);
    assert.deepEqual([state.refused, state.noted], ["UPLOAD_STALLED", "body_timeout"]);
  });

  it("may pause for 2 s while it holds a thread for which others wait", () => {
    const { state, request, send, serve } = setUp();
    send("x".repeat(101));
    serve();
    request.checkTime(1_000);
    request.checkTime(5_000);
    assert.equal(state.failed, "");
    state.isShort = true;
    request.checkTime(6_000);
    assert.deepEqual([state.failed, state.noted], ["UPLOAD_STALLED", "body_timeout"]);
  });

  it("must keep to min_rate while it holds a thread, beyond the first seconds", () => {
    const { state, request, send, serve } = setUp();
    send("x".repeat(101));
    serve();
    for (let second = 1; second <= 11; second++) {
      send("few");
      request.checkTime(second * 1_000);
      assert.equal(state.failed, "");
    }
    send("few");
    request.checkTime(12_000);
    assert.deepEqual([state.failed, state.noted], ["UPLOAD_TOO_SLOW", "min_rate"]);
  });

  it("is not late while the function does not read", () => {
    const { state, request, send, serve } = setUp();
    send("x".repeat(101));
    serve();
    request.pause();
    for (let second = 1; second <= 100; second++) request.checkTime(second * 1_000);
    request.read();
    request.checkTime(101_000);
    assert.deepEqual([state.failed, state.refused], ["", ""]);
  });
});

describe("what is gathered", () => {
  it("takes little more memory than it is long, also of single bytes", () => {
    const body = new GatheredBody();
    for (let count = 0; count < 10_000; count++) body.add(Buffer.from("b"));
    const { bytes } = body.shift()!;
    assert.equal(bytes.toString(), "b".repeat(10_000));
    assert(bytes.buffer.byteLength < 20_000, `${bytes.buffer.byteLength} bytes`);
    assert.equal(body.isEmpty, true);
  });
});
