/** What the builds of a start and those of a changed project have in common: how far they are, and which failures end it. */
import { DexterError } from "../errors.ts";
import type { Reporter } from "../failures/reporter.ts";
import type { Logger } from "../logs/logger.ts";

/** How often a build of many functions says how far it is. */
const PROGRESS_MS = 2_000;

/** Of a function's secrets that cannot be read. */
const OF_SECRETS: readonly string[] = ["SECRETS_DAMAGED", "SECRETS_LOCKED"];

export class Builds {
  readonly #dev: boolean;
  readonly #log: Logger;
  readonly #reporter: Reporter;

  constructor(dev: boolean, log: Logger, reporter: Reporter) {
    this.#dev = dev;
    this.#log = log;
    this.#reporter = reporter;
  }

  /** Says how far it is, now and then; nothing of what is done in no time. */
  progress(all: number): (done: number) => void {
    let saidMs = performance.now();
    return (done) => {
      if (performance.now() - saidMs < PROGRESS_MS || done === all) return;
      saidMs = performance.now();
      this.#log.info(`built ${done} of ${all} functions`);
    };
  }

  /**
   * Failures that a start or a reload must not go on with. In dev there are none; and a function whose secrets
   * cannot be read is not served, but the others are.
   */
  fatal(failures: readonly unknown[]): unknown[] {
    if (this.#dev) return [];
    return failures.filter((one) => !(one instanceof DexterError && OF_SECRETS.includes(one.code)));
  }

  throwOrReport(failures: readonly unknown[]): void {
    const fatal = this.fatal(failures);
    if (fatal.length > 0) throw this.#reporter.combined(fatal);
    for (const failure of failures) this.#reporter.failure(failure);
  }
}
