/** Invariants of the loop level. docs/levels.md lists them with their codes. */
import type { Diagnostic } from "../support/diagnostic.ts";
import { formatIndex, type Index, visitAtoms } from "./affine.ts";
import { type DType, dtypes } from "./dtype.ts";
import { dtypeOf, type Expr, indicesOf, tensorsRead, visitExpr } from "./expr.ts";
import { type For, isGridAxis, isInvocation, type LoopProgram, type Nest, type Reduce, type Statement, type TileScope } from "./loop.ts";
import { loopArenaSteps, readsOf, variablesUsed, writesOf } from "./loop_accesses.ts";
import { type Buffer, isPart } from "./tensor.ts";
import { checkArena } from "./verify_arena.ts";
import { checkBuffers, readableOf, rootOf } from "./verify_buffers.ts";
import { checkExpr, checkIndices, type ExprContext, type Readable, requireBool } from "./verify_expr.ts";
import { checkInPlace } from "./verify_in_place.ts";
import { createReport, isShape, type Report, requireUnique } from "./verify_report.ts";

export function verifyLoop(program: LoopProgram): Diagnostic[] {
  const report = createReport();
  const buffers = checkBuffers(program, report);
  requireUnique(
    program.nests.map((nest) => nest.name),
    "nest-twice",
    "the nest",
    report,
  );
  const state: ProgramState = {
    report,
    buffers,
    given: new Set(program.buffers.filter(({ role }) => role.kind !== "temporary" && role.kind !== "derived").map((buffer) => buffer.name)),
    stored: new Set(),
    built: new Set(),
  };
  for (const nest of program.nests) checkNest(nest, state);
  for (const { name } of program.buffers) {
    const root = rootOf(name, buffers);
    if (!state.given.has(root) && !state.stored.has(root)) report.add("not-written", `no nest writes \`${name}\``);
  }
  const steps = loopArenaSteps(program, buffers);
  checkInPlace(program, steps, buffers, report);
  checkArena(program, steps, buffers, report);
  return report.diagnostics;
}

/** What is known when a nest begins; `stored` and `built` grow as nests go by. */
type ProgramState = {
  readonly report: Report;
  readonly buffers: ReadonlyMap<string, Buffer>;
  readonly given: ReadonlySet<string>;
  readonly stored: Set<string>;
  /** Buffers that are written at build time. */
  readonly built: Set<string>;
};

type Loop = { readonly name: string; readonly extent: number; readonly mode: string };
type Tile = {
  readonly scope: TileScope;
  readonly readable: Readable /** How many loops are outside. */;
  readonly depth: number;
};

type Scope = {
  readonly nest: Nest;
  readonly state: ProgramState;
  readonly loops: readonly Loop[];
  readonly tiles: ReadonlyMap<string, Tile>;
  readonly guarded: boolean;
};

function checkNest(nest: Nest, state: ProgramState): void {
  const { report, buffers, given } = state;
  const buffer = buffers.get(nest.result);
  if (!buffer) report.add("nest-result", `the nest \`${nest.name}\` computes \`${nest.result}\`, which is no buffer`);
  else if (given.has(nest.result) || (buffer.aliasOf !== undefined && !isPart(buffer)))
    report.add(
      "nest-result",
      `the nest \`${nest.name}\` computes \`${nest.result}\`, which is ${buffer.aliasOf ? "an alias" : `of the role ${buffer.role.kind}`}`,
    );
  if (nest.phase === "build") state.built.add(nest.result);
  checkStatement(nest.body, { nest, state, loops: [], tiles: new Map(), guarded: false });
}

function checkStatement(statement: Statement, scope: Scope): void {
  const { report } = scope.state;
  const where = `the nest \`${scope.nest.name}\``;
  switch (statement.kind) {
    case "for": {
      const { name, extent, mode } = statement;
      if (scope.loops.some((loop) => loop.name === name))
        report.add("loop-twice", `${where} has the loop \`${name}\` inside a loop of that name`);
      if (!isShape([extent])) report.add("loop-extent", `${where}: the loop \`${name}\` has extent ${extent}`);
      if (mode === "vectorize" && extent % 4 !== 0)
        report.add("vectorize-extent", `${where}: \`${name}\` is vectorised and runs over ${extent}, which is no multiple of 4 lanes`);
      const outer = scope.loops.find((loop) => loop.mode === "vectorize");
      if (mode === "vectorize" && outer)
        report.add("vectorize-nested", `${where}: \`${name}\` is vectorised inside \`${outer.name}\`, which is too`);
      if (isGridAxis(mode) && scope.loops.some((around) => around.mode === mode))
        report.add("bind-twice", `${where}: \`${name}\` is bound to ${mode}, as is a loop around it`);
      if (mode === "cooperative") checkCooperative(statement, scope);
      checkStatement(statement.body, { ...scope, loops: [...scope.loops, { name, extent, mode }] });
      return;
    }
    case "sequence":
      for (const inner of statement.statements) checkStatement(inner, scope);
      return;
    case "store":
      checkTarget(statement.buffer, statement.indices, dtypeOf(statement.value), scope);
      checkValue(statement.value, scope);
      return;
    case "accumulate": {
      checkTarget(statement.buffer, statement.indices, dtypeOf(statement.value), statement.where ? { ...scope, guarded: true } : scope);
      if (statement.where) checkPredicate(statement.where, scope);
      checkValue(statement.value, statement.where ? { ...scope, guarded: true } : scope);
      return;
    }
    case "reduce":
      checkReduce(statement, scope);
      return;
    case "if":
      checkPredicate(statement.condition, scope);
      checkStatement(statement.body, { ...scope, guarded: true });
      return;
    case "local": {
      const { name, dtype, shape } = statement;
      if (scope.state.buffers.has(name) || scope.tiles.has(name))
        report.add("local-name", `${where}: the tile \`${name}\` has the name of something else in scope`);
      if (!isShape(shape)) report.add("type-extent", `${where}: the tile \`${name}\` has extents [${shape.join(", ")}]`);
      const tile: Tile = { scope: statement.scope, readable: { dtype, shape }, depth: scope.loops.length };
      checkStatement(statement.body, { ...scope, tiles: new Map(scope.tiles).set(name, tile) });
      return;
    }
  }
}

/** Whoever has an iteration of a cooperative loop does the same: what only one invocation has takes no part, and only what all share is written. */
function checkCooperative({ name, body }: For, { state, nest, loops, tiles }: Scope): void {
  const complain = (message: string) => state.report.add("cooperative-loop", `the nest \`${nest.name}\`: \`${name}\` ${message}`);
  if (loops.some((outer) => outer.mode === "cooperative")) complain("is cooperative inside a loop that is, too");
  const own = new Set(loops.filter(({ mode }) => isInvocation(mode)).map((loop) => loop.name));
  const isOwn = (tile: string) => (tiles.get(tile)?.scope ?? "workgroup") !== "workgroup";
  const written = writesOf(body);
  for (const used of [...variablesUsed(body)].filter((variable) => own.has(variable)))
    complain(`is cooperative and uses \`${used}\`, which each invocation has its own of`);
  for (const used of [...new Set([...readsOf(body), ...written])].filter(isOwn))
    complain(`is cooperative and uses \`${used}\`, which each invocation has its own of`);
  for (const target of [...written].filter((name) => state.buffers.has(name)))
    complain(`is cooperative and writes \`${target}\`, which is no tile that the workgroup shares`);
}

/** A store goes to the nest's result or to a tile around it. */
function checkTarget(name: string, indices: readonly Index[], dtype: DType, scope: Scope): void {
  const { state, nest, tiles } = scope;
  const tile = tiles.get(name);
  const buffer = state.buffers.get(name);
  const target = tile?.readable ?? (buffer && readableOf(buffer));
  if (!target) {
    state.report.add("unknown-tensor", `the nest \`${nest.name}\` writes \`${name}\`, which nothing defines here`);
    return;
  }
  if (!tile) {
    if (name !== nest.result)
      state.report.add("store-target", `the nest \`${nest.name}\` computes \`${nest.result}\` and writes \`${name}\``);
    state.stored.add(rootOf(name, state.buffers));
  }
  if (target.dtype !== dtype)
    state.report.add("store-dtype", `the nest \`${nest.name}\` writes ${dtype} to \`${name}\`, which holds ${target.dtype}`);
  checkIndices(name, indices, target, "writes", contextOf(scope));
  if (!tile) return;
  checkTileIndices(name, indices, tile, scope);
  const outer = scope.loops.slice(0, tile.depth).find(({ mode }) => isInvocation(mode));
  if (tile.scope === "workgroup" && outer && !scope.loops.slice(tile.depth).some(({ mode }) => mode === "cooperative"))
    state.report.add(
      "workgroup-tile",
      `the nest \`${nest.name}\`: every iteration of \`${outer.name}\` writes \`${name}\`, which the workgroup shares; a cooperative loop writes it once`,
    );
}

function checkValue(value: Expr, scope: Scope, extra?: { readonly name: string; readonly readable: Readable }): void {
  const context = contextOf(scope);
  checkExpr(value, extra ? { ...context, tensor: (name) => (name === extra.name ? extra.readable : context.tensor(name)) } : context);
  checkReads(value, scope, extra?.name);
}

function checkPredicate(predicate: Expr, scope: Scope): void {
  checkValue(predicate, scope);
  requireBool(predicate, "a guard", contextOf(scope));
}

/** What is read holds something by now, at the time the nest runs; registers are indexed by constants. */
function checkReads(value: Expr, scope: Scope, accumulator: string | undefined): void {
  const { state, nest, tiles } = scope;
  visitExpr(value, (expr) => {
    if (expr.kind === "read") {
      const tile = tiles.get(expr.tensor);
      if (tile) checkTileIndices(expr.tensor, expr.indices, tile, scope);
    }
    for (const index of indicesOf(expr))
      visitAtoms(index, (atom) => {
        const tile = atom.kind === "read" ? tiles.get(atom.tensor) : undefined;
        if (atom.kind === "read" && tile) checkTileIndices(atom.tensor, atom.indices, tile, scope);
      });
  });
  for (const name of tensorsRead(value)) {
    const buffer = state.buffers.get(name);
    if (name === accumulator || tiles.has(name) || !buffer) continue;
    const root = rootOf(name, state.buffers);
    if (!state.given.has(root) && !state.stored.has(root))
      state.report.add("used-before-written", `the nest \`${nest.name}\` reads \`${name}\` before it is written`);
    const atRun = buffer.role.kind === "input" || (!state.given.has(root) && !state.built.has(root));
    if (nest.phase === "build" && atRun)
      state.report.add(
        "build-reads-run",
        `the nest \`${nest.name}\` runs at build time and reads \`${name}\`, which is known at run time only`,
      );
  }
}

/** Loops outside the tile do not change while it lives: those inside that index it must be gone once loops are unrolled. */
function checkTileIndices(name: string, indices: readonly Index[], tile: Tile, scope: Scope): void {
  if (tile.scope !== "register") return;
  const constant = new Set(
    scope.loops
      .slice(tile.depth)
      .filter(({ mode, extent }) => mode === "unroll" || mode === "vectorize" || extent <= 1)
      .map((loop) => loop.name),
  );
  for (const index of indices)
    visitAtoms(index, (atom) => {
      if (atom.kind === "read" || (atom.kind === "variable" && !constant.has(atom.name)))
        scope.state.report.add(
          "register-index",
          `the nest \`${scope.nest.name}\`: \`${name}\` is in registers, and \`${formatIndex(index)}\` is not constant once loops are unrolled`,
        );
    });
}

function checkReduce(statement: Reduce, scope: Scope): void {
  const { state, nest, loops, tiles } = scope;
  const { report } = state;
  const where = `the nest \`${nest.name}\``;
  const { accumulator, dtype, over } = statement;
  requireUnique(over, "over-twice", `${where} reduces over the loop`, report);
  for (const name of over) {
    const loop = loops.find((outer) => outer.name === name);
    if (!loop) report.add("over-outside", `${where} reduces over \`${name}\`, which is no loop around the reduction`);
    if (loop?.mode === "vectorize") report.add("vectorize-reduce", `${where} reduces over \`${name}\`, which is vectorised`);
  }
  const outermost = loops.findIndex((loop) => over.includes(loop.name));
  const tile = tiles.get(statement.buffer);
  if (tile && outermost >= 0 && tile.depth > outermost)
    report.add("reduce-target", `${where} reduces into the tile \`${statement.buffer}\`, which is gone before the reduction is whole`);
  if (state.buffers.has(accumulator) || tiles.has(accumulator))
    report.add("accumulator-name", `${where}: the accumulator \`${accumulator}\` has the name of something else in scope`);
  // The result and what finishes it are the same at every point that is reduced over.
  const kept = { ...scope, loops: loops.filter((loop) => !over.includes(loop.name)) };
  checkTarget(statement.buffer, statement.indices, dtypeOf(statement.finish), kept);
  checkValue(statement.finish, kept, { name: accumulator, readable: { dtype, shape: [] } });
  if (statement.where) checkPredicate(statement.where, scope);
  checkValue(statement.value, statement.where ? { ...scope, guarded: true } : scope);
  const value = dtypeOf(statement.value);
  if (value !== dtype) report.add("reduce-dtype", `${where} reduces ${value} into an accumulator of ${dtype}`);
  if (dtypes[dtype].kind === "bool") report.add("reduce-dtype", `${where} reduces bool, which has no ${statement.op}`);
}

function contextOf({ nest, state, loops, tiles, guarded }: Scope): ExprContext {
  return {
    where: `the nest \`${nest.name}\``,
    report: state.report,
    variables: new Map(loops.map((loop) => [loop.name, loop.extent])),
    guarded,
    tensor(name) {
      const buffer = state.buffers.get(name);
      return tiles.get(name)?.readable ?? (buffer && readableOf(buffer));
    },
  };
}
