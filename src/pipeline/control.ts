/**
 * A kernel by which a measurer sees that other programs slow the machine: the inner loop of a product of matrices, whose operands stay in
 * the first cache. It keeps a core as busy as what is tuned does, with loads beside multiply-adds, so that a program on the other thread of
 * the same core slows it as much; a loop in registers alone, or one that waits for memory, hardly notices.
 */
import { emitWasm } from "../codegen/wasm/emit.ts";
import type { KernelExpr, KernelProgram, KernelStatement } from "../ir/kernel.ts";
import { address, base, get, integer, splat, type, vectorBytes, whole } from "./probe_kernel.ts";

const rows = 4;
const vectors = 2;
/** Elements of a sum, and how often all of them are computed: a tenth of a millisecond on a processor of 2020. */
const depth = 256;
const repeats = 250;

/** As a module with `run`. */
export function controlModule(): Uint8Array {
  return emitWasm(program, { relaxed: false, calls: "run" }).bytes;
}

const places = Array.from({ length: rows }, (_, row) => Array.from({ length: vectors }, (_, vector) => ({ row, vector }))).flat();
const sumOf = ({ row, vector }: (typeof places)[number]) => `sum${row}_${vector}`;
const zero = splat(0);
const pointer = (name: string, buffer: string, stride: number): KernelStatement => ({
  kind: "set",
  name,
  type: "i32",
  value: integer("add", base(buffer), integer("mul", address("k"), whole(stride))),
});

const multiplyAdds = places.map(
  (place): KernelStatement => ({
    kind: "set",
    name: sumOf(place),
    type,
    value: { kind: "multiply_add", on: type, args: [get(`left${place.row}`), get(`right${place.vector}`), get(sumOf(place))] },
  }),
);
const step: KernelStatement = {
  kind: "for",
  name: "k",
  extent: depth,
  body: [
    pointer("left", "b1", 4),
    pointer("right", "b2", vectors * vectorBytes),
    ...Array.from({ length: vectors }, (_, vector): KernelStatement => {
      const value: KernelExpr = { kind: "load", type, dtype: "f32", buffer: "b2", address: address("right"), offset: vector * vectorBytes };
      return { kind: "set", name: `right${vector}`, type, value };
    }),
    ...Array.from({ length: rows }, (_, row): KernelStatement => {
      const offset = row * depth * 4;
      const value: KernelExpr = { kind: "load", type, dtype: "f32", buffer: "b1", address: address("left"), offset, splat: true };
      return { kind: "set", name: `left${row}`, type, value };
    }),
    ...multiplyAdds,
  ],
};
const stores = places.map(
  (place): KernelStatement => ({
    kind: "store",
    dtype: "f32",
    type,
    buffer: "b0",
    address: base("b0"),
    offset: (place.row * vectors + place.vector) * vectorBytes,
    value: get(sumOf(place)),
  }),
);
const again: KernelStatement = {
  kind: "for",
  name: "again",
  extent: repeats,
  body: [...places.map((place): KernelStatement => ({ kind: "set", name: sumOf(place), type, value: zero })), step, ...stores],
};

const shapes = { sums: [rows, 4 * vectors], left: [rows, depth], right: [depth, 4 * vectors] };
const bytesOf = (shape: readonly number[]) => 4 * shape.reduce((product, extent) => product * extent, 1);
const bytes = bytesOf(shapes.sums) + bytesOf(shapes.left) + bytesOf(shapes.right);

const program: KernelProgram = {
  name: "control",
  kernels: [
    {
      name: "control",
      trace: [],
      parameters: ["b0", "b1", "b2"].map((name) => ({ name, dtype: "f32", writes: name === "b0" })),
      body: [again],
    },
  ],
  calls: [{ kernel: "control", nest: "control", phase: "run", arguments: ["sums", "left", "right"] }],
  placements: [
    { buffer: "sums", dtype: "f32", shape: shapes.sums, offset: 0, bytes: bytesOf(shapes.sums) },
    { buffer: "left", dtype: "f32", shape: shapes.left, offset: bytesOf(shapes.sums), bytes: bytesOf(shapes.left) },
    {
      buffer: "right",
      dtype: "f32",
      shape: shapes.right,
      offset: bytesOf(shapes.sums) + bytesOf(shapes.left),
      bytes: bytesOf(shapes.right),
    },
  ],
  sources: [],
  weightBytes: 0,
  runBytes: bytes,
  buildBytes: bytes,
  inputs: [],
  outputs: [],
};
