/** Errors of secrets: what a node keeps of them, and calls that change them. */
import type { ErrorKinds } from "./kind.ts";

export const SECRETS = {
  SECRET_KEY: {
    message: "the secret key file {path} {reason}",
    admin: 500,
    advice: "Put the right key at secret_key_file, with mode 600 and owned by the user of dexter.",
  },
  SECRETS_LOCKED: {
    message:
      "the secrets of {function} cannot be read, and it is not served without them: {reason}; then run `dexter reload`",
    status: 500,
    admin: 500,
  },
  SECRETS_DAMAGED: {
    message:
      "the secrets of {function} cannot be used, and it is not served without them: {path} {reason}; " +
      "put a good copy back and run `dexter reload`, or remove the file and set them again",
    status: 500,
    admin: 500,
  },
  SECRET_NAME: {
    message:
      "a secret's name must be letters, digits and _, at most 128, not begin with a digit, and be no property " +
      "of every object, such as constructor",
    admin: 400,
  },
  SECRET_VALUE: {
    message: "the value of {name} {reason}",
    admin: 400,
    advice: "A value is text in UTF-8, and not empty. Encode other data, for example in base64.",
  },
  SECRET_TOO_BIG: {
    message: "a secret may have {most} KiB, and this one has more",
    admin: 413,
    advice: "Split it, or let the function fetch it from elsewhere.",
  },
  SECRETS_TOO_MANY: {
    message: "{function} has {most} secrets, and may not have more; delete some",
    admin: 409,
  },
  SECRETS_IN_DEV: {
    message: "secrets have no effect in `dexter dev`; put values for development into .dev.vars",
    admin: 409,
  },
  NO_SECRET: {
    message: '{function} has no secret "{name}"; `dexter secret list {function}` lists those that it has',
    admin: 404,
  },
} as const satisfies ErrorKinds;
