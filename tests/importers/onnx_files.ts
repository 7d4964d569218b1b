/** Small ONNX files, made for a test. */
import { attributeTypes, encodeMessage, type Message, tensorTypes } from "../../src/formats/onnx.ts";

export type Node = {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly name?: string;
  readonly attributes?: readonly Message[];
  readonly domain?: string;
};

export type File = {
  readonly opset?: number;
  readonly nodes: readonly Node[];
  readonly inputs: readonly Message[];
  readonly outputs: readonly Message[];
  readonly initializers?: readonly Message[];
};

export function fileBytes({ opset = 17, nodes, inputs, outputs, initializers = [] }: File): Uint8Array {
  return encodeMessage("ModelProto", {
    irVersion: 8n,
    producerName: "test",
    opsetImport: [{ domain: "", version: BigInt(opset) }],
    graph: {
      name: "g",
      node: nodes.map(({ operator, inputs: operands, outputs: results, name = "", attributes = [], domain = "" }) => ({
        opType: operator,
        name,
        domain,
        input: operands,
        output: results,
        attribute: attributes,
      })),
      input: inputs,
      output: outputs,
      initializer: initializers,
    },
  });
}

export function info(name: string, dims: readonly (number | string)[], type: keyof typeof tensorTypes = "f32"): Message {
  const dim = dims.map((extent) => (typeof extent === "string" ? { dimParam: extent } : { dimValue: BigInt(extent) }));
  return { name, type: { tensorType: { elemType: tensorTypes[type], shape: { dim } } } };
}

export function floats(name: string, dims: readonly number[], values: readonly number[]): Message {
  const rawData = new Uint8Array(Float32Array.from(values).buffer);
  return { name, dims: dims.map(BigInt), dataType: tensorTypes.f32, rawData };
}

export function wholes(name: string, dims: readonly number[], values: readonly (number | bigint)[]): Message {
  const rawData = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
  return { name, dims: dims.map(BigInt), dataType: tensorTypes.i64, rawData };
}

export function ints(name: string, values: readonly number[]): Message {
  return { name, type: attributeTypes.ints, ints: values.map(BigInt) };
}

export function int(name: string, value: number): Message {
  return { name, type: attributeTypes.int, i: BigInt(value) };
}
