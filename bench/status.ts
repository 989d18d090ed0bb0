/** The part of `dexter status --json` that the benchmark reads. */
export interface Status {
  readonly pid: number;
  readonly totals: {
    readonly busy: number;
    readonly idle: number;
    readonly starting: number;
    readonly queued: number;
  };
  readonly servers: readonly {
    readonly slot: number;
    readonly pid: number;
    readonly state: string;
    readonly threads: readonly ThreadStatus[];
  }[];
}

export interface ThreadStatus {
  readonly slot: number;
  readonly state: string;
  readonly kind: "loaded" | "resident";
  readonly function: string;
  readonly requests: number;
}
