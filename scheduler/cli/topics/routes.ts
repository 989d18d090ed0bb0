/** `dexter help routes` */
import { filled, listed, type Topic } from "./topic.ts";

const RULES = [
  ["without route or routes", "host <name>.<base_domain>, and /<name> and below on any other host"],
  ["index without routes", "that, and everything that nothing else answers"],
  ["main", "everything that nothing else answers, and its routes"],
  ["with route or routes", "those patterns only, such as example.com/api/* or *.example.com/*"],
] as const;

export const routes: Topic = {
  name: "routes",
  summary: "which function answers a host and a path",
  text: ({ width }) =>
    [
      filled("Host and path choose the function. A function answers at these places:", width),
      listed(RULES, width),
      filled(
        `
An exact host wins over a wildcard, then the longer path, then an exact path over a wildcard. A pattern that two functions
were given is an error. The URL reaches the function unchanged: /hello/x stays /hello/x.

The directive base_domain is localhost unless set. "dexter status" shows at which places each function answers.`,
        width,
      ),
    ].join("\n\n"),
};
