/** Finding and rebuilding parts of a loop nest. Nests are immutable: every change makes a new path from the root. */
import { type Index, noRanges, type Ranges, substitute, variableIndex } from "../ir/affine.ts";
import { constantExpr, type Expr, mapExpr, substituteVariables } from "../ir/expr.ts";
import type { For, Reduce, Statement } from "../ir/loop.ts";
import { unreachable } from "../support/invariant.ts";

/** A statement that computes, and what encloses it, outermost first. */
export type Leaf = {
  readonly statement: Extract<Statement, { kind: "store" | "reduce" | "accumulate" }>;
  readonly loops: readonly For[];
  readonly guards: readonly Expr[];
  /** Tiles in scope, and how many of the loops are around each: every iteration of those has its own. */
  readonly locals: ReadonlyMap<string, number>;
};

export function leavesOf(statement: Statement): Leaf[] {
  return collectLeaves(statement, { loops: [], guards: [], locals: new Map() });
}

function collectLeaves(statement: Statement, around: Omit<Leaf, "statement">): Leaf[] {
  switch (statement.kind) {
    case "for":
      return collectLeaves(statement.body, { ...around, loops: [...around.loops, statement] });
    case "sequence":
      return statement.statements.flatMap((inner) => collectLeaves(inner, around));
    case "if":
      return collectLeaves(statement.body, { ...around, guards: [...around.guards, statement.condition] });
    case "local":
      return collectLeaves(statement.body, { ...around, locals: new Map(around.locals).set(statement.name, around.loops.length) });
    case "store":
    case "reduce":
    case "accumulate":
      return [{ statement, ...around }];
    default:
      return unreachable(statement);
  }
}

/** The expressions of a statement that computes. */
export function valuesOf(statement: Leaf["statement"]): Expr[] {
  const where = statement.kind !== "store" && statement.where ? [statement.where] : [];
  return [statement.value, ...where, ...(statement.kind === "reduce" ? [statement.finish] : [])];
}

/** All loops, outermost first. */
export function loopsOf(statement: Statement): For[] {
  switch (statement.kind) {
    case "for":
      return [statement, ...loopsOf(statement.body)];
    case "sequence":
      return statement.statements.flatMap(loopsOf);
    case "if":
    case "local":
      return loopsOf(statement.body);
    default:
      return [];
  }
}

export function findLoop(statement: Statement, name: string): For | undefined {
  return loopsOf(statement).find((loop) => loop.name === name);
}

/** The first reduction whose order is still open. */
export function findReduce(statement: Statement): Reduce | undefined {
  return leavesOf(statement).flatMap((leaf) => (leaf.statement.kind === "reduce" ? [leaf.statement] : []))[0];
}

/** Rebuilds a statement from its immediate children. */
export function mapStatement(statement: Statement, change: (inner: Statement) => Statement): Statement {
  switch (statement.kind) {
    case "for":
    case "if":
    case "local":
      return { ...statement, body: change(statement.body) };
    case "sequence":
      return { ...statement, statements: statement.statements.map(change) };
    case "store":
    case "reduce":
    case "accumulate":
      return statement;
    default:
      return unreachable(statement);
  }
}

/** Replaces a statement of the tree, that very one. */
export function replaceStatement(statement: Statement, old: Statement, by: Statement): Statement {
  return statement === old ? by : mapStatement(statement, (inner) => replaceStatement(inner, old, by));
}

/** Replaces the loop of that name. */
export function replaceLoop(statement: Statement, name: string, replace: (loop: For) => Statement): Statement {
  if (statement.kind === "for" && statement.name === name) return replace(statement);
  return mapStatement(statement, (inner) => replaceLoop(inner, name, replace));
}

/** Changes every index and expression of the statements that compute. */
export function mapLeaves(statement: Statement, mapIndex: (index: Index) => Index, mapValue: (expr: Expr) => Expr): Statement {
  const go = (inner: Statement): Statement => mapLeaves(inner, mapIndex, mapValue);
  switch (statement.kind) {
    case "for":
    case "sequence":
    case "local":
      return mapStatement(statement, go);
    case "if":
      return { ...statement, condition: mapValue(statement.condition), body: go(statement.body) };
    case "store":
      return { ...statement, indices: statement.indices.map(mapIndex), value: mapValue(statement.value) };
    case "accumulate":
      return {
        ...statement,
        indices: statement.indices.map(mapIndex),
        value: mapValue(statement.value),
        ...(statement.where ? { where: mapValue(statement.where) } : {}),
      };
    case "reduce":
      return {
        ...statement,
        indices: statement.indices.map(mapIndex),
        value: mapValue(statement.value),
        finish: mapValue(statement.finish),
        ...(statement.where ? { where: mapValue(statement.where) } : {}),
      };
    default:
      return unreachable(statement);
  }
}

/** Replaces loop variables by indices, simplified under the ranges of the new variables. */
export function substituteInStatement(
  statement: Statement,
  replace: (name: string) => Index | undefined,
  ranges: Ranges = noRanges,
): Statement {
  return mapLeaves(
    statement,
    (index) => substitute(index, replace, ranges),
    (expr) => substituteVariables(expr, replace, ranges),
  );
}

/** Renames loops and every use of their variables. */
export function renameLoops(statement: Statement, rename: (name: string) => string): Statement {
  const renamed = renameHeaders(statement, rename);
  return substituteInStatement(renamed, (name) => variableIndex(rename(name)));
}

function renameHeaders(statement: Statement, rename: (name: string) => string): Statement {
  const inner = mapStatement(statement, (body) => renameHeaders(body, rename));
  if (inner.kind === "for") return { ...inner, name: rename(inner.name) };
  return inner.kind === "reduce" ? { ...inner, over: inner.over.map(rename) } : inner;
}

export function mapReads(expr: Expr, change: (read: Extract<Expr, { kind: "read" }>) => Expr): Expr {
  const mapped = mapExpr(
    expr,
    (child) => mapReads(child, change),
    (index) => index,
  );
  return mapped.kind === "read" ? change(mapped) : mapped;
}

/** A guard: the index against a constant. */
export function compared(operation: "ge" | "lt", index: Index, limit: number): Expr {
  return { kind: "apply", function: operation, args: [{ kind: "index", index }, constantExpr("i32", limit)], dtype: "bool" };
}

export function rangesOfLoops(loops: readonly For[]): Ranges {
  const extents = new Map(loops.map((loop) => [loop.name, loop.extent]));
  return {
    variable: (name) => {
      const extent = extents.get(name);
      return extent === undefined ? undefined : { low: 0, high: extent - 1 };
    },
  };
}
