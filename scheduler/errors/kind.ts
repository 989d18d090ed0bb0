/** What the catalogue says of one kind of failure. */
export interface ErrorKind {
  /** What is wrong, where, and what to do. `{name}` is filled from the details of the error. */
  readonly message: string;
  /** The HTTP status that a client of a function is answered with; absent where no client can get the error. */
  readonly status?: number;
  /** The HTTP status that a caller of the admin API is answered with; absent where no caller can get the error. */
  readonly admin?: number;
  /** The exit status of the command line, where it is not 1. */
  readonly exit?: 2;
  /** For docs/errors.md: what to do, where the message does not say it, or what its `{reason}` holds. */
  readonly advice?: string;
}

export type ErrorKinds = Readonly<Record<string, ErrorKind>>;
