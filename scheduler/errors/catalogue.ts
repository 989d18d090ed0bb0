/**
 * The catalogue of errors that an operator or a client may see, from which docs/errors.md is made. Codes are part of
 * the interface: the admin API and `--json` tell them.
 */
import { ADMIN } from "./admin.ts";
import { COMMAND_LINE } from "./command-line.ts";
import { DEPLOYS } from "./deploys.ts";
import type { ErrorKind } from "./kind.ts";
import { REQUESTS } from "./requests.ts";
import { SECRETS } from "./secrets.ts";
import { START } from "./start.ts";

/** By what somebody was doing, in the order of the document. */
export const GROUPS = {
  "Start and configuration": START,
  Requests: REQUESTS,
  "Functions and deploys": DEPLOYS,
  Secrets: SECRETS,
  "Admin API": ADMIN,
  "Command line": COMMAND_LINE,
} as const;

const all = { ...START, ...REQUESTS, ...DEPLOYS, ...SECRETS, ...ADMIN, ...COMMAND_LINE };

export type ErrorCode = keyof typeof all;

export const CATALOGUE: Readonly<Record<ErrorCode, ErrorKind>> = all;
