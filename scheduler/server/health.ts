/**
 * Whether a server gets on. It is silent when it answers neither requests nor probes; then its CPU clock tells which of
 * two things it is: code that runs away, or a process that stands still. Pure: what is known comes in with each look.
 */

/** What the kernel says of a process. Times are of its main thread, in ms, since it started. */
export interface Clock {
  readonly ranMs: number;
  /** It ran, or waited for a CPU. */
  readonly wantedMs: number;
  /** The letter of its state: R = runs or may run, S = sleeps, D = waits for a disk, T = is stopped. */
  readonly state: string;
}

export interface Look {
  readonly nowMs: number;
  /** Responses that it has given so far. */
  readonly answers: number;
  /** Requests in it. */
  readonly busy: number;
}

export type Condition = "fine" | "runs away" | "stopped";

/** A server with requests that was silent for this long is asked whether it answers; one without, after this long. */
const ASK_BUSY_MS = 300;
const ASK_IDLE_MS = 1_000;
/** A server that owes an answer for this long gets no requests. */
const UNRESPONSIVE_MS = 500;
/** A server that owes an answer for this long is dead, if it is stopped; if it only sleeps. */
const STOPPED_MS = 1_500;
const ASLEEP_MS = 5_000;
/** What a process that stands still may run meanwhile. */
const STANDSTILL_MS = 50;
/** On a machine that has too little CPU time for all, a server that runs away gets so much more time, and no more. */
const GRACE_MS = 700;
/** The scheduler may have been held up itself: no more than this counts between two looks. */
const LONGEST_STEP_MS = 250;

interface Question {
  readonly id: number;
  /** In watched time. */
  readonly askedMs: number;
  /** In the caller's time. */
  readonly atMs: number;
  clock: Clock | undefined;
}

export class Health {
  /** Time in which the scheduler has looked: what it missed itself does not count. */
  #watchedMs = 0;
  #lookedAtMs: number | undefined;
  /** Of the last sign of life. */
  #aliveMs = 0;
  #answers = 0;
  #questions = 0;
  /** The oldest probe without an answer. */
  #owed: Question | undefined;
  /** The last probe was not delivered. */
  #isUnasked = false;
  /** Only an answer to this probe, or a later one, proves life: a connection was lost before it. */
  #provedBy = 0;

  /** Whether it may get requests. */
  get responsive(): boolean {
    if (this.#provedBy > 0) return false;
    return this.#owed === undefined || this.#watchedMs - this.#owed.askedMs < UNRESPONSIVE_MS;
  }

  /** Since when it owes an answer: what was sent to it after that has not begun. */
  get owesSinceMs(): number {
    return this.#owed?.atMs ?? Number.POSITIVE_INFINITY;
  }

  /** For how long it has given no sign of life. */
  get silentMs(): number {
    return this.#watchedMs - this.#aliveMs;
  }

  /** Whether it owes an answer since the last look. */
  get owes(): boolean {
    return this.#owed !== undefined && this.#owed.askedMs < this.#watchedMs;
  }

  /** @returns whether it is to be probed */
  look({ nowMs, answers, busy }: Look): boolean {
    this.#watchedMs += Math.min(nowMs - (this.#lookedAtMs ?? nowMs), LONGEST_STEP_MS);
    this.#lookedAtMs = nowMs;
    if (answers !== this.#answers) this.#alive();
    this.#answers = answers;
    if (this.#isUnasked) return true;
    return this.#owed === undefined && this.silentMs >= (busy > 0 ? ASK_BUSY_MS : ASK_IDLE_MS);
  }

  /** A probe is sent. @returns its number */
  ask(nowMs: number): number {
    const id = ++this.#questions;
    this.#isUnasked = false;
    this.#owed ??= { id, askedMs: this.#watchedMs, atMs: nowMs, clock: undefined };
    return id;
  }

  /** The probe could not be delivered. @param ours for want of something here, which says nothing of the server */
  undelivered(ours: boolean): void {
    if (ours) this.#owed = undefined;
    else this.#isUnasked = true;
  }

  /** @returns whether it is known to live again, after a connection to it was lost */
  answered(id: number): boolean {
    this.#alive();
    if (this.#owed && id >= this.#owed.id) this.#owed = undefined;
    if (this.#provedBy === 0 || id < this.#provedBy) return false;
    this.#provedBy = 0;
    return true;
  }

  /** A connection to it was lost: it may be dying. The next probe tells. */
  suspect(): void {
    this.#provedBy = this.#questions + 1;
  }

  /** What is the matter with a server that owes an answer. @param limitMs CPU time that a request may take in a row */
  judge(clock: Clock, limitMs: number): Condition {
    const owed = this.#owed;
    if (owed === undefined) return "fine";
    owed.clock ??= clock;
    const owesMs = this.#watchedMs - owed.askedMs;
    const ranMs = clock.ranMs - owed.clock.ranMs;
    const wantedMs = clock.wantedMs - owed.clock.wantedMs;
    // It has run since the last sign of life, not only since it was asked.
    const before = Math.min(owed.askedMs - this.#aliveMs, ASK_IDLE_MS);
    if (ranMs + before >= limitMs || wantedMs + before >= limitMs + GRACE_MS) return "runs away";
    if (clock.state === "T" && owesMs >= STOPPED_MS) return "stopped";
    const stands = wantedMs < STANDSTILL_MS && clock.state !== "R";
    return stands && owesMs >= ASLEEP_MS ? "stopped" : "fine";
  }

  #alive(): void {
    this.#aliveMs = this.#watchedMs;
  }
}
