/** The access log: a line for each request that is over. */
import { ACCESS_FORMATS } from "./access-format.ts";
import type { LineBuffer } from "./line-buffer.ts";
import type { RequestRecord } from "./request-record.ts";

export class AccessLog {
  /** As the configuration names it. */
  readonly path: string;
  readonly lines: LineBuffer;
  format: keyof typeof ACCESS_FORMATS;

  constructor(path: string, lines: LineBuffer, format: keyof typeof ACCESS_FORMATS) {
    this.path = path;
    this.lines = lines;
    this.format = format;
  }

  add(record: RequestRecord): void {
    this.lines.add(ACCESS_FORMATS[this.format](record));
  }
}
