/** What several suites share: where things are, and how much to test. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Compiled, type CompileOptions, compile } from "../src/compile.ts";
import { hasErrors, renderDiagnostic } from "../src/support/diagnostic.ts";

export const root = fileURLToPath(new URL("../", import.meta.url));

/** `QUERN_TEST=full`: more seeds, and nothing may be skipped. */
export const full = process.env.QUERN_TEST === "full";

/** Real models and data, which are not part of the project: beside the checkout, or where QUERN_SHARED says. */
const shared = process.env.QUERN_SHARED ?? fileURLToPath(new URL("../../shared", import.meta.url));

/** The path of a shared file; undefined, with a visible line, where it is absent. A full run must have it. */
export function sharedFile(name: string): string | undefined {
  const path = `${shared}/${name}`;
  if (existsSync(path)) return path;
  if (full) throw new Error(`a full test run needs ${path}`);
  console.log(`SKIPPED: ${path} is not on this machine`);
  return undefined;
}

export const chromium = "/usr/bin/chromium";

/** Whether browser tests can run; a full run must have the browser. */
export function hasBrowser(): boolean {
  if (existsSync(chromium)) return true;
  if (full) throw new Error(`a full test run needs ${chromium}: install Debian's chromium`);
  console.log(`SKIPPED: no browser at ${chromium}`);
  return false;
}

/** Every example; the small ones take a second or two to verify. */
export const smallExamples = ["resnet8", "vgg-cifar", "vww", "custom-op", "unet", "detector", "mobilenet-v3-small"] as const;
export const largeExamples = [
  "mobilenet-v1",
  "mobilenet-v2",
  "squeezenet",
  "shufflenet-v2",
  "efficientnet-lite0",
  "resnet18",
  "resnet50",
] as const;
export const examples = [...smallExamples, ...largeExamples] as const;

export function exampleFile(name: string): string {
  return `${root}examples/${name}/${name}.qn`;
}

export function compileExample(name: string, options: CompileOptions = {}): Compiled {
  return compileText(readFileSync(exampleFile(name), "utf8"), `${name}.qn`, options);
}

/** Compiles source that must be right; its diagnostics otherwise fail the test as a person would read them. */
export function compileText(text: string, file = "test.qn", options: CompileOptions = {}): Compiled {
  const { value, diagnostics } = compile([{ file, text }], options);
  if (!value || hasErrors(diagnostics)) {
    throw new Error(diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, new Map([[file, text]]))).join("\n\n"));
  }
  return value;
}
