/** Seeded tensor programs that mean something: every index in range or with a default, every dtype in its place. */
import { add, floordiv, type Index, mod, offset, type Ranges, scale, variableIndex } from "../../src/ir/affine.ts";
import { type DType, elementCount } from "../../src/ir/dtype.ts";
import { type Axis, type Compute, constantExpr, type Expr, type ScalarFunction } from "../../src/ir/expr.ts";
import type { Buffer, Group, TensorProgram } from "../../src/ir/tensor.ts";
import { createRandom } from "../../src/support/random.ts";

type Tensor = { readonly name: string; readonly dtype: DType; readonly shape: readonly number[] };

const functions: { readonly [dtype in "f32" | "i32"]: readonly ScalarFunction[] } = {
  f32: ["add", "sub", "mul", "max", "min", "abs", "neg", "floor", "round", "tanh"],
  i32: ["add", "sub", "mul", "max", "min", "floordiv", "mod", "neg", "bit_and", "bit_xor", "shift_right"],
};
const unary = new Set<ScalarFunction>(["abs", "neg", "floor", "round", "tanh", "not"]);

export function randomTensorProgram(seed: number): { program: TensorProgram; given: Map<string, Float64Array> } {
  const random = createRandom(`tensor/${seed}`);
  const chance = (probability: number) => random.uniform() < probability;
  const shape = () => Array.from({ length: random.integer(1, 3) }, () => random.integer(1, 5));
  const buffers: Buffer[] = [
    { name: "x", dtype: "f32", shape: shape(), role: { kind: "input" } },
    { name: "n", dtype: "i32", shape: shape(), role: { kind: "input" } },
    { name: "k", dtype: "f32", shape: shape(), role: { kind: "weight", path: "w.k" } },
    { name: "c", dtype: "i32", shape: [3], role: { kind: "constant", data: [2, -1, 5] } },
  ];
  const given = new Map<string, Float64Array>();
  for (const buffer of buffers) {
    const draw = () => (buffer.dtype === "f32" ? Math.fround(random.normal()) : random.integer(-9, 9));
    if (buffer.role.kind !== "constant")
      given.set(
        buffer.role.kind === "weight" ? buffer.role.path : buffer.name,
        Float64Array.from({ length: elementCount(buffer.shape) }, draw),
      );
  }

  const affine = (axes: readonly Axis[], ranges: Ranges): Index => {
    let index: Index = { terms: [], constant: random.integer(-2, 2) };
    for (const axis of axes) if (chance(0.5)) index = add(index, scale(variableIndex(axis.name), random.integer(-1, 2)));
    return chance(0.3) ? floordiv(index, random.integer(1, 3), ranges) : offset(index, random.integer(0, 1));
  };

  const value = (dtype: DType, depth: number, axes: readonly Axis[], tensors: readonly Tensor[]): Expr => {
    const extents = new Map(axes.map((axis) => [axis.name, axis.extent]));
    const ranges: Ranges = {
      variable: (name) => {
        const extent = extents.get(name);
        return extent === undefined ? undefined : { low: 0, high: extent - 1 };
      },
    };
    const go = (of: DType): Expr => value(of, depth - 1, axes, tensors);
    const readable = tensors.filter((tensor) => tensor.dtype === dtype);
    if (depth <= 0 || chance(0.2)) {
      if (readable.length > 0 && chance(0.8)) {
        const tensor = random.pick(readable);
        const inside = chance(0.5);
        const indices = tensor.shape.map((extent) => (inside ? mod(affine(axes, ranges), extent, ranges) : affine(axes, ranges)));
        const read: Expr = { kind: "read", tensor: tensor.name, indices, dtype };
        return inside ? read : { ...read, otherwise: depth > 0 && chance(0.3) ? go(dtype) : constant(dtype) };
      }
      return dtype === "i32" && chance(0.6) ? { kind: "index", index: affine(axes, ranges) } : constant(dtype);
    }
    if (chance(0.15)) return { kind: "select", condition: go("bool"), whenTrue: go(dtype), whenFalse: go(dtype) };
    if (chance(0.15)) return { kind: "cast", dtype, value: go(random.pick(["f32", "i32", "bool"])) };
    if (dtype === "f32" || dtype === "i32") {
      const name = random.pick(functions[dtype]);
      return { kind: "apply", function: name, args: unary.has(name) ? [go(dtype)] : [go(dtype), go(dtype)], dtype };
    }
    if (chance(0.3)) {
      const name = random.pick(["and", "or", "not"] as const);
      return { kind: "apply", function: name, args: name === "not" ? [go("bool")] : [go("bool"), go("bool")], dtype: "bool" };
    }
    const of = random.pick(["f32", "i32"] as const);
    return { kind: "apply", function: random.pick(["lt", "le", "gt", "eq", "ne"]), args: [go(of), go(of)], dtype: "bool" };
  };
  const constant = (dtype: DType): Expr =>
    constantExpr(
      dtype,
      dtype === "f32" ? random.pick([0, -0, 1, -2.5, Infinity]) : dtype === "bool" ? random.integer(0, 1) : random.integer(-3, 3),
    );

  const tensors: Tensor[] = [...buffers];
  const groups: Group[] = [];
  for (let g = 0; g < 4; g++) {
    const name = `g${g}`;
    const axes = shape().map((extent, d): Axis => ({ name: `i${d}`, extent }));
    const dtype = random.pick(["f32", "f32", "i32", "bool"] as const);
    const computes: Compute[] = [];
    const kind = dtype === "bool" ? "map" : random.pick(["map", "reduction", "epilogue"] as const);
    if (kind === "map") computes.push({ name, dtype, axes, value: value(dtype, 4, axes, tensors) });
    else {
      const over = shape().map((extent, d): Axis => ({ name: `r${d}`, extent: chance(0.1) ? 1 : extent }));
      const inner = [...axes, ...over];
      const reduced: Expr = {
        kind: "reduce",
        op: random.pick(["sum", "prod", "max", "min"]),
        axes: over,
        ...(chance(0.4) ? { where: value("bool", 2, inner, tensors) } : {}),
        body: value(dtype, 3, inner, tensors),
        dtype,
      };
      const first = kind === "reduction" ? name : `${name}.inner`;
      computes.push({ name: first, dtype, axes, value: reduced });
      if (kind === "epilogue") {
        const outer = axes.map((axis): Axis => ({ ...axis, name: `o${axis.name}` }));
        const read: Expr = { kind: "read", tensor: first, indices: outer.map((axis) => variableIndex(axis.name)), dtype };
        const other = value(dtype, 2, outer, tensors);
        computes.push({ name, dtype, axes: outer, value: { kind: "apply", function: "add", args: [read, other], dtype } });
      }
    }
    const extents = axes.map((axis) => axis.extent);
    groups.push({ name, phase: "run", computes });
    tensors.push({ name, dtype, shape: extents });
    buffers.push({ name, dtype, shape: extents, role: { kind: "temporary" } });
  }
  return { program: { name: `random${seed}`, buffers, groups, inputs: ["x", "n"], outputs: [{ name: "y", value: "g3" }] }, given };
}
