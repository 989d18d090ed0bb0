/** Requests that failed, with the stack to unfold. */
import { byId, element, list, setText } from "./dom.ts";
import { count, moment } from "./format.ts";
import type { Shown } from "./memory.ts";
import type { Failure } from "./wire.ts";

export function showFailures({ failures }: Shown): void {
  byId("no-failures").hidden = failures.length > 0;
  list<Failure>(byId("failures"), failures, { key: ({ key }) => String(key), make, update });
}

function make(): HTMLElement {
  const summary = element(
    "summary",
    {},
    element("time"),
    element("b"),
    element("span", { class: "count" }),
    element("span", { class: "message" }),
  );
  return element(
    "details",
    { class: "failure" },
    summary,
    element("p", { class: "quiet" }),
    element("pre", { tabindex: "0" }),
  );
}

function update(made: HTMLElement, failure: Failure): void {
  const { time, function: name, version, text, id, status, method, host, path } = failure;
  const [summary, facts, stack] = made.children;
  const [when, where, often, message] = summary!.children;
  setText(when!, moment(time));
  when!.setAttribute("datetime", time);
  setText(where!, name);
  setText(often!, failure.count > 1 ? `${count(failure.count)} times` : "");
  setText(message!, text.split("\n", 1)[0]!);
  const served = version === undefined ? "" : ` · version ${version}`;
  setText(facts!, `${method} ${host}${path} · ${status}${served} · request ${id}`);
  setText(stack!, text);
  stack!.setAttribute("aria-label", `Stack of an error in ${name}`);
  stack!.setAttribute("role", "region");
}
