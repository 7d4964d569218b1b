/** Random nests over a few buffers, some of which share memory; and everything that one execution of them touches. */
import {
  add,
  constantIndex,
  floordiv,
  type Index,
  larger,
  mod,
  offset,
  rangeOf,
  scale,
  smaller,
  variableIndex,
} from "../../src/ir/affine.ts";
import { constantExpr, type Expr } from "../../src/ir/expr.ts";
import type { For, Nest, Statement } from "../../src/ir/loop.ts";
import type { Buffer } from "../../src/ir/tensor.ts";
import { rangesOfLoops } from "../../src/schedule/nest.ts";
import type { Random } from "../../src/support/random.ts";

/** a and b lie apart, c lies where b does; p is a plane, t an index tensor's worth of room. */
const side = 20;
const plane = 10;
const list: readonly Buffer[] = [
  { name: "a", dtype: "i32", shape: [side], role: { kind: "temporary" }, offset: 0 },
  { name: "b", dtype: "i32", shape: [side], role: { kind: "temporary" }, offset: side * 4 },
  { name: "c", dtype: "i32", shape: [side], role: { kind: "temporary" }, offset: side * 4 },
  { name: "p", dtype: "i32", shape: [plane, plane], role: { kind: "temporary" }, offset: side * 8 },
  { name: "x", dtype: "i32", shape: [side], role: { kind: "input" }, offset: side * 8 + plane * plane * 4 },
];
export const buffers: ReadonlyMap<string, Buffer> = new Map(list.map((buffer) => [buffer.name, buffer]));

export type NestOptions = {
  /** Loop extents are drawn from these. */
  readonly extents: readonly number[];
  /** One statement in the innermost of all loops, with nothing between them. */
  readonly perfect?: boolean;
  /** Division, modulus, smaller and larger in indices. */
  readonly quasiAffine?: boolean;
};

export function randomNest(random: Random, options: NestOptions): Nest {
  const names = ["i", "j", "k"].slice(0, random.integer(1, 3));
  const body = options.perfect ? perfect(random, names, options) : imperfect(random, names, [], options);
  return { name: "nest", phase: "run", result: "a", trace: [], body };
}

function perfect(random: Random, names: readonly string[], options: NestOptions): Statement {
  const loops = names.map((name) => forLoop(name, random.pick(options.extents)));
  return loops.reduceRight<Statement>((body, loop) => ({ ...loop, body }), leaf(random, loops, options));
}

/** Statements before, inside and after the next loop; now and then a guard around it. */
function imperfect(random: Random, names: readonly string[], around: readonly For[], options: NestOptions): Statement {
  const [name, ...rest] = names;
  if (name === undefined) return several(random, () => leaf(random, around, options));
  const loop = forLoop(name, random.pick(options.extents));
  const inner: Statement = { ...loop, body: imperfect(random, rest, [...around, loop], options) };
  const guarded: Statement =
    around.length > 0 && random.uniform() < 0.15 ? { kind: "if", condition: guard(random, around), body: inner } : inner;
  const before = around.length > 0 && random.uniform() < 0.25 ? [leaf(random, around, options)] : [];
  const after = around.length > 0 && random.uniform() < 0.25 ? [leaf(random, around, options)] : [];
  return before.length + after.length === 0 ? guarded : { kind: "sequence", statements: [...before, guarded, ...after] };
}

function several(random: Random, make: () => Statement): Statement {
  const count = random.uniform() < 0.3 ? 2 : 1;
  const [only, ...others] = Array.from({ length: count }, make);
  return others.length === 0 ? (only as Statement) : { kind: "sequence", statements: [only as Statement, ...others] };
}

function forLoop(name: string, extent: number): For {
  return { kind: "for", name, extent, mode: "serial", body: { kind: "sequence", statements: [] } };
}

function leaf(random: Random, loops: readonly For[], options: NestOptions): Statement {
  const target = random.pick(["a", "a", "b", "c", "p"]);
  const indices = indicesInto(random, target, loops, options);
  const value = randomValue(random, loops, options);
  const made: Statement =
    random.uniform() < 0.65
      ? { kind: "store", buffer: target, indices, value }
      : {
          kind: "accumulate",
          buffer: target,
          indices,
          op: random.pick(["sum", "sum", "prod"] as const),
          value,
          ...(random.uniform() < 0.3 && loops.length > 0 ? { where: guard(random, loops) } : {}),
        };
  return random.uniform() < 0.1 && loops.length > 0 ? { kind: "if", condition: guard(random, loops), body: made } : made;
}

function randomValue(random: Random, loops: readonly For[], options: NestOptions): Expr {
  const read = (): Expr => {
    const tensor = random.pick(["a", "b", "c", "p", "x", "x"]);
    return { kind: "read", tensor, indices: indicesInto(random, tensor, loops, options), dtype: "i32" };
  };
  const kind = random.uniform();
  if (kind < 0.1) return constantExpr("i32", random.integer(1, 3));
  if (kind < 0.2) return { kind: "index", index: randomIndex(random, loops, options) };
  if (kind < 0.6) return read();
  return { kind: "apply", function: random.pick(["add", "mul"] as const), args: [read(), read()], dtype: "i32" };
}

function guard(random: Random, loops: readonly For[]): Expr {
  const index = randomIndex(random, loops, { extents: [] });
  const { low, high } = rangeOf(index, rangesOfLoops(loops));
  const condition = (limit: number): Expr => ({
    kind: "apply",
    function: random.pick(["lt", "ge", "le", "gt"] as const),
    args: [{ kind: "index", index }, constantExpr("i32", limit)],
    dtype: "bool",
  });
  return condition(random.integer(low, high));
}

function indicesInto(random: Random, tensor: string, loops: readonly For[], options: NestOptions): Index[] {
  const shape = buffers.get(tensor)?.shape ?? [];
  return shape.map((extent) => inside(random, randomIndex(random, loops, options), extent, loops));
}

/** The index moved into the dimension; one that reaches too far becomes one loop's variable, or 0. */
function inside(random: Random, index: Index, extent: number, loops: readonly For[]): Index {
  const { low, high } = rangeOf(index, rangesOfLoops(loops));
  const room = extent - 1 - (high - low);
  if (room >= 0) return offset(index, -low + Math.min(room, random.integer(0, 2)));
  const loop = loops.find((candidate) => candidate.extent <= extent);
  return loop ? variableIndex(loop.name) : constantIndex(0);
}

function randomIndex(random: Random, loops: readonly For[], { quasiAffine }: NestOptions): Index {
  let index = constantIndex(0);
  const terms = random.pick([0, 1, 1, 1, 2, 2]);
  for (let i = 0; i < terms && loops.length > 0; i++)
    index = add(index, scale(variableIndex(random.pick(loops).name), random.pick([1, 1, 1, -1, 2, -2, 3])));
  if (!quasiAffine || random.uniform() < 0.6) return index;
  const ranges = rangesOfLoops(loops);
  const by = random.integer(2, 4);
  const bent = random.pick([
    () => floordiv(index, by, ranges),
    () => mod(index, by, ranges),
    () => smaller(index, constantIndex(random.integer(0, 3)), ranges),
    () => larger(index, constantIndex(random.integer(0, 3)), ranges),
  ])();
  const other = loops.length > 0 && random.uniform() < 0.4 ? variableIndex(random.pick(loops).name) : constantIndex(0);
  return add(bent, other);
}

/** A reduction under 2 to 4 loops, in any order; what it reads may lie where it writes. */
export function randomReduction(random: Random, options: NestOptions): Nest {
  const loops = ["i", "j", "k", "l"].slice(0, random.integer(2, 4)).map((name) => forLoop(name, random.pick(options.extents)));
  const over = loops.filter(() => random.uniform() < 0.5).map((loop) => loop.name);
  const parallel = loops.filter((loop) => !over.includes(loop.name));
  const target = random.pick(["a", "b", "c", "p"]);
  const accumulator = "acc";
  const raw: Expr = { kind: "read", tensor: accumulator, indices: [], dtype: "i32" };
  const statement: Statement = {
    kind: "reduce",
    buffer: target,
    indices: indicesInto(random, target, parallel, options),
    dtype: "i32",
    op: random.pick(["sum", "sum", "max"] as const),
    over,
    value: randomValue(random, loops, options),
    ...(random.uniform() < 0.2 ? { where: guard(random, loops) } : {}),
    accumulator,
    finish:
      random.uniform() < 0.5 ? raw : { kind: "apply", function: "add", args: [raw, randomValue(random, parallel, options)], dtype: "i32" },
  };
  const body = loops.reduceRight<Statement>((inner, loop) => ({ ...loop, body: inner }), statement);
  return { name: "nest", phase: "run", result: target, trace: [], body };
}

export function shuffled<T>(random: Random, items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, key: random.uniform() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
