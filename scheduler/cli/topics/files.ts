/** `dexter help files` */
import { filled, listed, type Topic } from "./topic.ts";

const FILES = [
  [".gitignore", "keeps the folder out of git; only in a folder that dexter has made"],
  ["dexter.pid", "process id of the scheduler (directive pid_file)"],
  ["dexter.lock", "process id and start time of its owner; the lock of a dead owner is replaced (lock_file)"],
  ["admin.sock", "socket of the admin API, which commands use; only its owner and root may open it"],
  ["tokens.json", "mode 0600: the tokens of the admin API: a digest of each, and its rights"],
  ["secrets/<function>.json", "mode 0600: a function's secrets, encrypted"],
  ["secret.key", "mode 0600: the key that encrypts the secrets (secret_key_file)"],
  ["store/<function>/", "mode 0700: deployed versions, and live.json, which names the live one"],
  [
    "run/<server>.<generation>/",
    "mode 0700: the server's configuration, a control socket, a socket for each thread",
  ],
] as const;

export const files: Topic = {
  name: "files",
  summary: "what is in the data directory",
  text: ({ width }) =>
    [
      filled(
        `
The data directory is .dexter beside the configuration, unless data_dir is set. Only one node at a time can own it. Commands
such as "dexter status", "dexter reload" and "dexter stop" find the node by its data directory, so give them the same --config,
--env and --set.`,
        width,
      ),
      listed(FILES, width),
      filled(
        `
Back up store/, secrets/, secret.key and tokens.json; a stop removes the rest. Without secret.key nobody can read the secrets,
and whoever has it can: keep its copy apart from the copy of secrets/.

If the path of data_dir is longer than 75 bytes, admin.sock and run/ are in the folder dexter-<user id>-<hash> of the system's
temporary folder, because the path of a socket must be short.`,
        width,
      ),
    ].join("\n\n"),
};
