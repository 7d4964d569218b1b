/** The file system, with its errors as diagnostics. A file is written whole or not at all. */
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type Checked, type Diagnostic, errorDiagnostic } from "../../support/diagnostic.ts";
import { nearest } from "../../support/nearest.ts";

export type OutputFile = { readonly name: string; readonly contents: Uint8Array | string };

export function readBytes(path: string): Checked<Uint8Array> {
  try {
    return { value: readFileSync(path), diagnostics: [] };
  } catch (error) {
    return { diagnostics: [fileError("read", path, error)] };
  }
}

/** UTF-8; `-` is standard input. A byte order mark is dropped. */
export function readText(path: string): Checked<string> {
  const { value, diagnostics } = path === "-" ? readStandardInput() : readBytes(path);
  if (!value) return { diagnostics };
  try {
    return { value: new TextDecoder("utf-8", { fatal: true }).decode(value), diagnostics };
  } catch {
    return { diagnostics: [errorDiagnostic("file", `${path} is not UTF-8 text`)] };
  }
}

/** Makes the folder, writes every file beside its place, then renames them all: a failure leaves what was there before. */
export function writeFiles(folder: string, files: readonly OutputFile[]): Diagnostic[] {
  const written: { readonly temporary: string; readonly path: string }[] = [];
  let current = folder;
  try {
    makeFolder(folder);
    for (const { name, contents } of files) {
      current = join(folder, name);
      const temporary = join(folder, `.${name}.${randomBytes(6).toString("hex")}.tmp`);
      written.push({ temporary, path: current });
      writeFileSync(temporary, contents, { flag: "wx" });
    }
    for (const { temporary, path } of written) {
      current = path;
      renameSync(temporary, path);
    }
    return [];
  } catch (error) {
    for (const { temporary } of written) rmSync(temporary, { force: true });
    return [fileError("write", current, error)];
  }
}

/** Node's own `recursive` does not come to an end where a file system without new folders, such as /proc, says that they do not exist. */
function makeFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  const parent = dirname(path);
  if (parent !== path) makeFolder(parent);
  mkdirSync(path);
}

export function writeFile(path: string, contents: Uint8Array | string): Diagnostic[] {
  return writeFiles(dirname(path), [{ name: basename(path), contents }]);
}

function readStandardInput(): Checked<Uint8Array> {
  try {
    return { value: readFileSync(0), diagnostics: [] };
  } catch (error) {
    return { diagnostics: [fileError("read", "standard input", error)] };
  }
}

const reasons: { readonly [code: string]: string } = {
  ENOENT: "there is no such file",
  EACCES: "permission denied",
  EPERM: "not permitted",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of the path is no folder",
  EEXIST: "a file of that name is in the way",
  ENOSPC: "the disk is full",
  EROFS: "the disk is read-only",
};

function fileError(action: "read" | "write", path: string, error: unknown): Diagnostic {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const reason = reasons[code] ?? (error instanceof Error ? error.message : String(error));
  const similar = action === "read" && code === "ENOENT" ? similarFile(path) : undefined;
  return errorDiagnostic("file", `cannot ${action} ${path}: ${reason}`, { help: similar && `did you mean ${similar}?` });
}

function similarFile(path: string): string | undefined {
  try {
    const name = nearest(basename(path), readdirSync(dirname(path)));
    return name && join(dirname(path), name);
  } catch {
    return undefined;
  }
}
