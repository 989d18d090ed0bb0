/** The families of series that each function has. Their meaning is in `help`, for README and dashboards to rely on. */
import type { RefusalCause } from "../policy/effects.ts";
import type { Family, Sample } from "./exposition.ts";
import { type Counts, STATUSES } from "./function-counts.ts";

type Labels = { readonly function: string };

interface FunctionFamily extends Omit<Family, "samples"> {
  samples(counts: Counts, labels: Labels): readonly Sample[];
}

const REASONS: Readonly<Record<RefusalCause, string>> = {
  full: "queue-full",
  timeout: "queue-timeout",
  "load-failed": "load-failed",
};

const FAMILIES: readonly FunctionFamily[] = [
  {
    name: "dexter_requests_total",
    help: "Requests that are over, by class of the status; aborted: the client left before the end of the answer; lost: the answer was cut off.",
    type: "counter",
    samples: ({ statuses }, labels) =>
      statuses.map((value, place) => ({ labels: { ...labels, status: STATUSES[place]! }, value })),
  },
  {
    name: "dexter_request_duration_seconds",
    help: "From the end of a request's head to the end of its answer, or to what ended it; without WebSockets.",
    type: "histogram",
    samples: ({ duration }, labels) => duration.samples(labels),
  },
  {
    name: "dexter_queue_wait_seconds",
    help: "How long a request waited in the scheduler for a thread, also in vain.",
    type: "histogram",
    samples: ({ wait }, labels) => wait.samples(labels),
  },
  counter(
    "dexter_request_body_bytes_total",
    "Bytes of request bodies that went to threads.",
    ({ requestBytes }) => requestBytes,
  ),
  counter(
    "dexter_response_body_bytes_total",
    "Bytes of response bodies that came from threads.",
    ({ responseBytes }) => responseBytes,
  ),
  counter(
    "dexter_cold_starts_total",
    "Requests that waited for a thread of a function that had none.",
    ({ coldStarts }) => coldStarts,
  ),
  {
    name: "dexter_rejected_requests_total",
    help: "Requests that got no thread, by why.",
    type: "counter",
    samples: ({ refused }, labels) =>
      Object.entries(REASONS).map(([why, reason]) => ({
        labels: { ...labels, reason },
        value: refused[why as RefusalCause],
      })),
  },
  {
    name: "dexter_thread_loads_total",
    help: "Isolates that were loaded into a running server, or could not be.",
    type: "counter",
    samples: ({ loads, failedLoads }, labels) => [
      { labels: { ...labels, outcome: "loaded" }, value: loads },
      { labels: { ...labels, outcome: "failed" }, value: failedLoads },
    ],
  },
];

function counter(name: string, help: string, value: (counts: Counts) => number): FunctionFamily {
  return { name, help, type: "counter", samples: (counts, labels) => [{ labels, value: value(counts) }] };
}

export function functionFamilies(entries: Iterable<[functionName: string, counts: Counts]>): Family[] {
  const all = [...entries];
  return FAMILIES.map(({ samples, ...family }) => ({
    ...family,
    samples: all.flatMap(([name, counts]) => samples(counts, { function: name })),
  }));
}
