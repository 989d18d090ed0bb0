/**
 * The catalogue of errors that an operator or a client may see: one line each with a code, a message
 * template ({name} is filled from the details) and, where a client gets it, an HTTP status.
 * A message says what is wrong, where, and what to do.
 */

const catalogue = {
  CONFIG_NOT_FOUND: ["no configuration: {path} does not exist; run `dexter init` or pass --config", 500],
  CONFIG_UNREADABLE: ["{path}: cannot be read: {reason}", 500],
  CONFIG_SYNTAX: ["{path}:{line}:{column}: {reason}", 500],
  CONFIG_INVALID: ["{reason}", 500],
  BUILD_FAILED: ["{reason}", 500],
  LOAD_FAILED: ["{function}: {reason}", 500],
  NO_FUNCTION: ["no function answers {host}{path}{others}", 404],
  REQUEST_REFUSED: ["{reason}", 400],
  QUEUE_FULL: ["every thread is busy and {waiting} requests already wait", 503],
  QUEUE_TIMEOUT: ["no thread became idle within {seconds} s", 503],
  STOPPING: ["dexter is stopping", 503],
  SERVER_LOST: ["the server process ended while it served this request", 502],
  BAD_RESPONSE: ["the thread's response could not be read: {reason}", 502],
  PORT_IN_USE: [
    "{address} is in use by another program; choose another with --set {directive}=<address>",
    500,
  ],
  INSPECT_FAILED: [
    "cannot listen for debuggers on {address}: {reason}; choose another port with --inspect=<port>",
    500,
  ],
  LISTEN_FAILED: ["cannot listen on {address}: {reason}", 500],
  CERTIFICATE: ["{path}: {reason}", 500],
  LOCKED: [
    "{path}: another dexter (process {pid}) runs on this data directory; stop it or set data_dir",
    500,
  ],
  NOT_RUNNING: ["no dexter runs here (nobody answers at {path}); start one with `dexter start`", 500],
  NOT_ALLOWED: ["{path}: the dexter that runs here belongs to another user; ask as that user", 500],
  UNREACHABLE: ["no dexter answers at {node}: {reason}; look at --node, and at admin_listen there", 500],
  NODE_LOST: ["the connection to dexter at {name} was lost; it may have ended", 500],
  REFUSED: ["the running dexter refused: {reason}", 500],
  NO_CALL: [
    "the admin API has no call {method} {path}; is the command of another version than the node?",
    404,
  ],
  CALL_INVALID: ["the admin API cannot read the call: {reason}", 400],
  UNKNOWN_FUNCTION: ["there is no function {name}; `dexter status` lists those that there are", 404],
  FORBIDDEN: ["{who} may not do this{what}: it needs the scope {scope}", 403],
  UNAUTHENTICATED: ["{reason}", 401],
  ORIGIN_REFUSED: ["a page of {origin} may not change this node", 403],
  METHOD_NOT_ALLOWED: ["the admin API takes {allowed} at {path}, not {method}", 405],
  BODY_TIMEOUT: ["the body of the call did not come within {seconds} s", 408],
  BODY_TOO_LARGE: ["the body of the call is too big: it may be no more than {size}", 413],
  HOST_REFUSED: [
    'this node is not asked by the name "{host}"; use an IP address, or add the name to admin_hosts',
    421,
  ],
  RATE_LIMITED: ["too many {what}; try again in {retryAfterSeconds} s", 429],
  NO_TOKEN: ["there is no token {token}; `dexter token list` shows those that are", 404],
  TOKEN_EXISTS: ["there is a token {name} already; choose another name, or revoke that one first", 409],
  TOKENS_UNUSABLE: ["{path}: {reason}", 500],
  SERVER_FAILED: ["server {slot} did not start: {reason}", 500],
  DATA_DIR: ["{path}: cannot be used: {reason}", 500],
  FILE_UNWRITABLE: ["{directive}: {path} cannot be written: {reason}", 500],
  NOT_ROOT: [
    "{directive}: only root can run servers as somebody else; start dexter as root or remove it",
    500,
  ],
  UNKNOWN_USER: ['{directive}: there is no {kind} "{name}" on this machine', 500],
  STORE_FULL: ["{path}: no space is left; make room and try again (what was there still is)", 507],
  STORE_FAILED: ["{path}: cannot be written: {reason}", 500],
  PACKAGE_INVALID: ["the upload is no version of a function: {reason}", 400],
  PACKAGE_TOO_BIG: ["the upload is too big: {reason}", 413],
  DIGEST_WRONG: [
    "the upload was changed on its way: it says that it is {claimed}, and its content is {found}; deploy again",
    400,
  ],
  NO_DEPLOYED: ['no function "{function}" is deployed here; `dexter list` shows those that are', 404],
  NO_VERSION: [
    '{function}: version "{version}" is not kept here; `dexter versions {function}` lists those that are',
    404,
  ],
  NO_CANARY: ["{function}: no canary runs; deploy one with `dexter deploy --canary <percent>`", 409],
  NOTHING_TO_COMPARE: [
    "{function}: no deployed version is live to compare a canary with; deploy it without --canary",
    409,
  ],
  NO_VERSION_BEFORE: ["{function}: no version before the live one is kept here", 409],
  VERSION_DAMAGED: ["version {version} is damaged ({path}: {reason}); deploy it again", 409],
  SECRET_KEY: ["the key of secrets, {path}, {reason}", 500],
  SECRETS_LOCKED: [
    "the secrets of {function} cannot be read, and it is not served without them: {reason}; then run `dexter reload`",
    500,
  ],
  SECRETS_DAMAGED: [
    "the secrets of {function} cannot be used, and it is not served without them: {path} {reason}; " +
      "put a good copy back and run `dexter reload`, or remove the file and set them again",
    500,
  ],
  SECRET_NAME: [
    "a secret's name must be letters, digits and _, at most 128, not begin with a digit, and be no property " +
      "of every object, such as constructor",
    400,
  ],
  SECRET_VALUE: ["the value of {name} {reason}", 400],
  SECRET_TOO_BIG: ["a secret may have {most} KiB, and this one has more", 413],
  SECRETS_TOO_MANY: ["{function} has {most} secrets, and may not have more; delete some", 409],
  SECRETS_IN_DEV: [
    "this is `dexter dev`, where no secret counts; put values for development into .dev.vars",
    409,
  ],
  NO_SECRET: [
    '{function} has no secret "{name}"; `dexter secret list {function}` lists those that it has',
    404,
  ],
  ROUTE_TAKEN: ['{function}: its route "{pattern}" belongs to {owner}; change one of them', 409],
  NOT_WELL: ["{function}: version {version} is not well: {reason}", 422],
  NO_ROOM: [
    "{function}: no server has room to prove it in; try again, or raise max_threads_per_child or num_servers",
    503,
  ],
  PROOF_LOST: ["{function}: the servers ended before it was loaded in one; try again", 503],
  NOT_PROVED: ["{reason}", 422],
  INIT_NOT_EMPTY: [
    "{path} is not empty: {entries}; choose another folder, or pass --force to keep these files and add the rest",
    500,
  ],
  INIT_FAILED: ["cannot write a project to {path}: {reason}", 500],
  USAGE: ["{reason}", 500],
} as const satisfies Record<string, readonly [message: string, status: number]>;

export type ErrorCode = keyof typeof catalogue;

/** An expected failure. `code` names its line in the catalogue; `status` is what a client gets. */
export class DexterError extends Error {
  override readonly name = "DexterError";
  readonly code: ErrorCode;
  readonly status: number;
  readonly details: Readonly<Record<string, string | number>>;

  constructor(code: ErrorCode, details: Record<string, string | number> = {}, options?: { cause?: unknown }) {
    const [template, status] = catalogue[code];
    super(
      template.replace(/\{(\w+)\}/g, (_, key: string) => String(details[key] ?? "")),
      options,
    );
    this.code = code;
    this.status = status;
    this.details = details;
  }
}
