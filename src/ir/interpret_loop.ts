/**
 * The loop level's interpreter: nests in order, in float64. Every buffer has memory of its own with its border, and
 * what nobody has written is NaN, so that a missing fill or a wrong order shows in the result.
 */
import { invariant } from "../support/invariant.ts";
import { elementCount } from "./dtype.ts";
import { combine, compileExpr, compileIndex, type Evaluator, forEachPoint, reductionIdentity, type TensorData } from "./evaluate.ts";
import { dtypeOf } from "./expr.ts";
import type { LoopProgram, Nest, Reduce, Statement } from "./loop.ts";
import { allocatedShape, type Buffer } from "./tensor.ts";

/** All buffers by name, row-major without borders; `given` holds inputs by name and weights by path. */
export function interpretLoop(program: LoopProgram, given: ReadonlyMap<string, Float64Array>): Map<string, Float64Array> {
  const memory = new Map<string, TensorData>();
  for (const buffer of program.buffers) if (buffer.aliasOf === undefined) memory.set(buffer.name, allocate(buffer, given));
  for (const buffer of program.buffers) {
    const { name, shape, aliasOf, halo } = buffer;
    const target = aliasOf === undefined ? undefined : memory.get(aliasOf);
    const before = shape.map((_, d) => halo?.before[d] ?? 0);
    if (target) memory.set(name, { data: target.data, extents: allocatedShape(buffer), shape, before });
  }
  for (const nest of program.nests) runNest(nest, memory);
  return new Map([...memory].map(([name, tensor]) => [name, withoutHalo(tensor)]));
}

function allocate(buffer: Buffer, given: ReadonlyMap<string, Float64Array>): TensorData {
  const { name, role, shape, halo } = buffer;
  const extents = allocatedShape(buffer);
  const before = shape.map((_, d) => halo?.before[d] ?? 0);
  const data = new Float64Array(elementCount(extents)).fill(Number.NaN);
  const value =
    role.kind === "constant"
      ? role.data
      : role.kind === "weight"
        ? given.get(role.path)
        : role.kind === "input"
          ? given.get(name)
          : undefined;
  if (value) {
    invariant(value.length === data.length, `\`${name}\` has ${data.length} elements, and ${value.length} are given`);
    data.set(value);
  }
  return { data, extents, shape, before };
}

function withoutHalo({ data, extents, shape, before }: TensorData): Float64Array {
  if (before.every((width) => width === 0) && extents.every((extent, d) => extent === shape[d])) return data;
  const values = new Float64Array(elementCount(shape));
  let position = 0;
  forEachPoint(shape, [], 0, (point) => {
    values[position++] = data[extents.reduce((sum, extent, d) => sum * extent + (point[d] as number) + (before[d] as number), 0)] as number;
  });
  return values;
}

/** Runs at a point: `point[slot]` holds each loop's iteration. */
type Action = (point: number[]) => void;

type Place = {
  readonly nest: string;
  /** Slot of every loop around. */
  readonly slots: ReadonlyMap<string, number>;
  readonly loops: readonly { readonly name: string; readonly extent: number }[];
  /** How many guards stand around at each loop: a reduction below a guard finishes only what the guard let through. */
  readonly guards: number;
  readonly tensors: ReadonlyMap<string, TensorData>;
  /** Where loops that are reduced over begin and end: the reductions that begin and end with them. */
  readonly reductions: Map<string, Frame>;
};

/** What the reductions inside an outermost reduction loop do before and after it. */
type Frame = { readonly depth: number; readonly guards: number; readonly begin: Action[]; readonly end: Action[] };

function runNest(nest: Nest, memory: ReadonlyMap<string, TensorData>): void {
  compile(nest.body, { nest: nest.name, slots: new Map(), loops: [], guards: 0, tensors: memory, reductions: new Map() })([]);
}

function compile(statement: Statement, place: Place): Action {
  switch (statement.kind) {
    case "for":
      return compileFor(statement, place);
    case "sequence": {
      const actions = statement.statements.map((inner) => compile(inner, place));
      return (point) => {
        for (const action of actions) action(point);
      };
    }
    case "store": {
      const value = evaluatorOf(statement.value, place);
      const { data, locate } = targetOf(statement, place);
      return (point) => {
        data[locate(point)] = value(point);
      };
    }
    case "accumulate": {
      const value = evaluatorOf(statement.value, place);
      const where = statement.where && evaluatorOf(statement.where, place);
      const { data, locate } = targetOf(statement, place);
      const step = combine(statement.op, dtypeOf(statement.value));
      return (point) => {
        if (where && where(point) === 0) return;
        const position = locate(point);
        data[position] = step(data[position] as number, value(point));
      };
    }
    case "if": {
      const condition = evaluatorOf(statement.condition, place);
      const body = compile(statement.body, { ...place, guards: place.guards + 1 });
      return (point) => {
        if (condition(point) !== 0) body(point);
      };
    }
    case "local": {
      const { name, shape } = statement;
      const data = new Float64Array(elementCount(shape));
      const tile: TensorData = { data, extents: shape, shape, before: shape.map(() => 0) };
      const body = compile(statement.body, { ...place, tensors: new Map(place.tensors).set(name, tile) });
      return (point) => {
        data.fill(Number.NaN);
        body(point);
      };
    }
    case "reduce":
      return compileReduce(statement, place);
  }
}

/** The mode says how a target runs the loop; its meaning is that of one iteration after another. */
function compileFor(statement: Extract<Statement, { kind: "for" }>, place: Place): Action {
  const { name, extent } = statement;
  const depth = place.loops.length;
  invariant(!place.slots.has(name), `the nest ${place.nest} has the loop ${name} inside a loop of that name`);
  const frame: Frame = { depth, guards: place.guards, begin: [], end: [] };
  const body = compile(statement.body, {
    ...place,
    slots: new Map(place.slots).set(name, depth),
    loops: [...place.loops, { name, extent }],
    reductions: new Map(place.reductions).set(name, frame),
  });
  return (point) => {
    for (const begin of frame.begin) begin(point);
    for (let i = 0; i < extent; i++) {
      point[depth] = i;
      body(point);
    }
    for (const end of frame.end) end(point);
  };
}

/**
 * Partial results, one for each point of the loops inside the outermost loop of `over` that are not reduced over.
 * They begin empty where that loop begins, and are finished and stored once where it ends.
 */
function compileReduce(statement: Reduce, place: Place): Action {
  const { op, dtype, over } = statement;
  const value = evaluatorOf(statement.value, place);
  const where = statement.where && evaluatorOf(statement.where, place);
  const accumulator: TensorData = { data: new Float64Array(1), extents: [], shape: [], before: [] };
  const finish = evaluatorOf(statement.finish, { ...place, tensors: new Map(place.tensors).set(statement.accumulator, accumulator) });
  const { data, locate } = targetOf(statement, place);
  const step = combine(op, dtype);
  const identity = reductionIdentity(op, dtype);
  const outermost = place.loops.findIndex((loop) => over.includes(loop.name));
  const frame = outermost < 0 ? undefined : place.reductions.get(place.loops[outermost]?.name ?? "");
  const store = (point: number[], reduced: number) => {
    accumulator.data[0] = reduced;
    data[locate(point)] = finish(point);
  };
  if (!frame) return (point) => store(point, where && where(point) === 0 ? identity : step(identity, value(point)));

  const kept = place.loops.flatMap((loop, slot) => (slot > outermost && !over.includes(loop.name) ? [{ slot, extent: loop.extent }] : []));
  const count = elementCount(kept.map((loop) => loop.extent));
  const partial = new Float64Array(count);
  // Without a guard every element is there, even where the loops reduced over are empty.
  const reached = new Uint8Array(count);
  const guarded = place.guards > frame.guards;
  frame.begin.push(() => {
    partial.fill(identity);
    reached.fill(guarded ? 0 : 1);
  });
  frame.end.push((point) => {
    const at = [...point];
    forEachKept(kept, at, (position) => {
      if (reached[position]) store(at, partial[position] as number);
    });
  });
  return (point) => {
    let position = 0;
    for (const { slot, extent } of kept) position = position * extent + (point[slot] as number);
    reached[position] = 1;
    if (where === undefined || where(point) !== 0) partial[position] = step(partial[position] as number, value(point));
  };
}

function forEachKept(kept: readonly { slot: number; extent: number }[], point: number[], visit: (position: number) => void): void {
  let position = 0;
  const go = (depth: number): void => {
    const loop = kept[depth];
    if (!loop) {
      visit(position++);
      return;
    }
    for (let i = 0; i < loop.extent; i++) {
      point[loop.slot] = i;
      go(depth + 1);
    }
  };
  go(0);
}

function evaluatorOf(expr: Parameters<typeof compileExpr>[0], { slots, tensors }: Place): Evaluator {
  return compileExpr(expr, slots, (name) => tensorOf(name, tensors));
}

function tensorOf(name: string, tensors: ReadonlyMap<string, TensorData>): TensorData {
  const tensor = tensors.get(name);
  invariant(tensor, `no value for ${name}`);
  return tensor;
}

/** Where a statement writes; the border may be written too. */
function targetOf({ buffer, indices }: Pick<Reduce, "buffer" | "indices">, { slots, tensors, nest }: Place) {
  const { data, extents, before } = tensorOf(buffer, tensors);
  invariant(indices.length === extents.length, `${buffer} has ${extents.length} dimensions and is written with ${indices.length} indices`);
  const evaluators = indices.map((index) => compileIndex(index, slots, (name) => tensorOf(name, tensors)));
  const locate = (point: number[]): number => {
    let position = 0;
    for (let d = 0; d < evaluators.length; d++) {
      const shifted = (evaluators[d] as Evaluator)(point) + (before[d] as number);
      const extent = extents[d] as number;
      invariant(shifted >= 0 && shifted < extent, `the nest ${nest} writes ${buffer} outside its extents`);
      position = position * extent + shifted;
    }
    return position;
  };
  return { data, locate };
}
