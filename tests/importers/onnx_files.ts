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

/** A function of the file's own, in the domain `own`. */
export type LocalFunction = Pick<Node, "attributes"> & {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly Node[];
  readonly opset?: number;
};

export type File = {
  readonly functions?: readonly LocalFunction[];
  readonly opset?: number;
  readonly nodes: readonly Node[];
  readonly inputs: readonly Message[];
  readonly outputs: readonly Message[];
  readonly initializers?: readonly Message[];
};

export function fileBytes({ opset = 17, nodes, inputs, outputs, initializers = [], functions = [] }: File): Uint8Array {
  return encodeMessage("ModelProto", {
    irVersion: 8n,
    producerName: "test",
    opsetImport: [{ domain: "", version: BigInt(opset) }],
    functions: functions.map((one) => ({
      name: one.name,
      domain: "own",
      input: one.inputs,
      output: one.outputs,
      node: one.nodes.map(nodeMessage),
      attributeProto: one.attributes ?? [],
      opsetImport: [{ domain: "", version: BigInt(one.opset ?? opset) }],
    })),
    graph: {
      name: "g",
      node: nodes.map(nodeMessage),
      input: inputs,
      output: outputs,
      initializer: initializers,
    },
  });
}

function nodeMessage({ operator, inputs, outputs, name = "", attributes = [], domain = "" }: Node): Message {
  return { opType: operator, name, domain, input: inputs, output: outputs, attribute: attributes };
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
