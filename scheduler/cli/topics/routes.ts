/** `dexter help routes` */
import { filled, listed, type Topic } from "./topic.ts";

const RULES = [
  ["without route or routes", "host <name>.<base_domain>, and /<name> and below on any other host"],
  ["index without routes", "the same, and every request that no other function gets"],
  ["main", "every request that no other function gets, and its routes"],
  ["with route or routes", "only these patterns, such as example.com/api/* or *.example.com/*"],
] as const;

export const routes: Topic = {
  name: "routes",
  summary: "which function answers a host and a path",
  text: ({ width }) =>
    [
      filled("The host and the path of a request choose the function. A function gets:", width),
      listed(RULES, width),
      filled(
        `
An exact host wins over a wildcard, then the longer path, then an exact path over a wildcard. It is an error if two functions
have the same pattern. The URL reaches the function unchanged: /hello/x stays /hello/x.

The default of the directive base_domain is localhost. "dexter status" shows the routes of each function.`,
        width,
      ),
    ].join("\n\n"),
};
