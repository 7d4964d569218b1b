/** What the tests of exporters share: a model exported in this process, and what is in the files. */
import { readFileSync, writeFileSync } from "node:fs";
import { expect } from "vitest";
import type { Compiled } from "../../src/compile.ts";
import type { ExportedFile } from "../../src/exporters/exporter.ts";
import { exporters } from "../../src/exporters/exporters.ts";
import { initializeWeights } from "../../src/ir/initialize.ts";
import { exportModel } from "../../src/pipeline/export_model.ts";
import type { Checked } from "../../src/support/diagnostic.ts";

export const formats = { onnx: "model.onnx", tflite: "model.tflite", tfjs: "model.json" } as const;
export type Format = keyof typeof formats;

export function tryExport(compiled: Compiled, format: Format): Checked<readonly ExportedFile[]> {
  const exporter = exporters[format];
  if (!exporter) throw new Error(`there is no exporter for ${format}`);
  return exportModel(compiled, initializeWeights(compiled.source.weights, 0), exporter, formats[format]);
}

/** The bytes of each file. */
export function exported(compiled: Compiled, format: Format): Uint8Array[] {
  const { value, diagnostics } = tryExport(compiled, format);
  if (!value) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  return value.map(({ contents }) => (typeof contents === "string" ? new TextEncoder().encode(contents) : contents));
}

/** A node of any format as one line: what it computes, of what, how. */
export type Line = {
  readonly operator: string;
  readonly operands: readonly string[];
  readonly result: string;
  readonly attributes: { readonly [name: string]: unknown };
};

export function lineText({ operator, operands, result, attributes }: Line): string {
  const named = Object.entries(attributes).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return `${result} = ${operator}(${operands.join(", ")}${named.length > 0 ? `; ${named.join(", ")}` : ""})`;
}

/** Compares with tests/exporters/goldens/NAME; UPDATE=1 writes it instead. */
export function expectGolden(name: string, text: string): void {
  const file = new URL(`goldens/${name}`, import.meta.url);
  if (process.env.UPDATE) writeFileSync(file, text);
  expect(text).toBe(readFileSync(file, "utf8"));
}

/** Every value is given, a constant, or the result of an earlier node; and none is computed twice. */
export function expectOrdered(lines: readonly Line[], given: readonly string[]): void {
  const known = new Set(given);
  for (const line of lines) {
    expect(line.operands.filter((name) => name !== "" && !known.has(name))).toEqual([]);
    expect(known.has(line.result)).toBe(false);
    known.add(line.result);
  }
}
