/** A model at the nn level but for names: what it calls, on what, in which order, and the values of its weights. */
import { createHash } from "node:crypto";
import { loadModule } from "../../src/compile.ts";
import type { ImportedModel, ImportedTensor } from "../../src/importers/importer.ts";
import type { NnProgram } from "../../src/ir/nn.ts";
import { elaborateModel } from "../../src/semantics/elaborate.ts";
import { hasErrors, renderDiagnostic } from "../../src/support/diagnostic.ts";
import { exactJson } from "../../src/support/exact_json.ts";

/** Of the model's text; a mistake in it fails the test as a person would read it. */
export function elaborated({ text }: Pick<ImportedModel, "text">): NnProgram {
  const { value: module, diagnostics } = loadModule([{ file: "model.qn", text }]);
  const [model] = module?.models ?? [];
  const { value, diagnostics: more } = module && model ? elaborateModel(model, module) : { value: undefined, diagnostics: [] };
  const found = [...diagnostics, ...more];
  if (value && !hasErrors(found)) return value;
  throw new Error([...found.map((diagnostic) => renderDiagnostic(diagnostic, new Map([["model.qn", text]]))), text].join("\n\n"));
}

export function exactLines(model: Pick<ImportedModel, "text" | "weights">): readonly string[] {
  const { inputs, weights, constants, nodes, outputs } = elaborated(model);
  const said = new Map<string, string>([
    ...inputs.map(({ name, type }, i) => [name, exactJson([`input ${i}`, name, type])] as const),
    ...weights.map(({ name, path, type }) => [name, exactJson([type, digestOf(model.weights.get(path))])] as const),
    ...constants.map(({ name, type, data }) => [name, exactJson([type, data])] as const),
  ]);
  const lines = nodes.map(({ results, operator, operands, attributes }) => {
    const line = exactJson([operator, operands.map((name) => said.get(name)), attributes, results.map(({ type }) => type)]);
    for (const { name } of results) said.set(name, `value ${said.size}`);
    return line;
  });
  return [...inputs.map(({ name }) => said.get(name) ?? ""), ...lines, ...outputs.map(({ name, value }) => `${name} = ${said.get(value)}`)];
}

function digestOf(tensor: ImportedTensor | undefined): string {
  if (!tensor) return "missing";
  const { type, values } = tensor;
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return `${exactJson(type)} ${createHash("sha256").update(bytes).digest("hex")}`;
}
