/** The operator tests of ONNX.js (MIT): JSON with comments, in ONNX's terms. */
import { readdirSync, readFileSync } from "node:fs";
import type { OnnxAttribute, OnnxCase, OnnxTensor, OnnxType } from "./onnx_reader.ts";

type Given = { readonly data: readonly (number | boolean)[] | number; readonly dims: readonly number[]; readonly type: OnnxType };
type Suite = {
  readonly name: string;
  readonly operator: string;
  readonly attributes?: readonly { readonly name: string; readonly data: OnnxAttribute }[];
  readonly cases: readonly { readonly name: string; readonly inputs: readonly Given[]; readonly outputs: readonly Given[] }[];
};

/** The version before many attributes became operands. */
const opset = 9;

/** Results that ONNX.js gives as numbers. */
const conditions = ["Greater", "Less", "Equal", "And", "Or", "Xor", "Not"];

export function readOnnxJsCases(folder: string): OnnxCase[] {
  return readdirSync(folder)
    .sort()
    .flatMap((file) => parseSuites(readFileSync(`${folder}/${file}`, "utf8")).flatMap((suite) => casesOf(file, suite)));
}

/** Whether every tensor has as many values as its shape says; some have not. */
export function isWhole({ inputs, outputs }: OnnxCase): boolean {
  return [...inputs.values(), ...outputs.values()].every(({ dims, data }) => data.length === dims.reduce((a, b) => a * b, 1));
}

function casesOf(file: string, { name: suite, operator, attributes = [], cases }: Suite): OnnxCase[] {
  return cases.map(({ name, inputs, outputs }) => {
    const tensors = (kind: string, list: readonly Given[]) => new Map(list.map((given, i) => [`${kind}${i}`, tensorOf(given)] as const));
    const results = tensors("output", outputs);
    if (conditions.includes(operator)) for (const [key, found] of results) results.set(key, { ...found, type: "bool" });
    const node = {
      operator,
      inputs: inputs.map((_, i) => `input${i}`),
      outputs: outputs.map((_, i) => `output${i}`),
      attributes: new Map(attributes.map((attribute) => [attribute.name, attribute.data])),
    };
    return {
      name: `${file}: ${suite}: ${name}`,
      opset,
      nodes: [node],
      initializers: new Map(),
      inputs: tensors("input", inputs),
      outputs: results,
    };
  });
}

function tensorOf({ data, dims, type }: Given): OnnxTensor {
  const values = Array.isArray(data) ? data : [data as number];
  return { name: "", type, dims, data: values.map(Number) };
}

/** JSON with comments and trailing commas. */
function parseSuites(text: string): readonly Suite[] {
  const plain = text.replace(/("(?:[^"\\]|\\.)*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (_, string) => string ?? "").replace(/,(\s*[\]}])/g, "$1");
  return JSON.parse(plain) as readonly Suite[];
}
