/**
 * Networks that compute on integers and say so around operators of floats (DequantizeLinear before, QuantizeLinear after): there a
 * product, with its bias and an activation, becomes the product of the integers themselves. Its sum is exact, and is scaled once.
 */
import { dtypes, elementCount } from "../../ir/dtype.ts";
import type { ImportedTensor } from "../importer.ts";
import type { OnnxGraph } from "./graph.ts";
import { permuted } from "./layout.ts";
import type { OnnxAttribute, OnnxNode } from "./node.ts";

/** Integers q that stand for (q - zero) scale: the names of all three, and the numbers of the last two. */
type Quantised = {
  readonly names: readonly [string, string, string];
  readonly scales: readonly number[];
  /** Dimension of the scales, where there are several. */
  readonly axis: number;
  readonly zero: number;
  readonly dtype: "i8" | "u8";
};

/** A product of floats that stand for integers. */
type Product = {
  readonly node: OnnxNode;
  readonly x: Quantised;
  readonly kernel: Quantised;
  readonly tensor: ImportedTensor;
  readonly bias: string | undefined;
};

/** What lies between a product and the integers that it becomes: limits that hold of the integers too, for rounding is monotone. */
type Limits = { readonly low: number; readonly high: number; readonly nodes: readonly OnnxNode[] };

/** The dimension of a kernel that is the results', by the products that are known. */
const channelOf: { readonly [operator: string]: (node: OnnxNode) => number } = {
  Conv: () => 0,
  MatMul: () => 1,
  Gemm: (node) => (numberOf(node, "transB", 0) === 1 ? 0 : 1),
};

/** Those whose elements are elements of their first operand. */
const movements: ReadonlySet<string> = new Set(["Flatten", "Identity", "MaxPool", "Reshape", "Squeeze", "Transpose", "Unsqueeze"]);

export function withIntegerProducts(graph: OnnxGraph): OnnxGraph {
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const initializers = new Map(graph.initializers);
  /** Nodes of floats that are read no more, unless something else does. */
  const passed = new Set<OnnxNode>();
  const nodes = graph.nodes.flatMap((node): readonly OnnxNode[] => {
    if (node.operator !== "QuantizeLinear") return [node];
    const y = quantisedBy(node);
    return (y && (product(node, y) ?? movement(node, y))) || [node];
  });
  return passed.size === 0 ? graph : { ...graph, initializers, nodes: withoutUnread(nodes, graph, passed) };

  function constantOf(name: string | undefined): ImportedTensor | undefined {
    const attribute = producers.get(name ?? "")?.operator === "Constant" ? producers.get(name ?? "")?.attributes.get("value") : undefined;
    return graph.initializers.get(name ?? "") ?? (attribute?.kind === "tensor" ? attribute.value : undefined);
  }

  /** What the operands of either node say: zero points are one for all elements, and tell the type. */
  function quantisedBy({ inputs: [q = "", scale = "", zero = ""], attributes }: OnnxNode): Quantised | undefined {
    const [scales, zeros] = [constantOf(scale), constantOf(zero)];
    const [first = 0] = zeros?.values ?? [];
    const dtype = zeros?.type.dtype;
    if (!scales || !zeros || (dtype !== "i8" && dtype !== "u8") || !zeros.values.every((value) => value === first)) return undefined;
    if (scales.type.shape.length > 1 || scales.type.dtype !== "f32" || !scales.values.every((value) => value > 0)) return undefined;
    if (attributes.has("block_size") && scales.values.length > 1) return undefined;
    const axis = attributes.get("axis");
    return { names: [q, scale, zero], scales: [...scales.values], axis: axis?.kind === "number" ? axis.value : 1, zero: first, dtype };
  }

  function dequantised(name: string | undefined): Quantised | undefined {
    const node = producers.get(name ?? "");
    return node?.operator === "DequantizeLinear" ? quantisedBy(node) : undefined;
  }

  /** The product of integers in the place of what quantises it. */
  function product(last: OnnxNode, y: Quantised): readonly OnnxNode[] | undefined {
    const { limits, from } = activation(y);
    const found = y.scales.length === 1 ? productOf(producers.get(from)) : undefined;
    if (!found) return undefined;
    const { node, x, kernel, bias } = found;
    const size = node.operator === "Conv" ? node.attributes : new Map<string, OnnxAttribute>();
    const [, yScale, yZero] = y.names;
    const within = limits.low > dtypes[y.dtype].low || limits.high < dtypes[y.dtype].high;
    const [result = ""] = last.outputs;
    const sum: OnnxNode = {
      operator: node.operator === "Conv" ? "QLinearConv" : "QLinearMatMul",
      name: node.name,
      inputs: [...x.names, kernelName(found), kernel.names[1], kernel.names[2], yScale, yZero, ...(bias === undefined ? [] : [bias])],
      outputs: [within ? `${result}#unlimited` : result],
      attributes: size,
    };
    for (const one of [last, node, ...limits.nodes, ...node.inputs.flatMap((name) => producers.get(name) ?? [])]) passed.add(one);
    return within ? [sum, ...limiting(sum, limits, y, result)] : [sum];
  }

  function productOf(node: OnnxNode | undefined): Product | undefined {
    const channel = node && Object.hasOwn(channelOf, node.operator) ? channelOf[node.operator]?.(node) : undefined;
    if (!node || channel === undefined) return undefined;
    const [x, kernel] = [dequantised(node.inputs[0]), dequantised(node.inputs[1])];
    const tensor = constantOf(kernel?.names[0]);
    if (!x || !kernel || !tensor || x.scales.length !== 1) return undefined;
    const { shape } = tensor.type;
    if (node.operator !== "Conv" && shape.length !== 2) return undefined;
    const places = kernel.axis < 0 ? kernel.axis + shape.length : kernel.axis;
    if (kernel.scales.length > 1 && (places !== channel || kernel.scales.length !== shape[channel])) return undefined;
    if (
      node.operator === "Gemm" &&
      (numberOf(node, "alpha", 1) !== 1 || numberOf(node, "beta", 1) !== 1 || numberOf(node, "transA", 0) !== 0)
    )
      return undefined;
    const bias = biasOf(node, x, kernel, shape[channel] ?? 1);
    if (bias === undefined) return undefined;
    const terms = elementCount(shape) / Math.max(1, shape[channel] ?? 1);
    const { low, high } = dtypes[x.dtype];
    const largest = Math.max(x.zero - low, high - x.zero) * farthest(tensor, kernel.zero) * terms + farthest(bias.tensor, 0);
    return largest < 2 ** 31 ? { node, x, kernel, tensor, bias: bias.name } : undefined;
  }

  /** The integers of a bias whose scale is that of the products; undefined where it has another. */
  function biasOf(
    node: OnnxNode,
    x: Quantised,
    kernel: Quantised,
    channels: number,
  ): { readonly name: string | undefined; readonly tensor?: ImportedTensor } | undefined {
    const name = node.inputs[2] ?? "";
    if (name === "") return { name: undefined };
    const [integers = "", scale = "", zero = ""] =
      producers.get(name)?.operator === "DequantizeLinear" ? (producers.get(name)?.inputs ?? []) : [];
    const [tensor, scales, zeros] = [integers, scale, zero].map(constantOf);
    if (tensor?.type.dtype !== "i32" || tensor.type.shape.join() !== `${channels}` || !scales) return undefined;
    if (zero !== "" && !zeros?.values.every((value) => value === 0)) return undefined;
    if (scales.values.length !== 1 && scales.values.length !== channels) return undefined;
    for (let c = 0; c < channels; c++) {
      const wanted = (x.scales[0] ?? 0) * (kernel.scales[kernel.scales.length === 1 ? 0 : c] ?? 0);
      const given = scales.values[scales.values.length === 1 ? 0 : c] as number;
      // As near as two roundings to f32 leave it.
      if (!(Math.abs(given - wanted) <= wanted * 2 ** -22)) return undefined;
    }
    return { name: integers, tensor };
  }

  /** The limits that an activation before the quantisation sets, as integers of the result, and the value that it reads. */
  function activation({ names: [name], scales: [scale = 1], zero, dtype }: Quantised): { readonly limits: Limits; readonly from: string } {
    const { low, high } = dtypes[dtype];
    const node = producers.get(name);
    const bound = (attribute: string, i: number, otherwise: number) =>
      node?.inputs[i] ? constantOf(node.inputs[i])?.values[0] : node && numberOf(node, attribute, otherwise);
    const least = node?.operator === "Relu" ? 0 : node?.operator === "Clip" ? bound("min", 1, -Infinity) : undefined;
    const most = node?.operator === "Relu" ? Infinity : node?.operator === "Clip" ? bound("max", 2, Infinity) : undefined;
    if (!node || least === undefined || most === undefined || !(least <= most)) return { limits: { low, high, nodes: [] }, from: name };
    const quantised = (value: number) => Math.min(high, Math.max(low, nearest(Math.fround(value / scale)) + zero));
    return { limits: { low: quantised(least), high: quantised(most), nodes: [node] }, from: node.inputs[0] ?? "" };
  }

  /** Nodes that take the integers within the limits, those that the type does not set already. */
  function limiting(sum: OnnxNode, { low, high }: Limits, y: Quantised, result: string): readonly OnnxNode[] {
    const range = dtypes[y.dtype];
    const set = [
      ...(low > range.low ? [{ operator: "Max", limit: low }] : []),
      ...(high < range.high ? [{ operator: "Min", limit: high }] : []),
    ];
    return set.map(({ operator, limit }, i): OnnxNode => {
      const name = `${result}#${operator}`;
      initializers.set(name, {
        type: { dtype: y.dtype, shape: [] },
        values: y.dtype === "i8" ? Int8Array.of(limit) : Uint8Array.of(limit),
      });
      const read = i === 0 ? sum.outputs : [`${result}#limited`];
      const outputs = [i === set.length - 1 ? result : `${result}#limited`];
      return { operator, name: sum.name, inputs: [...read, name], outputs, attributes: new Map() };
    });
  }

  /** The kernel's integers, as a product of matrices reads them. */
  function kernelName({ node, kernel, tensor }: Product): string {
    const [name] = kernel.names;
    if (node.operator !== "Gemm" || numberOf(node, "transB", 0) !== 1) return name;
    const turned = `${name}#transposed`;
    initializers.set(turned, permuted(tensor, [1, 0]));
    return turned;
  }

  /** What only moves elements moves the integers, where those before and after stand for the same numbers. */
  function movement(last: OnnxNode, y: Quantised): readonly OnnxNode[] | undefined {
    const own = producers.get(y.names[0]);
    const between = own && movements.has(own.operator) && own.outputs.filter((name) => name !== "").length === 1 ? own : undefined;
    const x = dequantised(between ? between.inputs[0] : y.names[0]);
    const isSame =
      x?.scales.length === 1 && y.scales.length === 1 && x.scales[0] === y.scales[0] && x.zero === y.zero && x.dtype === y.dtype;
    if (!x || !isSame) return undefined;
    const moving = between ?? { operator: "Identity", name: last.name, attributes: new Map() };
    for (const one of [last, ...(between ? [between] : []), ...(between ?? last).inputs.flatMap((name) => producers.get(name) ?? [])])
      if (one.operator !== "Constant") passed.add(one);
    return [{ ...moving, inputs: [x.names[0], ...(between?.inputs.slice(1) ?? [])], outputs: last.outputs }];
  }
}

/** Without those of `unless` whose results nothing reads any more. */
function withoutUnread(nodes: readonly OnnxNode[], { outputs }: OnnxGraph, unless: ReadonlySet<OnnxNode>): readonly OnnxNode[] {
  const read = new Set(outputs.map(({ name }) => name));
  const kept: OnnxNode[] = [];
  for (const node of [...nodes].reverse()) {
    if (unless.has(node) && !node.outputs.some((name) => read.has(name))) continue;
    for (const name of node.inputs) read.add(name);
    kept.push(node);
  }
  return kept.reverse();
}

function numberOf(node: OnnxNode, name: string, otherwise: number): number {
  const found = node.attributes.get(name);
  return found?.kind === "number" ? found.value : otherwise;
}

/** The largest distance of a constant's integers from the zero point. */
function farthest(tensor: ImportedTensor | undefined, zero: number): number {
  let most = 0;
  for (const value of tensor?.values ?? []) most = Math.max(most, Math.abs(value - zero));
  return most;
}

/** Halves go to the even neighbour. */
function nearest(value: number): number {
  const rounded = Math.round(value);
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
