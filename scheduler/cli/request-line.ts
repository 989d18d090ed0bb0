/** The request log of `dexter dev`: one line for each request. */
import type { RequestRecord } from "../logs/request-record.ts";
import { colours } from "./colours.ts";

export function requestLine({ outcome, method, path, functionName, ms }: RequestRecord): string {
  const time = new Date().toTimeString().slice(0, 8);
  const took = ms >= 10 ? `${Math.round(ms)} ms` : `${ms.toFixed(1)} ms`;
  const detail = [functionName, took].filter((part) => part !== "").join(" ");
  const what = method === "" ? "(no HTTP request)" : `${method} ${path}`;
  return `${colours.dim(time)} ${colourOf(outcome)(String(outcome))} ${what} ${colours.dim(detail)}`;
}

function colourOf(outcome: RequestRecord["outcome"]): (text: string) => string {
  if (typeof outcome === "string") return colours.yellow;
  if (outcome >= 500) return colours.red;
  return outcome >= 400 ? colours.yellow : colours.green;
}
