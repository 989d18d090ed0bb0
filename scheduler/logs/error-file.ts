/**
 * The log in a file. Each line is written at once, so that nothing is lost when the process ends; what the file does
 * not take goes to stderr.
 */
import { fileReason } from "../system/file-reason.ts";
import type { AppendFile } from "./append-file.ts";
import { logEntry } from "./logger.ts";

export class ErrorFile {
  readonly file: AppendFile;
  readonly #otherwise: (line: string) => void;
  #inTrouble = false;

  constructor(file: AppendFile, otherwise: (line: string) => void) {
    this.file = file;
    this.#otherwise = otherwise;
  }

  write(line: string): void {
    try {
      this.file.writeSync(line);
      this.#inTrouble = false;
    } catch (error) {
      if (!this.#inTrouble)
        this.#otherwise(
          logEntry(
            "error",
            `error_log: ${this.file.path} cannot be written: ${fileReason(error)}; the log is here meanwhile`,
          ),
        );
      this.#inTrouble = true;
      this.#otherwise(line);
    }
  }
}
