/**
 * A network as an ONNX file, as an exporter would leave it: channels first, convolution with its bias, batch
 * normalisation as a node of its own (onnxruntime folds it), padding written out. The source is Quern's own program
 * before any pass, so that both run one architecture on the same weights.
 */
import onnxProto from "onnx-proto";
import { elementCount } from "../src/ir/dtype.ts";
import type { NnNode, NnProgram } from "../src/ir/nn.ts";
import type { Weights } from "../src/pipeline/execute.ts";

const { AttributeProto, ModelProto, TensorProto } = onnxProto.onnx;
type Node = onnxProto.onnx.INodeProto & { input: string[]; output: string[] };
type Tensor = onnxProto.onnx.ITensorProto;
type Attribute = number | readonly number[];

/** Serialised ModelProto, opset 13; inputs have the program's names, outputs those of the values they give. */
export function onnxModel(program: NnProgram, weights: Weights): Uint8Array {
  const graph = createGraph(program, weights);
  for (const node of program.nodes) {
    const translate = translations[node.operator];
    if (!translate) throw new Error(`there is no ONNX for the operator ${node.operator}: add it to onnx_model.ts`);
    translate(node, graph);
  }
  const model = {
    irVersion: 8,
    producerName: "quern bench",
    opsetImport: [{ domain: "", version: 13 }],
    graph: {
      name: program.name,
      node: graph.nodes,
      initializer: graph.initializers,
      input: program.inputs.map(({ name, type }) => tensorInfo(name, channelsFirst(type.shape))),
      output: program.outputs.map(({ value }) => tensorInfo(value, channelsFirst(graph.shape(value)))),
    },
  };
  const problem = ModelProto.verify(model);
  if (problem) throw new Error(`the ONNX model is malformed: ${problem}`);
  return ModelProto.encode(ModelProto.create(model)).finish();
}

/** [n, h, w, c] as [n, c, h, w]; other ranks stay. */
export function channelsFirst(shape: readonly number[]): number[] {
  const [n, h, w, c] = shape;
  return shape.length === 4 ? [n ?? 0, c ?? 0, h ?? 0, w ?? 0] : [...shape];
}

/** Elements of [n, h, w, c] in the order of [n, c, h, w]. */
export function toChannelsFirst(values: Float32Array, shape: readonly number[]): Float32Array {
  return shape.length === 4 ? permute(values, shape, [0, 3, 1, 2]) : values;
}

type Graph = {
  readonly nodes: Node[];
  readonly initializers: Tensor[];
  shape(value: string): readonly number[];
  /** The node of the source that gives a value. */
  producer(value: string): NnNode | undefined;
  /** How many nodes of the source read a value. */
  uses(value: string): number;
  node(opType: string, input: readonly string[], output: string, attributes?: { readonly [name: string]: Attribute }): void;
  /** An initializer with a weight's values, dimensions permuted; returns its name. */
  weight(name: string, order: readonly number[]): string;
  /** An initializer with given values; returns its name. */
  tensor(name: string, dims: readonly number[], values: Float32Array): string;
  values(name: string): Float32Array;
};

type Translate = (node: NnNode, graph: Graph) => void;

const translations: { readonly [operator: string]: Translate } = {
  conv2d(node, graph) {
    const [x, k] = operandsOf(node, 2);
    const kernel = graph.weight(k, [3, 2, 0, 1]);
    const window = graph.shape(k).slice(0, 2);
    graph.node("Conv", [x, kernel], resultOf(node), { ...windowAttributes(node, graph, window), group: 1 });
  },
  depthwise_conv2d(node, graph) {
    const [x, k] = operandsOf(node, 2);
    const [kh = 0, kw = 0, c = 0, m = 0] = graph.shape(k);
    // [kh, kw, c, m] as c groups of m filters over one channel.
    const values = permute(graph.values(k), [kh, kw, c, m], [2, 3, 0, 1]);
    const kernel = graph.tensor(k, [c * m, 1, kh, kw], values);
    graph.node("Conv", [x, kernel], resultOf(node), { ...windowAttributes(node, graph, [kh, kw]), group: c });
  },
  /** A bias right after a convolution is the convolution's own. */
  add(node, graph) {
    const [x, y] = operandsOf(node, 2);
    const producer = graph.nodes.find((candidate) => candidate.output[0] === x);
    const isBias = graph.shape(y).length === 1 && graph.shape(x).length === 4;
    if (!isBias) graph.node("Add", [x, y], resultOf(node));
    else if (producer?.opType === "Conv" && producer.input.length === 2 && graph.uses(x) === 1) {
      producer.input.push(graph.weight(y, [0]));
      producer.output[0] = resultOf(node);
    } else throw new Error(`the bias ${y} follows no convolution`);
  },
  batch_norm(node, graph) {
    const [x, ...parameters] = operandsOf(node, 5);
    const epsilon = numberOf(node, "epsilon");
    graph.node("BatchNormalization", [x, ...parameters.map((name) => graph.weight(name, [0]))], resultOf(node), { epsilon });
  },
  relu(node, graph) {
    graph.node("Relu", operandsOf(node, 1), resultOf(node));
  },
  relu6(node, graph) {
    const limits = [graph.tensor("relu6.low", [], Float32Array.of(0)), graph.tensor("relu6.high", [], Float32Array.of(6))];
    graph.node("Clip", [...operandsOf(node, 1), ...limits], resultOf(node));
  },
  max_pool2d(node, graph) {
    const { dilations: _, ...attributes } = windowAttributes(node, graph, listOf(node, "window"));
    graph.node("MaxPool", operandsOf(node, 1), resultOf(node), attributes);
  },
  global_avg_pool(node, graph) {
    const pooled = `${resultOf(node)}.pooled`;
    graph.node("GlobalAveragePool", operandsOf(node, 1), pooled);
    graph.node("Flatten", [pooled], resultOf(node), { axis: 1 });
  },
  flatten(node, graph) {
    if (numberOf(node, "axis") !== 1) throw new Error("only flatten from axis 1 on is translated");
    graph.node("Flatten", operandsOf(node, 1), resultOf(node), { axis: 1 });
  },
  dense(node, graph) {
    const [x, k, bias] = operandsOf(node, 3);
    graph.node("Gemm", [x, denseKernel(x, k, graph), graph.weight(bias, [0])], resultOf(node), { alpha: 1, beta: 1, transA: 0, transB: 0 });
  },
  softmax(node, graph) {
    graph.node("Softmax", operandsOf(node, 1), resultOf(node), { axis: numberOf(node, "axis") });
  },
};

/** After a flattened image the rows follow its channels-first order; permuted here, so that no Transpose is timed. */
function denseKernel(x: string, k: string, graph: Graph): string {
  const flatten = graph.producer(x);
  if (flatten?.operator !== "flatten") return graph.weight(k, [0, 1]);
  const [, h = 1, w = 1, c = 1] = graph.shape(operandsOf(flatten, 1)[0]);
  const [rows = 0, columns = 0] = graph.shape(k);
  return graph.tensor(k, [rows, columns], permute(graph.values(k), [h, w, c, columns], [2, 0, 1, 3]));
}

function windowAttributes(node: NnNode, graph: Graph, window: readonly number[]): { [name: string]: readonly number[] } {
  const [x] = operandsOf(node, 1);
  const [, ...spatial] = graph.shape(x).slice(0, 3);
  const strides = listOf(node, "stride");
  const dilations = listOf(node, "dilation");
  return { kernel_shape: window, strides, dilations, pads: padsOf(node, spatial, window, strides, dilations) };
}

/** [top, left, bottom, right]; `same` puts the odd element after. */
function padsOf(
  node: NnNode,
  spatial: readonly number[],
  window: readonly number[],
  strides: readonly number[],
  dilations: readonly number[],
) {
  const { pad } = node.attributes;
  if (Array.isArray(pad)) return listOf(node, "pad");
  if (pad === "valid") return [0, 0, 0, 0];
  if (pad !== "same") throw new Error(`the padding ${String(pad)} is not translated`);
  const totals = spatial.map((extent, d) => {
    const stride = strides[d] ?? 1;
    const reach = ((window[d] ?? 1) - 1) * (dilations[d] ?? 1) + 1;
    return Math.max(0, (Math.ceil(extent / stride) - 1) * stride + reach - extent);
  });
  return [...totals.map((total) => total >> 1), ...totals.map((total) => (total + 1) >> 1)];
}

function createGraph(program: NnProgram, weights: Weights): Graph {
  const nodes: Node[] = [];
  const initializers: Tensor[] = [];
  const values = [...program.inputs, ...program.weights, ...program.constants, ...program.nodes.flatMap((node) => node.results)];
  const types = new Map(values.map(({ name, type }) => [name, type]));
  const shape = (name: string) => {
    const type = types.get(name);
    if (type?.dtype !== "f32") throw new Error(`${name} is ${type?.dtype ?? "unknown"}, and only f32 is translated`);
    return type.shape;
  };
  const valuesOf = (name: string) => {
    const found = weights.get(program.weights.find((weight) => weight.name === name)?.path ?? "");
    if (!found) throw new Error(`${name} is not a weight`);
    return Float32Array.from(found);
  };
  const tensor: Graph["tensor"] = (name, dims, data) => {
    if (!initializers.some((known) => known.name === name))
      initializers.push({ name, dims: [...dims], dataType: TensorProto.DataType.FLOAT, rawData: new Uint8Array(data.buffer) });
    return name;
  };
  return {
    nodes,
    initializers,
    shape,
    producer: (value) => program.nodes.find((node) => node.results.some((result) => result.name === value)),
    uses: (value) => program.nodes.flatMap((node) => node.operands).filter((name) => name === value).length,
    node: (opType, input, output, attributes = {}) => {
      const attribute = Object.entries(attributes).map(([name, value]) => attributeOf(name, value));
      nodes.push({ opType, name: output, input: [...input], output: [output], attribute });
    },
    tensor,
    weight: (name, order) => {
      const dims = order.map((d) => shape(name)[d] ?? 0);
      return tensor(name, dims, permute(valuesOf(name), shape(name), order));
    },
    values: valuesOf,
  };
}

/** Only these attributes are floats in ONNX; all others here are integers. */
const floats: readonly string[] = ["epsilon", "alpha", "beta"];

function attributeOf(name: string, value: Attribute): onnxProto.onnx.IAttributeProto {
  const { AttributeType } = AttributeProto;
  if (typeof value !== "number") return { name, type: AttributeType.INTS, ints: [...value] };
  return floats.includes(name) ? { name, type: AttributeType.FLOAT, f: value } : { name, type: AttributeType.INT, i: value };
}

function tensorInfo(name: string, shape: readonly number[]): onnxProto.onnx.IValueInfoProto {
  const dim = shape.map((extent) => ({ dimValue: extent }));
  return { name, type: { tensorType: { elemType: TensorProto.DataType.FLOAT, shape: { dim } } } };
}

/** Dimension d of the result is dimension order[d] of the operand. */
function permute(values: Float32Array, shape: readonly number[], order: readonly number[]): Float32Array {
  const strides = shape.map((_, d) => elementCount(shape.slice(d + 1)));
  const extents = order.map((d) => shape[d] ?? 0);
  const result = new Float32Array(values.length);
  for (let i = 0; i < result.length; i++) {
    let rest = i;
    let from = 0;
    for (let d = order.length - 1; d >= 0; d--) {
      const extent = extents[d] ?? 1;
      from += (rest % extent) * (strides[order[d] ?? 0] ?? 0);
      rest = Math.floor(rest / extent);
    }
    result[i] = values[from] ?? 0;
  }
  return result;
}

function operandsOf(node: NnNode, count: 1): [string];
function operandsOf(node: NnNode, count: 2): [string, string];
function operandsOf(node: NnNode, count: 3): [string, string, string];
function operandsOf(node: NnNode, count: 5): [string, string, string, string, string];
function operandsOf(node: NnNode, count: number): string[] {
  if (node.operands.length < count) throw new Error(`${node.operator} has ${node.operands.length} operands`);
  return node.operands.slice(0, count);
}

function resultOf(node: NnNode): string {
  const [result] = node.results;
  if (!result || node.results.length !== 1) throw new Error(`${node.operator} has ${node.results.length} results`);
  return result.name;
}

function numberOf(node: NnNode, name: string): number {
  const value = node.attributes[name];
  if (typeof value !== "number") throw new Error(`${node.operator} has no number ${name}`);
  return value;
}

function listOf(node: NnNode, name: string): number[] {
  const value = node.attributes[name];
  if (!Array.isArray(value)) throw new Error(`${node.operator} has no list ${name}`);
  return value.map(Number);
}
