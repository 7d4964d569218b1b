/** What ONNX's models compute from shapes, which this language knows when it compiles: folded into plain numbers. */
import { at, fill } from "./definitions.ts";
import { broadcast, elements, integer, integers, type Node, range, type Value, wrapped } from "./onnx_translation.ts";
import { tensor } from "./tensors.ts";

type Folded = Omit<Value, "text">;

/** The node's result where it follows from shapes and from constants of whole numbers. */
export function folded(node: Node): Folded | undefined {
  const [x] = node.inputs;
  if (node.operator === "Shape" && x) {
    const rank = x.dims.length;
    const end = Math.min(rank, wrapped(integer(node, "end", rank), rank));
    return whole(x.dims.slice(wrapped(integer(node, "start", 0), rank), end));
  }
  if (node.operator === "Size" && x) return { dtype: "i32", dims: [], data: [x.dims.reduce((a, b) => a * b, 1)] };
  if (!node.inputs.every((input) => input === undefined || (input.data !== undefined && input.dtype === "i32"))) return undefined;
  return Object.hasOwn(folds, node.operator) ? folds[node.operator]?.(node) : undefined;
}

function whole(data: readonly number[], dims: readonly number[] = [data.length]): Folded {
  return { dtype: "i32", dims, data };
}

type Fold = (node: Node) => Folded | undefined;

function elementwise(of: (a: number, b: number) => number): Fold {
  return ({ inputs }) => {
    const [a, b = a] = inputs;
    if (!a?.data || !b?.data) return undefined;
    const dims = broadcast([a.dims, b.dims]);
    // Shapes and their extents; what is larger is computed.
    if (dims.length > 1) return undefined;
    const read = (x: Value, point: readonly number[]) =>
      at(
        tensor(x.dims, x.data ?? [], "i32"),
        x.dims.map((n, d) => (n === 1 ? 0 : (point[d + dims.length - x.dims.length] as number))),
      );
    return whole(fill(dims, (point) => of(read(a, point), read(b, point))).data, dims);
  };
}

const folds: { readonly [operator: string]: Fold } = {
  Add: elementwise((a, b) => a + b),
  Sub: elementwise((a, b) => a - b),
  Mul: elementwise((a, b) => a * b),
  Div: elementwise((a, b) => Math.trunc(a / b)),
  Max: elementwise(Math.max),
  Min: elementwise(Math.min),
  Neg: elementwise((a) => -a),
  Identity: elementwise((a) => a),
  Concat: (node) =>
    node.inputs.every((input) => input?.dims.length === 1) ? whole(node.inputs.flatMap((input) => input?.data ?? [])) : undefined,
  Unsqueeze: (node) => (node.inputs[0]?.dims.length === 0 ? whole(elements(node, 0) ?? []) : undefined),
  Squeeze: (node) => (node.inputs[0]?.dims.join() === "1" ? whole(elements(node, 0) ?? [], []) : undefined),
  Gather: (node) => {
    const [list, ids] = [elements(node, 0) ?? [], node.inputs[1]];
    if (node.inputs[0]?.dims.length !== 1 || !ids?.data) return undefined;
    return whole(
      ids.data.map((i) => list[wrapped(i, list.length)] as number),
      ids.dims,
    );
  },
  Slice: (node) => {
    if (node.inputs[0]?.dims.length !== 1 || (elements(node, 4)?.[0] ?? 1) !== 1) return undefined;
    const [list, start, end] = [elements(node, 0) ?? [], elements(node, 1)?.[0], elements(node, 2)?.[0]];
    return whole(list.slice(start, end));
  },
  Range: (node) => {
    const [from = 0, to = 0, step = 1] = [0, 1, 2].map((i) => elements(node, i)?.[0]);
    return whole(range(Math.max(0, Math.ceil((to - from) / step))).map((i) => from + i * step));
  },
  ConstantOfShape: (node) => {
    const value = node.attributes.get("value");
    if (typeof value !== "object" || !("data" in value) || value.type !== "int64") return undefined;
    const dims = elements(node, 0) ?? [];
    return whole(
      range(dims.reduce((a, b) => a * b, 1)).map(() => value.data[0] ?? 0),
      dims,
    );
  },
  Reshape: (node) => {
    const to = elements(node, 1) ?? [];
    return to.length === 1 ? whole(elements(node, 0) ?? []) : undefined;
  },
  Cast: (node) => {
    if (integers(node, "axes") !== undefined) return undefined;
    const to = integer(node, "to", 0);
    const dtype = to === 1 ? "f32" : to === 6 || to === 7 ? "i32" : undefined;
    return dtype && { dtype, dims: node.inputs[0]?.dims ?? [], data: elements(node, 0) };
  },
};
