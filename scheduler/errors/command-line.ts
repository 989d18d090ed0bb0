/** Errors of the command line alone: bad usage (exit status 2), no node, what a node answered. */
import type { ErrorKinds } from "./kind.ts";

export const COMMAND_LINE = {
  USAGE: {
    message: "{option} {rule}",
    admin: 400,
    exit: 2,
    advice:
      "The option or argument, and what it must be; `dexter <command> --help` explains it. " +
      "`GET /tail` of the admin API checks its query in the same way.",
  },
  NO_TOPIC: {
    message: 'there is no help about "{topic}"{near} (dexter help lists the topics)',
    exit: 2,
  },
  NOT_IN_PROJECT: {
    message: '--function: the project has no "{name}" (it has {known})',
    exit: 2,
    advice: "Name one of the project's functions.",
  },
  CANARY_NEEDED: {
    message: "--canary-window and --sticky need --canary",
    exit: 2,
  },
  NOT_CONFIRMED: {
    message: "{name} was not deleted; to delete it without being asked, pass --yes",
    exit: 2,
  },
  TOKEN_NEEDED: {
    message: "--node {node} needs a token: {where}; `dexter token create` on the node makes one",
    exit: 2,
  },
  TOKEN_UNREADABLE: {
    message: "what {where} holds is no token: it has spaces, or characters that are not ASCII",
    exit: 2,
    advice: "Put the token there as `dexter token create` printed it, and nothing else.",
  },
  NO_INPUT: {
    message: "nothing was set",
    exit: 2,
    advice: "The question was left with Ctrl-C or Ctrl-D. Call the command again.",
  },
  INPUT_EMPTY: {
    message: "the value of {name} is empty: give it on stdin, or call the command on a terminal to be asked",
    exit: 2,
  },
  SECRET_SHOWN: {
    message:
      "a secret's value must not stand on the command line, where others can read it; treat this one as known, " +
      "and give another on stdin: dexter secret put {function} {name} < file",
    exit: 2,
  },
  NOT_RUNNING: {
    message: "no dexter runs here (nobody answers at {path}); start one with `dexter start`{elsewhere}",
    advice: "`--node` names a node of another machine, for the commands that take it.",
  },
  NOT_ALLOWED: {
    message: "{path}: the dexter that runs here belongs to another user; call the command as that user",
  },
  UNREACHABLE: {
    message: "no dexter answers at {node}: {reason}; check --node, and admin_listen on that machine",
  },
  NO_TLS: {
    message: "{node} does not speak TLS; use http://",
  },
  TLS_NEEDED: {
    message: "{node} speaks TLS; use https://",
  },
  NO_ADMIN_API: {
    message: "no admin API answers at {node}; use the address of admin_listen",
  },
  NODE_LOST: {
    message: "the connection to dexter at {name} was lost; it may have ended",
    advice: "Look at the log of the node, then call the command again.",
  },
  REFUSED: {
    message: "the running dexter refused: {reason}",
    advice: "The reason is the message of another error of this page.",
  },
  NODE_FAILED: {
    message: "the running dexter failed: {reason}",
    advice:
      "The reason is the message of another error of this page. The call was correct, and the node has a problem: " +
      "solve it there. The log of the node has the same message with level error.",
  },
  INIT_NOT_EMPTY: {
    message:
      "{path} is not empty: {entries}; choose another folder, or pass --force to keep these files and add the rest",
  },
  INIT_FAILED: {
    message: "cannot write a project to {path}: {reason}",
    advice: "Choose a folder that you may write to.",
  },
} as const satisfies ErrorKinds;
