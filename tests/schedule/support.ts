/** Steps from text, an interpreter of single nests, and golden files. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { expect } from "vitest";
import { parseLoop } from "../../src/frontend/levels/loop.ts";
import { parseSource } from "../../src/frontend/parse.ts";
import { dtypes, elementCount } from "../../src/ir/dtype.ts";
import { combine, compileExpr, compileIndex, type TensorData, tensorData } from "../../src/ir/evaluate.ts";
import { dtypeOf } from "../../src/ir/expr.ts";
import type { LoopProgram, Nest, Statement } from "../../src/ir/loop.ts";
import { allocatedShape, type Buffer, memoryOf } from "../../src/ir/tensor.ts";
import { decompose } from "../../src/schedule/decompose.ts";
import type { Change, Context, Step } from "../../src/schedule/primitive.ts";
import { applyStep } from "../../src/schedule/primitives.ts";
import { concreteStep } from "../../src/schedule/step_expressions.ts";
import type { Diagnostic } from "../../src/support/diagnostic.ts";
import { invariant, unreachable } from "../../src/support/invariant.ts";
import { compileText } from "../support.ts";

export const stepsFile = "schedule.qn";

/** The file in which `stepsOf` finds its steps: one a line. */
export function stepsText(text: string): string {
  const lines = text.split(";").map((step) => step.trim());
  return `schedule s on wasm for y {\n${lines.map((step) => (step === "" ? "" : `  ${step}\n`)).join("")}}\n`;
}

/** `split m by 4; unroll m.i` */
export function stepsOf(text: string, context: Context): Step[] {
  const { value, diagnostics } = parseSource(stepsText(text), stepsFile);
  const [schedule] = value?.declarations ?? [];
  invariant(schedule?.kind === "schedule" && diagnostics.length === 0, `these steps do not parse: ${text}: ${diagnostics[0]?.message}`);
  return schedule.steps.map((step) => {
    invariant(step.kind === "step", "tests use plain steps");
    const { value: concrete } = concreteStep(step, new Map(), context);
    invariant(concrete, `no step: ${text}`);
    return concrete;
  });
}

/** The layer `y` of a model, or the only nest of a loop program's text, as lowered. */
export function contextOf(source: string): Context {
  const program = source.startsWith("quern loop") ? parsedLoop(source) : compileText(source).levels.loop("lower-to-loop");
  const nest = program.nests.find((candidate) => candidate.name === "y");
  invariant(nest, "the layer is called y");
  return {
    nest,
    buffers: new Map(program.buffers.map((buffer) => [buffer.name, buffer])),
    nests: program.nests,
    outputs: new Set(program.outputs.map(({ value }) => value)),
  };
}

function parsedLoop(text: string): LoopProgram {
  const { value, diagnostics } = parseLoop(text, "nest.txt");
  invariant(value && diagnostics.length === 0, `${diagnostics[0]?.message}\n${text}`);
  return value;
}

export type Applied = { readonly context: Context; readonly changes: readonly Change[]; readonly refusal?: Diagnostic };

/** All steps up to the first refusal. */
export function applySteps(steps: readonly Step[], context: Context): Applied {
  let current = context;
  const changes: Change[] = [];
  for (const step of steps) {
    const { value, diagnostics } = applyStep(step, current);
    if (!value) return { context: current, changes, refusal: diagnostics[0] as Diagnostic };
    changes.push(value);
    current = {
      ...current,
      nest: value.nest,
      buffers: new Map([...current.buffers, ...value.buffers.map((added) => [added.name, added] as const)]),
    };
  }
  return { context: current, changes };
}

/** Elements by buffer; buffers that lie in one arena, or in place of each other, share them. Every planned buffer has elements of 4 bytes. */
export type Memory = ReadonlyMap<string, TensorData>;

export function createMemory(buffers: Iterable<Buffer>, value: (buffer: string, element: number) => number): Memory {
  const all = [...buffers];
  const byName = new Map(all.map((buffer) => [buffer.name, buffer]));
  const own = new Map<string, Float64Array>();
  const end = Math.max(0, ...all.map((buffer) => (buffer.offset ?? 0) / 4 + elementCount(allocatedShape(buffer))));
  const arena = Float64Array.from({ length: end }, (_, i) => value("arena", i));
  return new Map(
    all.map((buffer): [string, TensorData] => {
      const extents = allocatedShape(buffer);
      const count = elementCount(extents);
      invariant(buffer.offset === undefined || dtypes[buffer.dtype].bytes === 4, "the arena has elements of 4 bytes");
      const start = (buffer.offset ?? 0) / 4;
      const memory = memoryOf(buffer.name, byName);
      const data =
        buffer.offset === undefined
          ? (own.get(memory) ?? Float64Array.from({ length: count }, (_, i) => value(memory, i)))
          : arena.subarray(start, start + count);
      if (buffer.offset === undefined) own.set(memory, data);
      return [buffer.name, { data, extents, shape: buffer.shape, before: buffer.halo?.before ?? extents.map(() => 0) }];
    }),
  );
}

/**
 * Runs a nest in place. Vectorised loops run four iterations in lockstep: every lane reads before any writes. Parallel loops run
 * backwards, for any order must do.
 */
export function interpret(nest: Nest, memory: Memory): void {
  execute(decompose(nest).body, new Map(), [[]], memory);
}

type Slots = ReadonlyMap<string, number>;
const lanes = 4;

function execute(statement: Statement, slots: Slots, points: readonly number[][], memory: Memory): void {
  const tensor = (name: string): TensorData => {
    const data = memory.get(name);
    invariant(data, `no memory for ${name}`);
    return data;
  };
  switch (statement.kind) {
    case "for": {
      const inner = new Map(slots).set(statement.name, slots.size);
      const width = statement.mode === "vectorize" ? Math.min(lanes, statement.extent) : 1;
      for (let count = 0; count < statement.extent; count += width) {
        const first = statement.mode === "parallel" ? statement.extent - 1 - count : count;
        const within = points.flatMap((point) => Array.from({ length: width }, (_, lane) => [...point, first + lane]));
        execute(statement.body, inner, within, memory);
      }
      break;
    }
    case "sequence":
      for (const inner of statement.statements) execute(inner, slots, points, memory);
      break;
    case "if": {
      const condition = compileExpr(statement.condition, slots, tensor);
      const passing = points.filter((point) => condition([...point]) !== 0);
      if (passing.length > 0) execute(statement.body, slots, passing, memory);
      break;
    }
    case "local": {
      // Contents that nothing has written yet are of no use to anyone.
      const tile = tensorData(new Float64Array(elementCount(statement.shape)).fill(Number.NaN), statement.shape);
      execute(statement.body, slots, points, new Map(memory).set(statement.name, tile));
      break;
    }
    case "store":
    case "accumulate": {
      const indices = statement.indices.map((index) => compileIndex(index, slots, tensor));
      const target = tensor(statement.buffer);
      const where = statement.kind === "accumulate" && statement.where ? compileExpr(statement.where, slots, tensor) : undefined;
      const value = compileExpr(statement.value, slots, tensor);
      const writes = points
        .filter((point) => where === undefined || where([...point]) !== 0)
        .map((point) => ({
          at: positionOf(
            target,
            indices.map((index) => index([...point])),
          ),
          value: value([...point]),
        }));
      const step = statement.kind === "accumulate" ? combine(statement.op, dtypeOf(statement.value)) : undefined;
      for (const write of writes) target.data[write.at] = step ? step(target.data[write.at] as number, write.value) : write.value;
      break;
    }
    case "reduce":
      throw new Error("reductions are decomposed before they are executed");
    default:
      unreachable(statement);
  }
}

function positionOf({ extents, before }: TensorData, indices: readonly number[]): number {
  return indices.reduce((position, index, d) => {
    const shifted = index + (before[d] ?? 0);
    invariant(shifted >= 0 && shifted < (extents[d] ?? 0), `a store at ${indices.join(", ")} is outside [${extents.join(", ")}]`);
    return position * (extents[d] ?? 0) + shifted;
  }, 0);
}

/** Compares with tests/schedule/goldens/NAME; UPDATE=1 writes it instead. */
export function expectGolden(name: string, text: string): void {
  const file = new URL(`goldens/${name}`, import.meta.url);
  const actual = text.endsWith("\n") ? text : `${text}\n`;
  if (process.env.UPDATE === "1") writeFileSync(file, actual);
  else expect(actual).toBe(existsSync(file) ? readFileSync(file, "utf8") : `no golden file ${name}: run with UPDATE=1`);
}
