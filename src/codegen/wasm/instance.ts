/** Running an emitted module in this process, with tensors in and out by buffer name. */
import { dtypes } from "../../ir/dtype.ts";
import type { KernelProgram, Placement } from "../../ir/kernel.ts";
import { readElement, writeElement } from "../../ir/memory_element.ts";
import { scalarFunctions } from "../../ir/scalar_functions.ts";
import { invariant, unreachable } from "../../support/invariant.ts";
import { type EmitOptions, emitWasm } from "./emit.ts";

export type Instance = {
  readonly memory: WebAssembly.Memory;
  /** Elements of a buffer, row-major over its allocated shape; floats are rounded to the buffer's type. */
  write(buffer: string, values: ArrayLike<number>): void;
  read(buffer: string): Float64Array;
  run(): void;
  build(): void;
  step(call: number): void;
};

export function instantiate(program: KernelProgram, bytes: Uint8Array, calls: EmitOptions["calls"]): Instance {
  const host = Object.fromEntries(Object.entries(scalarFunctions).map(([name, record]) => [name, record.meaning]));
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>), { host });
  const { memory } = exports;
  invariant(memory instanceof WebAssembly.Memory, "the module exports no memory");
  const call = (name: string): void => {
    const entry = exports[name];
    invariant(typeof entry === "function", `the module, made for ${calls}, has no ${name}`);
    entry();
  };
  const placements = new Map(program.placements.map((placement) => [placement.buffer, placement]));
  const placed = (buffer: string): Placement => {
    const placement = placements.get(buffer);
    invariant(placement, `no buffer ${buffer}`);
    return placement;
  };
  return {
    memory,
    write: (buffer, values) => {
      const placement = placed(buffer);
      const { bytes, dtype, offset } = placement;
      const count = bytes / dtypes[dtype].bytes;
      invariant(values.length === count, `${buffer} has ${count} elements and is given ${values.length}`);
      const view = viewOf(memory, placement);
      if (view) view.set(values);
      else
        for (let i = 0; i < count; i++)
          writeElement(new DataView(memory.buffer), offset + i * dtypes[dtype].bytes, dtype, values[i] as number);
    },
    read: (buffer) => {
      const placement = placed(buffer);
      const { bytes, dtype, offset } = placement;
      const view = viewOf(memory, placement);
      if (view) return Float64Array.from(view);
      const data = new DataView(memory.buffer);
      return Float64Array.from({ length: bytes / dtypes[dtype].bytes }, (_, i) =>
        readElement(data, offset + i * dtypes[dtype].bytes, dtype),
      );
    },
    run: () => call("run"),
    build: () => call("build"),
    step: (index) => call(`step${index}`),
  };
}

/** The shipped image: the first `weightBytes` of memory once every weight is in place and the build phase has run. */
export function buildWeights(program: KernelProgram, weights: ReadonlyMap<string, ArrayLike<number>>): Uint8Array {
  const instance = instantiate(program, emitWasm(program, { relaxed: false, calls: "weights" }).bytes, "weights");
  for (const { buffer, source } of program.sources) {
    const values = source.kind === "constant" ? source.data : weights.get(source.path);
    invariant(values, `no values for the weight ${source.kind === "weight" ? source.path : buffer}`);
    instance.write(buffer, values);
  }
  instance.build();
  return new Uint8Array(instance.memory.buffer).slice(0, program.weightBytes);
}

type View = Float32Array | Float64Array | Int32Array | Int8Array | Uint8Array;

/** Elements in place; an f16 has no array type, and goes element by element. */
function viewOf(memory: WebAssembly.Memory, { dtype, offset, bytes }: Placement): View | undefined {
  const length = bytes / dtypes[dtype].bytes;
  switch (dtype) {
    case "f32":
      return new Float32Array(memory.buffer, offset, length);
    case "f64":
      return new Float64Array(memory.buffer, offset, length);
    case "i32":
      return new Int32Array(memory.buffer, offset, length);
    case "i8":
      return new Int8Array(memory.buffer, offset, length);
    case "u8":
    case "bool":
      return new Uint8Array(memory.buffer, offset, length);
    case "f16":
      return undefined;
    case "i64":
      throw new Error("internal error: an i64 is stored as an i32");
    default:
      return unreachable(dtype);
  }
}
