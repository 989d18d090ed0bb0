/**
 * Takes what is known of a request that is over to whoever reads it: the access log, those who follow, the terminal of
 * `dexter dev`. Where nobody does, no record is made.
 */
import type { Exchange } from "../dispatch/exchange.ts";
import type { RefusedRequest } from "../http/connection.ts";
import type { AccessLog } from "./access-log.ts";
import type { Followers } from "./followers.ts";
import {
  type RequestRecord,
  recordOf,
  recordOfMalformed,
  recordOfRefusal,
  type Unserved,
} from "./request-record.ts";
import { requestEvent } from "./tail-event.ts";

interface JournalOptions {
  /** The access log, if there is one now. */
  readonly access: () => AccessLog | undefined;
  readonly followers: Followers;
  /** The slot of the server with this key. */
  readonly slotOf: (serverKey: number) => number | undefined;
  readonly onRequest: ((record: RequestRecord) => void) | undefined;
}

export class Journal {
  readonly #options: JournalOptions;

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  finished(exchange: Exchange): void {
    if (this.#isRead) this.#tell(recordOf(exchange, this.#options.slotOf));
  }

  refused(unserved: Unserved): void {
    if (this.#isRead) this.#tell(recordOfRefusal(unserved));
  }

  malformed(refused: RefusedRequest): void {
    if (this.#isRead) this.#tell(recordOfMalformed(refused));
  }

  get #isRead(): boolean {
    const { access, followers, onRequest } = this.#options;
    return followers.any || onRequest !== undefined || access() !== undefined;
  }

  #tell(record: RequestRecord): void {
    const { access, followers, onRequest } = this.#options;
    access()?.add(record);
    onRequest?.(record);
    if (followers.any) followers.tell(requestEvent(record));
  }
}
