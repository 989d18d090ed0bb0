/** The node in eight numbers. */
import { byId, element, list, setAttribute, setText } from "./dom.ts";
import { count, duration, rate, span } from "./format.ts";
import type { Shown } from "./memory.ts";

interface Total {
  readonly name: string;
  readonly value: string;
  readonly note?: string;
  /** Somebody should look. */
  readonly alarm?: boolean;
}

export function showTotals({ now }: Shown): void {
  list(byId("totals"), totalsOf(now), {
    key: ({ name }) => name,
    make: ({ name }) =>
      element(
        "div",
        { class: "total" },
        element("dt", {}, name),
        element("dd", {}, element("b"), element("small")),
      ),
    update: (made, { value, note = "", alarm }) => {
      const [number, small] = made.querySelectorAll("b, small");
      setText(number!, value);
      setText(small!, note);
      setAttribute(made, "data-alarm", alarm ? "yes" : undefined);
    },
  });
}

function totalsOf({ status, figures, slotsPerServer }: Shown["now"]): Total[] {
  const { totals, servers } = status;
  const running = servers.filter(({ state }) => state === "running").length;
  const slots = running * slotsPerServer;
  return [
    { name: "Requests/s", value: rate(figures.node.perSecond), note: `${count(totals.requests)} in all` },
    { name: "p50", value: duration(figures.node.p50Ms), note: "1 min" },
    { name: "p99", value: duration(figures.node.p99Ms), note: "1 min" },
    { name: "Errors", value: count(figures.node.errors), note: "1 min", alarm: figures.node.errors > 0 },
    {
      name: "Busy",
      value: count(totals.busy),
      note: `of ${count(slots)}`,
      alarm: slots > 0 && totals.busy >= slots,
    },
    { name: "Spare", value: count(totals.idle), note: totals.starting > 0 ? `+ ${totals.starting}` : "" },
    {
      name: "Queued",
      value: count(totals.queued),
      note: `${count(totals.rejected)} rejected`,
      alarm: totals.queued > 0,
    },
    { name: "Up", value: span(status.uptimeSeconds) },
  ];
}
