/** Errors of calls of the admin API, whatever they ask for, and of the tokens that they show. */
import type { ErrorKinds } from "./kind.ts";

export const ADMIN = {
  UNAUTHENTICATED: {
    message: "a token is needed: send `Authorization: Bearer <token>`; `dexter token create` makes one",
    admin: 401,
  },
  TOKEN_INVALID: {
    message: "this is not a token of dexter, or it was cut or mistyped; `dexter token create` makes one",
    admin: 401,
  },
  TOKEN_UNKNOWN: {
    message: "the token {id} was revoked, or was made by another node",
    admin: 401,
    advice: "`dexter token list` on the node shows its tokens; `dexter token create` makes one.",
  },
  TOKEN_EXPIRED: {
    message: "the token {name} expired at {expiresAt}; create another",
    admin: 401,
  },
  FORBIDDEN: {
    message: "{who} may not do this{what}: it needs the scope {scope}",
    admin: 403,
    advice: "Use a token with that scope; `dexter token list` shows what each token may do.",
  },
  ORIGIN_REFUSED: {
    message: "a page of {origin} may not change this node",
    admin: 403,
    advice: "Call from a program, or from the status page of the node itself.",
  },
  HOST_REFUSED: {
    message:
      'this node does not serve the admin API under the host name "{host}"; use an IP address, or add the name to admin_hosts',
    admin: 421,
  },
  RATE_LIMITED: {
    message: "too many {what}; try again in {retryAfterSeconds} s",
    admin: 429,
  },
  NO_CALL: {
    message: "the admin API has no call {method} {path}; is the command of another version than the node?",
    admin: 404,
  },
  METHOD_NOT_ALLOWED: {
    message: "the admin API takes {allowed} at {path}, not {method}",
    admin: 405,
  },
  CALL_INVALID: {
    message: "the call is invalid: {part}: {reason}",
    admin: 400,
    advice: "The part of the call, such as a field of its JSON, and what it must be.",
  },
  BODY_TIMEOUT: {
    message: "the body of the call did not arrive within {seconds} s",
    admin: 408,
    advice: "Try again over a faster connection.",
  },
  BODY_TOO_LARGE: {
    message: "the body of the call is too large: it may have at most {size}",
    admin: 413,
  },
  UNKNOWN_FUNCTION: {
    message: "there is no function {name}; `dexter status` lists the functions of the node",
    admin: 404,
  },
  NO_TOKEN: {
    message: "there is no token {token}; `dexter token list` shows the tokens of the node",
    admin: 404,
  },
  TOKEN_EXISTS: {
    message: "there is a token {name} already; choose another name, or revoke that one first",
    admin: 409,
  },
  TOKENS_UNREADABLE: {
    message: "{path}: cannot be read: {reason}",
    advice: "Make the file readable for the user that dexter runs as.",
  },
  TOKENS_UNUSABLE: {
    message: "{path}: it is damaged; restore it, or remove it and create the tokens again ({where})",
  },
  TOKENS_EXPOSED: {
    message: "{path}: other users may write it; look at what is in it, then `chmod 600` it",
  },
} as const satisfies ErrorKinds;
