/** What each format's file holds: exact for a small model, and whole and in order for the examples. */
import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Compiled } from "../../src/compile.ts";
import { elementCount } from "../../src/ir/dtype.ts";
import { compileExample, compileText, full, largeExamples, smallExamples } from "../support.ts";
import { everything } from "./everything.ts";
import { readOnnxModel } from "./onnx_reader.ts";
import { expectGolden, expectOrdered, exported, type Line, lineText, tryExport } from "./support.ts";
import { readTflite } from "./tflite_reader.ts";

type Content = { readonly lines: readonly Line[]; readonly given: readonly string[]; readonly constants: ReadonlyMap<string, Constant> };
type Constant = { readonly shape: readonly number[]; readonly bytes: number; readonly type: "f32" | "int" };

/** Integers are named by their value in every format, so that a golden shows them. */
const readers: { readonly [format in "onnx" | "tflite" | "tfjs"]: (files: readonly Uint8Array[]) => Content } = {
  onnx([file = new Uint8Array()]) {
    const { nodes, initializers } = readOnnxModel(file);
    const lines = nodes.map(({ operator, inputs, outputs, attributes }) => ({
      operator,
      operands: inputs,
      result: outputs[0] ?? "",
      attributes: Object.fromEntries(attributes),
    }));
    const constants = [...initializers].map(([name, { dims, data, type }]): [string, Constant] => [
      name,
      { shape: dims, bytes: data.length * (type === "int64" ? 8 : 4), type: type === "int64" ? "int" : "f32" },
    ]);
    return { lines, given: ["image"], constants: new Map(constants) };
  },
  tflite([file = new Uint8Array()]) {
    const { lines, tensors, inputs, version } = readTflite(file);
    expect(version).toBe(3);
    const constants = tensors.flatMap(({ name, shape, type, bytes, at }): [string, Constant][] => {
      if (!bytes) return [];
      // A vector register loads from there.
      expect((at ?? 1) % 16).toBe(0);
      return [[name, { shape, bytes: bytes.length, type: type === 2 ? "int" : "f32" }]];
    });
    return { lines, given: inputs, constants: new Map(constants) };
  },
  tfjs([json, binary]) {
    const { modelTopology, weightsManifest, signature } = JSON.parse(new TextDecoder().decode(json));
    type Node = { op: string; name: string; input: string[]; attr: { [name: string]: unknown } };
    const nodes: readonly Node[] = modelTopology.node;
    const lines = nodes
      .filter(({ op }) => op !== "Const" && op !== "Placeholder")
      .map(({ op, name, input, attr: { T: _, ...attributes } }) => ({
        operator: op,
        operands: input,
        result: name,
        attributes: readable(attributes),
      }));
    const weights: readonly { name: string; shape: number[]; dtype: string }[] = weightsManifest[0].weights;
    const constants = weights.map(({ name, shape, dtype }): [string, Constant] => [
      name,
      { shape, bytes: 4 * elementCount(shape), type: dtype === "int32" ? "int" : "f32" },
    ]);
    expect(constants.reduce((sum, [, { bytes }]) => sum + bytes, 0)).toBe(binary?.length);
    const results = new Set(lines.map(({ result }) => `${result}:0`));
    for (const { name } of Object.values<{ name: string }>(signature.outputs)) expect(results.has(name)).toBe(true);
    return { lines, given: Object.keys(signature.inputs), constants: new Map(constants) };
  },
};

/** Attributes as a person reads them: `{ list: { i: ["1"] } }` is [1], and base64 is text. */
function readable(attributes: { readonly [name: string]: unknown }): { [name: string]: unknown } {
  const decode = (value: { i?: string; f?: number; b?: boolean; s?: string; list?: { i?: string[]; s?: string[] } }): unknown => {
    if (value.i !== undefined) return Number(value.i);
    if (value.s !== undefined) return atob(value.s);
    if (value.list?.i) return value.list.i.map(Number);
    return value.list?.s ? value.list.s.map(atob) : (value.f ?? value.b);
  };
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, decode(value as object)]));
}

function textOf({ lines, constants }: Content): string {
  const weights = [...constants]
    .filter(([, { type }]) => type === "f32")
    .map(([name, { shape }]) => `constant ${name}: [${shape.join(", ")}]`);
  return [...weights, "", ...lines.map(lineText), ""].join("\n");
}

/** Compiled once for all formats. */
const compiledExamples = new Map<string, Compiled>();

function example(name: string): Compiled {
  const compiled = compiledExamples.get(name) ?? compileExample(name, { algorithm: "direct" });
  compiledExamples.set(name, compiled);
  return compiled;
}

test("every golden is compared", () => {
  const wanted = Object.keys(readers).map((format) => `everything.${format}.txt`);
  expect(readdirSync(new URL("goldens", import.meta.url)).sort()).toEqual(wanted.sort());
});

/** Operators that no format has: a kernel in an order of its own, boxes and scores in one result. */
const refused: readonly string[] = ["custom-op", "detector"];

describe.each(["onnx", "tflite", "tfjs"] as const)("%s", (format) => {
  test.each(refused)("%s cannot be said, and why is told", (name) => {
    const { value, diagnostics } = tryExport(example(name), format);
    expect(value).toBeUndefined();
    expect(diagnostics.map(({ code }) => code)).toContain("export");
  });

  test("a model with something of everything", () => {
    expectGolden(`everything.${format}.txt`, textOf(readers[format](exported(compileText(everything), format))));
  });

  const networks = full ? [...smallExamples, ...largeExamples] : (["resnet8", "unet", "shufflenet-v2", "squeezenet"] as const);
  test.each(networks.filter((name) => !refused.includes(name)))("%s is whole, in order, and has no batch normalisation left", (name) => {
    const compiled = example(name);
    const { lines, given, constants } = readers[format](exported(compiled, format));
    expectOrdered(lines, [...given, ...constants.keys()]);
    for (const { shape, bytes, type } of constants.values()) {
      expect(bytes).toBe(elementCount(shape) * (format === "onnx" && type === "int" ? 8 : 4));
    }
    // What is computed of weights alone is computed by now: every node has an operand that is not a constant.
    expect(lines.filter(({ operands }) => operands.every((operand) => constants.has(operand)))).toEqual([]);
    expect(lines.filter(({ operator }) => /norm/i.test(operator))).toEqual([]);
    const convolutions = compiled.levels.nn().nodes.filter(({ operator }) => /^(depthwise_)?conv2d$/.test(operator)).length;
    expect(
      lines.filter(({ operator }) => /^(CONV_2D|DEPTHWISE_CONV_2D|Conv|_?(Fused)?(Conv2D|DepthwiseConv2dNative))$/.test(operator)).length,
    ).toBe(convolutions);
  });
});
