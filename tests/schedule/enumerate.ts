/** Dependences by brute force: every instance of every statement in order of execution, and what it touches. */
import { evaluateIndex, type Index, visitAtoms } from "../../src/ir/affine.ts";
import { type Expr, indicesOf, visitExpr } from "../../src/ir/expr.ts";
import type { Nest, Statement } from "../../src/ir/loop.ts";
import type { Buffer } from "../../src/ir/tensor.ts";
import { invariant } from "../../src/support/invariant.ts";

type Leaf = Extract<Statement, { kind: "store" | "accumulate" | "reduce" }>;
type Touch = { readonly tensor: string; readonly place: string; readonly writes: boolean };

export type Instance = {
  readonly leaf: Leaf;
  /** Names of the loops around, outermost first, and their values. */
  readonly loops: readonly string[];
  readonly values: readonly number[];
  readonly touches: readonly Touch[];
  /** What the value is computed from: equal operands give equal values. */
  readonly operands: string;
};

export type Conflict = { readonly first: Instance; readonly second: Instance };

/** In order of execution. Guards that fail leave instances out, and so does `where`. */
export function instancesOf(nest: Nest, buffers: ReadonlyMap<string, Buffer>): Instance[] {
  const found: Instance[] = [];
  // Every iteration of the loops around a tile has a tile of its own.
  const visit = (statement: Statement, loops: readonly string[], values: readonly number[], tiles: Tiles = new Map()): void => {
    const at = (index: Index) =>
      evaluateIndex(
        index,
        (name) => values[loops.indexOf(name)] ?? Number.NaN,
        () => Number.NaN,
      );
    switch (statement.kind) {
      case "for":
        for (let i = 0; i < statement.extent; i++) visit(statement.body, [...loops, statement.name], [...values, i], tiles);
        break;
      case "sequence":
        for (const inner of statement.statements) visit(inner, loops, values, tiles);
        break;
      case "if":
        if (holds(statement.condition, at)) visit(statement.body, loops, values, tiles);
        break;
      case "local":
        visit(statement.body, loops, values, new Map(tiles).set(statement.name, `${statement.name} ${values.join()}`));
        break;
      default:
        if (statement.kind === "store" || !statement.where || holds(statement.where, at))
          found.push({ leaf: statement, loops, values, ...touchesOf(statement, at, buffers, tiles) });
    }
  };
  visit(nest.body, [], []);
  return found;
}

type Tiles = ReadonlyMap<string, string>;

function touchesOf(leaf: Leaf, at: (index: Index) => number, buffers: ReadonlyMap<string, Buffer>, tiles: Tiles) {
  const place = (tensor: string, indices: readonly Index[]): string => {
    const tile = tiles.get(tensor);
    if (tile !== undefined) return `${tile} ${indices.map(at).join()}`;
    const buffer = buffers.get(tensor);
    invariant(buffer, `no buffer ${tensor}`);
    return `${buffer.offset} ${indices.map(at).join()}`;
  };
  const touches: Touch[] = [{ tensor: leaf.buffer, place: place(leaf.buffer, leaf.indices), writes: true }];
  const operands: (number | string)[] = [];
  visitExpr(leaf.value, (expr) => {
    for (const index of indicesOf(expr)) {
      operands.push(at(index));
      visitAtoms(index, (atom) => invariant(atom.kind !== "read", "index tensors are not enumerated"));
    }
    // One place in two tiles holds two values.
    if (expr.kind === "read") operands.push(tiles.get(expr.tensor) ?? "");
    if (expr.kind === "read") touches.push({ tensor: expr.tensor, place: place(expr.tensor, expr.indices), writes: false });
  });
  return { touches, operands: operands.join() };
}

function holds(condition: Expr, at: (index: Index) => number): boolean {
  invariant(condition.kind === "apply", "guards compare");
  const [a, b] = condition.args.map((arg) => (arg.kind === "index" ? at(arg.index) : arg.kind === "constant" ? arg.value : Number.NaN));
  invariant(a !== undefined && b !== undefined, "guards compare two numbers");
  switch (condition.function) {
    case "lt":
      return a < b;
    case "le":
      return a <= b;
    case "gt":
      return a > b;
    case "ge":
      return a >= b;
    default:
      throw new Error(`no guard ${condition.function}`);
  }
}

/** Pairs that must keep their order; run at once, accumulations meet too. */
export function conflictsOf(instances: readonly Instance[], execution: "order" | "at once"): Conflict[] {
  const found: Conflict[] = [];
  instances.forEach((second, j) => {
    for (let i = 0; i < j; i++) {
      const first = instances[i] as Instance;
      const isOrdered = first.touches.some((a) =>
        second.touches.some((b) => (a.writes || b.writes) && a.place === b.place && !mayChangePlaces(first, a, second, b, execution)),
      );
      if (isOrdered) found.push({ first, second });
    }
  });
  return found;
}

function mayChangePlaces(first: Instance, a: Touch, second: Instance, b: Touch, execution: "order" | "at once"): boolean {
  if (!a.writes || !b.writes) return false;
  const [one, other] = [first.leaf, second.leaf];
  if (one.kind === "accumulate" && other.kind === "accumulate")
    return execution === "order" && one.op === other.op && one.buffer === other.buffer;
  return one === other && one.kind === "store" && first.operands === second.operands;
}

/** How many loops the two instances share. */
export function commonDepth({ first, second }: Conflict): number {
  const differ = first.loops.findIndex((name, depth) => name !== second.loops[depth]);
  return differ < 0 ? first.loops.length : differ;
}

/** `i,j: <,>` for every conflict between different iterations. */
export function directionVectors(conflicts: readonly Conflict[]): Set<string> {
  return new Set(
    conflicts.flatMap((conflict) => {
      const depth = commonDepth(conflict);
      const directions = conflict.first.values.slice(0, depth).map((value, d) => {
        const other = conflict.second.values[d] as number;
        return value < other ? "<" : value > other ? ">" : "=";
      });
      if (directions.every((direction) => direction === "=")) return [];
      return [`${conflict.first.loops.slice(0, depth).join()}: ${directions.join()}`];
    }),
  );
}
