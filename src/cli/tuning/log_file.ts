/** The tuning log as a file: lines are only ever appended, each in one write, so that a kill loses the one being written at most. */
import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { type Checked, errorDiagnostic } from "../../support/diagnostic.ts";
import { type LogRecord, parseLog, printRecord } from "../../tuner/log.ts";
import { readBytes } from "../io/files.ts";

export type LogFile = {
  append(record: LogRecord): void;
  close(): void;
};

/** The records of a file, which need not be there; a warning for each line that is none. */
export function readLog(path: string, exists: boolean): Checked<readonly LogRecord[]> {
  if (!exists) return { value: [], diagnostics: [] };
  const { value, diagnostics } = readBytes(path);
  // A torn character is part of a torn line.
  return value ? parseLog(new TextDecoder("utf-8").decode(value), path) : { diagnostics };
}

export function openLog(path: string): Checked<LogFile> {
  try {
    const file = openSync(path, "a+");
    let isTorn = endsInsideLine(file);
    return {
      value: {
        append(record) {
          // What a killed run did not finish stays as it is, on a line of its own.
          writeSync(file, (isTorn ? "\n" : "") + printRecord(record));
          isTorn = false;
        },
        close: () => closeSync(file),
      },
      diagnostics: [],
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { diagnostics: [errorDiagnostic("file", `cannot append to ${path}: ${reason}`, { help: "name another log with --log" })] };
  }
}

function endsInsideLine(file: number): boolean {
  const { size } = fstatSync(file);
  const last = new Uint8Array(1);
  if (size === 0) return false;
  readSync(file, last, 0, 1, size - 1);
  return last[0] !== 10;
}
