/** The operator tests of ONNX.js (MIT): JSON with comments, in ONNX's terms, made into models of one node. */
import { readdirSync, readFileSync } from "node:fs";
import { attributeTypes, encodeMessage, type Message, tensorTypes } from "../../src/formats/onnx.ts";
import type { ImportedTensor } from "../../src/importers/importer.ts";
import { makerOf } from "../../src/importers/onnx/tensor.ts";
import type { DType } from "../../src/ir/dtype.ts";
import type { OnnxCase } from "./onnx_cases.ts";

type Given = { readonly data: readonly (number | boolean)[] | number; readonly dims: readonly number[]; readonly type: string };
type Attribute = { readonly name: string; readonly data: number | string | readonly number[]; readonly type: string };
type Suite = {
  readonly name: string;
  readonly operator: string;
  readonly attributes?: readonly Attribute[];
  readonly cases: readonly { readonly name: string; readonly inputs: readonly Given[]; readonly outputs: readonly Given[] }[];
};

/** The version before many attributes became operands. */
const opset = 9n;

/** Results that ONNX.js gives as numbers. */
const conditions = ["Greater", "Less", "Equal", "And", "Or", "Xor", "Not"];

const dtypes: { readonly [type: string]: DType } = { float32: "f32", float64: "f32", int32: "i32", int8: "i8", uint8: "u8", bool: "bool" };
const codes: { readonly [dtype in DType]?: number } = {
  f32: tensorTypes.f32,
  i32: tensorTypes.i32,
  i8: tensorTypes.i8,
  u8: tensorTypes.u8,
  bool: tensorTypes.bool,
};

/** The cases, and the names of those that give more or fewer values than their shapes say. */
export function readOnnxJsCases(folder: string): { readonly cases: readonly OnnxCase[]; readonly malformed: readonly string[] } {
  const found = readdirSync(folder)
    .sort()
    .flatMap((file) => parseSuites(readFileSync(`${folder}/${file}`, "utf8")).flatMap((suite) => casesOf(file, suite)));
  return {
    cases: found.filter((one) => typeof one !== "string"),
    malformed: found.filter((one) => typeof one === "string"),
  };
}

function casesOf(file: string, { name: suite, operator, attributes = [], cases }: Suite): (OnnxCase | string)[] {
  return cases.map(({ name: own, inputs, outputs }) => {
    const name = `${file}: ${suite}: ${own}`;
    const given = inputs.map((input) => tensorOf(input));
    const expected = outputs.map((output) => tensorOf(output, conditions.includes(operator) ? "bool" : undefined));
    if ([...given, ...expected].some((tensor) => tensor === undefined)) return name;
    const info = (kind: string, i: number, tensor: ImportedTensor | undefined): Message => ({
      name: `${kind}${i}`,
      type: {
        tensorType: {
          elemType: codes[tensor?.type.dtype ?? "f32"] ?? 0,
          shape: { dim: (tensor?.type.shape ?? []).map((extent) => ({ dimValue: BigInt(extent) })) },
        },
      },
    });
    const node = {
      opType: operator,
      input: given.map((_, i) => `input${i}`),
      output: expected.map((_, i) => `output${i}`),
      attribute: attributes.map(attributeOf),
    };
    const model = encodeMessage("ModelProto", {
      irVersion: 4n,
      opsetImport: [{ domain: "", version: opset }],
      graph: {
        name: "case",
        node: [node],
        input: given.map((tensor, i) => info("input", i, tensor)),
        output: expected.map((tensor, i) => info("output", i, tensor)),
      },
    });
    return { name, model, inputs: given, outputs: expected };
  });
}

function attributeOf({ name, data, type }: Attribute): Message {
  const numbers = Array.isArray(data) ? data.map(Number) : [];
  switch (type) {
    case "float":
      return { name, type: attributeTypes.float, f: Number(data) };
    case "int":
      return { name, type: attributeTypes.int, i: BigInt(Number(data)) };
    case "string":
      return { name, type: attributeTypes.string, s: new TextEncoder().encode(String(data)) };
    case "floats":
      return { name, type: attributeTypes.floats, floats: numbers };
    case "ints":
      return { name, type: attributeTypes.ints, ints: numbers.map(BigInt) };
    default:
      throw new Error(`an attribute of type ${type}`);
  }
}

function tensorOf({ data, dims, type }: Given, as?: DType): ImportedTensor | undefined {
  const numbers = typeof data === "number" ? [data] : data.map(Number);
  const dtype = as ?? dtypes[type];
  if (!dtype) throw new Error(`elements of type ${type}`);
  if (numbers.length !== dims.reduce((a, b) => a * b, 1)) return undefined;
  const values = makerOf(dtype)(numbers.length);
  values.set(numbers);
  return { type: { dtype, shape: dims }, values };
}

/** JSON with comments and trailing commas. */
function parseSuites(text: string): readonly Suite[] {
  const plain = text.replace(/("(?:[^"\\]|\\.)*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (_, string) => string ?? "").replace(/,(\s*[\]}])/g, "$1");
  return JSON.parse(plain) as readonly Suite[];
}
