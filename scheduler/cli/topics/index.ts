/** The topics of `dexter help`, one file each. A new one gets a line here. */
import type { Candidate } from "../complete.ts";
import { completion } from "./completion.ts";
import { configuration } from "./configuration.ts";
import { deploy } from "./deploy.ts";
import { directives } from "./directives.ts";
import { files } from "./files.ts";
import { functions } from "./functions.ts";
import { routes } from "./routes.ts";
import { service } from "./service.ts";
import { signals } from "./signals.ts";
import type { Topic } from "./topic.ts";

export const TOPICS: readonly Topic[] = [
  configuration,
  functions,
  routes,
  directives,
  deploy,
  signals,
  files,
  service,
  completion,
];

export const TOPIC_CANDIDATES: readonly Candidate[] = TOPICS.map(({ name, summary }) => ({
  value: name,
  description: summary,
}));
