/** The tensor level's interpreter: groups in order, each compute point by point in float64, borders filled with their constants. */
import { invariant } from "../support/invariant.ts";
import { elementCount } from "./dtype.ts";
import { evaluateCompute, forEachPoint, type TensorData, tensorData } from "./evaluate.ts";
import { allocatedShape, type Buffer, isPart, type TensorProgram } from "./tensor.ts";

/** All tensors by name, row-major without borders; `given` holds inputs by name and weights by path. */
export function interpretTensor(program: TensorProgram, given: ReadonlyMap<string, Float64Array>): Map<string, Float64Array> {
  const buffers = new Map(program.buffers.map((buffer) => [buffer.name, buffer]));
  const values = new Map<string, Float64Array>();
  for (const { name, role } of program.buffers) {
    const value = role.kind === "weight" ? given.get(role.path) : role.kind === "constant" ? Float64Array.from(role.data) : given.get(name);
    if (value && role.kind !== "temporary" && role.kind !== "derived") values.set(name, value);
  }
  const tensor = (name: string): TensorData => {
    const buffer = buffers.get(name);
    const value = values.get(buffer && isPart(buffer) ? name : (buffer?.aliasOf ?? name));
    invariant(value, `no value for ${name}`);
    return buffer ? withHalo(buffer, value) : tensorData(value, []);
  };
  for (const group of program.groups) {
    const inner = new Map<string, TensorData>();
    for (const compute of group.computes) {
      const result = evaluateCompute(compute, (name) => inner.get(name) ?? tensor(name));
      values.set(compute.name, result);
      placePart(compute.name);
      inner.set(
        compute.name,
        tensorData(
          result,
          compute.axes.map((axis) => axis.extent),
        ),
      );
    }
  }
  for (const buffer of program.buffers) {
    const source = buffer.aliasOf && values.get(buffer.aliasOf);
    if (source && !isPart(buffer)) values.set(buffer.name, source);
  }
  return values;

  /** Elements of a part are elements of the whole. */
  function placePart(name: string): void {
    const part = buffers.get(name);
    const whole = part?.halo && part.aliasOf !== undefined ? buffers.get(part.aliasOf) : undefined;
    if (!part || !whole) return;
    const all = values.get(whole.name) ?? new Float64Array(elementCount(whole.shape)).fill(Number.NaN);
    values.set(whole.name, all);
    const start = whole.shape.map((_, d) => (part.halo?.before[d] ?? 0) - (whole.halo?.before[d] ?? 0));
    const from = values.get(name) as Float64Array;
    let position = 0;
    forEachPoint(part.shape, [], 0, (point) => {
      const at = whole.shape.reduce((sum, extent, d) => sum * extent + (point[d] as number) + (start[d] as number), 0);
      all[at] = from[position++] as number;
    });
  }
}

function withHalo(buffer: Buffer, value: Float64Array): TensorData {
  const { halo, shape } = buffer;
  if (!halo) return tensorData(value, shape);
  const extents = allocatedShape(buffer);
  const data = new Float64Array(elementCount(extents)).fill(halo.fill);
  let position = 0;
  forEachPoint(shape, [], 0, (point) => {
    const at = extents.reduce((sum, extent, d) => sum * extent + (point[d] as number) + (halo.before[d] ?? 0), 0);
    data[at] = value[position++] as number;
  });
  return { data, extents, shape, before: halo.before };
}
