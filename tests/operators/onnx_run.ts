/** ONNX's test cases through the importer: what only decides shapes is fixed from the case's own data. */
import type { ImportedTensor } from "../../src/importers/importer.ts";
import { readGraph } from "../../src/importers/onnx/graph.ts";
import { onnx } from "../../src/importers/onnx/importer.ts";
import { openInputs } from "../../src/importers/onnx/interface.ts";
import { hasErrors } from "../../src/support/diagnostic.ts";
import { compileImported, fileOf, type Imported, importBytes } from "../importers/support.ts";
import type { OnnxCase } from "./onnx_cases.ts";

export type Prepared = {
  readonly imported: Imported;
  readonly inputs: ReadonlyMap<string, ImportedTensor>;
  readonly expected: ReadonlyMap<string, ImportedTensor>;
  /** The inputs that were fixed. */
  readonly fixed: readonly string[];
};

/** The case ready to run, or why the importer refuses it. */
export async function prepareOnnx(given: OnnxCase): Promise<Prepared | string> {
  const read = readGraph(fileOf(given.name, given.model));
  if (!("graph" in read)) return read.diagnostics[0]?.message ?? "no graph";
  const named = (names: readonly string[], tensors: OnnxCase["inputs"]) =>
    new Map(names.flatMap((name, i) => (tensors[i] ? [[name, tensors[i]] as const] : [])));
  const inputs = named(
    openInputs(read.graph).map(({ name }) => name),
    given.inputs,
  );
  const expected = named(
    read.graph.outputs.map(({ name }) => name),
    given.outputs,
  );
  const fixed = new Map<string, ImportedTensor>();
  for (;;) {
    const shapes = new Map([...inputs].map(([name, { type }]) => [name, type.shape]));
    const { value, diagnostics } = await importBytes(onnx, `${given.name}.onnx`, given.model, { shapes, fixed });
    if (value) return { imported: compileImported(value), inputs, expected, fixed: [...fixed.keys()] };
    const asked = diagnostics.flatMap(({ help = "" }) => [...help.matchAll(/--fix (.+?)=/g)].map((match) => match[1] ?? ""));
    const more = asked.filter((name) => inputs.has(name) && !fixed.has(name));
    if (more.length === 0)
      return diagnostics
        .filter((one) => hasErrors([one]))
        .map(({ message }) => message)
        .join("; ");
    for (const name of more) {
      const tensor = inputs.get(name);
      if (tensor) fixed.set(name, tensor);
    }
  }
}
