/** Which buffers each nest of a loop program reads and writes, and where: what the arena's check needs to know. */
import { formatIndex, type Index } from "./affine.ts";
import { type Expr, indicesOf, tensorsRead, variablesOfExpr, visitExpr } from "./expr.ts";
import type { LoopProgram, Nest, Statement } from "./loop.ts";
import type { Buffer } from "./tensor.ts";
import { rootOf } from "./verify_buffers.ts";
import type { ArenaStep } from "./verify_in_place.ts";

/** One step for each result of the run: a border's nest and the one that fills the middle count as one. */
export function loopArenaSteps(program: LoopProgram, buffers: ReadonlyMap<string, Buffer>): ArenaStep[] {
  const steps: { writes: string; nests: Nest[] }[] = [];
  for (const nest of program.nests) {
    if (nest.phase !== "run") continue;
    const last = steps.at(-1);
    if (last?.writes === nest.result) last.nests.push(nest);
    else steps.push({ writes: nest.result, nests: [nest] });
  }
  return steps.map(({ writes, nests }) => {
    const reads = new Set(nests.flatMap((nest) => [...readsOf(nest.body)]));
    // A result that is read while it is made is no operand.
    reads.delete(writes);
    return { writes, reads, readsInPlace: (root) => nests.every((nest) => readsInPlace(nest.body, root, buffers)) };
  });
}

/** Every name that a statement reads, tiles and accumulators included. */
export function readsOf(statement: Statement): Set<string> {
  const names = new Set<string>();
  const visit = (inner: Statement): void => {
    for (const expr of valuesOf(inner)) for (const name of tensorsRead(expr)) names.add(name);
    for (const child of childStatements(inner)) visit(child);
  };
  visit(statement);
  return names;
}

/** Every name that a statement writes, tiles included. */
export function writesOf(statement: Statement): Set<string> {
  const names = new Set(childStatements(statement).flatMap((child) => [...writesOf(child)]));
  if ("buffer" in statement) names.add(statement.buffer);
  return names;
}

/** The loop variables in a statement's expressions and indices. */
export function variablesUsed(statement: Statement): Set<string> {
  const names = new Set(childStatements(statement).flatMap((child) => [...variablesUsed(child)]));
  for (const value of valuesOf(statement)) for (const name of variablesOfExpr(value)) names.add(name);
  return names;
}

export function childStatements(statement: Statement): readonly Statement[] {
  switch (statement.kind) {
    case "for":
    case "if":
    case "local":
      return [statement.body];
    case "sequence":
      return statement.statements;
    case "store":
    case "reduce":
    case "accumulate":
      return [];
  }
}

/** Every expression directly in a statement, the indices of what it writes among them. */
export function valuesOf(statement: Statement): readonly Expr[] {
  const asExprs = (indices: readonly Index[]) => indices.map((index): Expr => ({ kind: "index", index }));
  switch (statement.kind) {
    case "store":
      return [...asExprs(statement.indices), statement.value];
    case "reduce":
      return [...asExprs(statement.indices), statement.value, statement.finish, ...(statement.where ? [statement.where] : [])];
    case "accumulate":
      return [...asExprs(statement.indices), statement.value, ...(statement.where ? [statement.where] : [])];
    case "if":
      return [statement.condition];
    case "for":
    case "sequence":
    case "local":
      return [];
  }
}

/**
 * Whether that memory is read only at the element that is written, by the statement that writes it. Once a nest keeps
 * tiles the question is one of order, which the schedule's own proof answers.
 */
function readsInPlace(statement: Statement, root: string, buffers: ReadonlyMap<string, Buffer>): boolean {
  if (statement.kind === "local") return true;
  const own = valuesOf(statement);
  const touches = own.some((expr) => [...tensorsRead(expr)].some((name) => rootOf(name, buffers) === root));
  if (!touches) return childStatements(statement).every((child) => readsInPlace(child, root, buffers));
  const place = statement.kind === "store" || statement.kind === "reduce" ? textOf(statement.indices) : undefined;
  const final = statement.kind === "store" ? statement.value : statement.kind === "reduce" ? statement.finish : undefined;
  return own.every((expr) => {
    let fine = true;
    visitExpr(expr, (inner) => {
      for (const index of indicesOf(inner))
        fine &&= ![...tensorsRead({ kind: "index", index })].some((name) => rootOf(name, buffers) === root);
      if (inner.kind === "read" && rootOf(inner.tensor, buffers) === root)
        fine &&= expr === final && inner.tensor === root && !inner.otherwise && textOf(inner.indices) === place;
    });
    return fine;
  });
}

function textOf(indices: readonly Index[]): string {
  return indices.map(formatIndex).join(", ");
}
