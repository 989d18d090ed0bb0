/** Errors of functions and their versions: bundling, loading, deploying, rolling back. */
import type { ErrorKinds } from "./kind.ts";

export const DEPLOYS = {
  BUILD_FAILED: {
    message: "{reason}",
    status: 500,
    admin: 422,
    advice: "The problems that the bundler found, each with file and line. Clients see it in `dexter dev`.",
  },
  LOAD_FAILED: {
    message: "{function}: {reason}",
    status: 500,
    admin: 422,
    advice: "The function's module throws or does not end while it is loaded. The log has the stack.",
  },
  NOT_WELL: {
    message: "{function}: version {version} failed its health check: {reason}",
    status: 500,
    admin: 422,
    advice:
      "Correct the function, or the service that it calls. health_path must be answered with a status below 400.",
  },
  NOT_PROVED: {
    message: "{reason}",
    admin: 422,
    advice:
      "Why the new version, or the version with the changed secret, does not work: the message of " +
      "LOAD_FAILED, BUILD_FAILED or NOT_WELL, with the stack. What was live is still live.",
  },
  NO_ROOM: {
    message:
      "{function}: no server has a free thread to test it in; try again, or raise max_threads_per_child or num_servers",
    status: 503,
    admin: 503,
  },
  PROOF_LOST: {
    message: "{function}: every server ended before it had loaded the function; try again",
    status: 503,
    admin: 503,
  },
  PACKAGE_INVALID: {
    message: "the upload is no version of a function: {reason}",
    admin: 400,
    advice: "Deploy with `dexter deploy` of the same version as the node.",
  },
  PACKAGE_TOO_BIG: {
    message: "the upload is too big: {reason}",
    admin: 413,
    advice: "Bundle less: large files belong on a server for files.",
  },
  DIGEST_WRONG: {
    message:
      "the upload was changed on its way: its digest should be {claimed}, and it is {found}; deploy again",
    admin: 400,
  },
  ROUTE_TAKEN: {
    message: '{function}: its route "{pattern}" belongs to {owner}; change one of them',
    admin: 409,
  },
  NO_DEPLOYED: {
    message: 'no function "{function}" is deployed here; `dexter list` shows those that are',
    admin: 404,
  },
  NO_VERSION: {
    message:
      '{function}: version "{version}" is not kept here; `dexter versions {function}` lists those that are',
    admin: 404,
  },
  NO_VERSION_BEFORE: {
    message: "{function}: no version before the live one is kept here",
    admin: 409,
    advice: "Deploy the earlier version again. `keep_versions` says how many are kept.",
  },
  VERSION_DAMAGED: {
    message: "version {version} is damaged ({path}: {reason}); deploy it again",
    admin: 500,
  },
  NO_CANARY: {
    message: "{function}: no canary runs; deploy one with `dexter deploy --canary <percent>`",
    admin: 409,
  },
  NOTHING_TO_COMPARE: {
    message: "{function}: no deployed version is live to compare a canary with; deploy it without --canary",
    admin: 409,
  },
  STORE_FULL: {
    message: "{path}: no space is left; delete files, then try again (nothing was changed)",
    admin: 507,
  },
  STORE_FAILED: {
    message: "{path}: cannot be written: {reason}",
    admin: 500,
    advice: "Check owner, mode and disk of the data directory, then try again. Nothing was changed.",
  },
} as const satisfies ErrorKinds;
