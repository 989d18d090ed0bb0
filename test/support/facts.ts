/** What the scheduler finds out about a request's head, made of its parts. */
import {
  inspectHeaders,
  inspectTarget,
  type RequestFacts,
  type RequestSource,
} from "../../scheduler/http/vet.ts";

/** @param url the target as it was sent */
export function factsOf(source: RequestSource, url: string): RequestFacts {
  return inspectTarget(inspectHeaders(source), url);
}
