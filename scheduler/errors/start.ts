/** Errors of the start and of the configuration; a reload meets most of them, too. */
import type { ErrorKinds } from "./kind.ts";

export const START = {
  CONFIG_NOT_FOUND: {
    message: "no configuration: {path} does not exist; run `dexter init` or pass --config",
    admin: 422,
  },
  CONFIG_UNREADABLE: {
    message: "{path}: cannot be read: {reason}",
    admin: 500,
    advice: "Make the file or folder readable for the user that dexter runs as.",
  },
  CONFIG_SYNTAX: {
    message: "{path}:{line}:{column}: {reason}",
    admin: 422,
    advice: "Correct the line: the file is not valid TOML or JSON there.",
  },
  CONFIG_INVALID: {
    message: "{reason}",
    admin: 422,
    advice:
      "One line for each problem: file, line, key, what is wrong, and what to do. `dexter check` finds them " +
      "without starting anything.",
  },
  CERTIFICATE_UNREADABLE: {
    message: "{path}: cannot be read: {reason}",
    admin: 500,
    advice: "Name files in `tls.certificates` that exist and that the user of dexter may read.",
  },
  CERTIFICATE: {
    message: "{path}: cannot be used: {reason}",
    admin: 422,
    advice: "The reason is what OpenSSL says of the certificate and its key. Get the certificate again.",
  },
  CERTIFICATE_NOT_PEM: {
    message: '{path}: holds no certificate in PEM form ("-----BEGIN CERTIFICATE-----")',
    admin: 422,
    advice: "Name the file with the certificate and its chain as `cert`.",
  },
  CERTIFICATE_NO_HOST: {
    message: "{path}: names no host; say in hosts which ones it is for",
    admin: 422,
  },
  CERTIFICATE_KEY_NOT_PEM: {
    message: '{path}: holds no private key in PEM form ("-----BEGIN PRIVATE KEY-----")',
    admin: 422,
    advice: "Name the file with the private key as `key`.",
  },
  CERTIFICATE_KEY_ENCRYPTED: {
    message: "{path}: is encrypted; remove its passphrase",
    admin: 422,
  },
  CERTIFICATE_KEY_WRONG: {
    message: "{path}: is not the key of the certificate in {cert}",
    admin: 422,
    advice: "Name the key that the certificate was made with.",
  },
  PORT_IN_USE: {
    message: "{address} is in use by another program; choose another with --set {directive}=<address>",
    admin: 500,
  },
  LISTEN_FAILED: {
    message: "cannot listen on {address}: {reason}",
    admin: 500,
    advice: "Choose an address of this machine; ports below 1024 need a privilege (`CAP_NET_BIND_SERVICE`).",
  },
  INSPECT_FAILED: {
    message: "cannot listen for debuggers on {address}: {reason}; choose another port with --inspect=<port>",
  },
  LOCKED: {
    message: "{path}: another dexter (process {pid}) runs on this data directory; stop it or set data_dir",
  },
  DATA_DIR: {
    message: "{path}: cannot be used: {reason}",
    advice: "Name a folder with data_dir that the user of dexter may write to.",
  },
  FILE_UNWRITABLE: {
    message: "{directive}: {path} cannot be written: {reason}",
    admin: 500,
    advice: "Name a file with the directive that the user of dexter may write to.",
  },
  NOT_ROOT: {
    message: "{directive}: only root can run servers as another user; start dexter as root or remove it",
    admin: 422,
  },
  UNKNOWN_USER: {
    message: '{directive}: there is no {kind} "{name}" on this machine',
    admin: 422,
    advice: "Name a user or group of this machine, or its number as `#1000`.",
  },
  TOO_FEW_DESCRIPTORS: {
    message:
      "the limit of open files is {limit}, and this node needs {needed}: raise it with `ulimit -n {needed}` or " +
      "LimitNOFILE, or lower max_threads_per_child or num_servers",
    admin: 422,
  },
  SERVER_FAILED: {
    message: "server {slot} did not start: {reason}",
    admin: 500,
    advice:
      "The reason is what workerd printed. Try again without `v8_flags`; look at memory and file limits.",
  },
} as const satisfies ErrorKinds;
