/** Findings of a verifier: each invariant has a code of its own. */
import { type Diagnostic, errorDiagnostic } from "../support/diagnostic.ts";

export type Report = {
  readonly diagnostics: Diagnostic[];
  add(code: string, message: string, help?: string): void;
};

export function createReport(): Report {
  const diagnostics: Diagnostic[] = [];
  return {
    diagnostics,
    add(code, message, help) {
      diagnostics.push(errorDiagnostic(code, message, { help }));
    },
  };
}

/** Reports every name that stands a second time. */
export function requireUnique(names: Iterable<string>, code: string, what: string, report: Report): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) report.add(code, `${what} \`${name}\` is defined twice`);
    seen.add(name);
  }
}

/** Whether a shape's extents are whole and none is negative. */
export function isShape(shape: readonly number[]): boolean {
  return shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0);
}
