/** parseLoop: the loop level's text; see `src/ir/print_loop.ts`. */
import type { DType } from "../../ir/dtype.ts";
import type { Expr } from "../../ir/expr.ts";
import {
  type AccumulateOp,
  accumulateOps,
  type LoopMode,
  type LoopProgram,
  loopModes,
  type Nest,
  type Statement,
  tileScopes,
} from "../../ir/loop.ts";
import { strengths } from "../../ir/print_expr.ts";
import type { Checked } from "../../support/diagnostic.ts";
import { createShared, requireName, sharedItems, takeBraced, takeHeader, takeItems, takePhase, takeTrace, takeType } from "./buffers.ts";
import { type Declared, parseExpr, takeDType, takeIndices } from "./expr.ts";
import {
  at,
  type Cursor,
  createCursor,
  eat,
  fail,
  failAt,
  finish,
  nested,
  peek,
  recover,
  take,
  takeInteger,
  takeName,
  takeNames,
  takeWord,
} from "./tokens.ts";

type Target = Pick<Extract<Statement, { kind: "store" }>, "buffer" | "indices">;

export function parseLoop(text: string, file: string): Checked<LoopProgram> {
  const cursor = createCursor(text, file);
  if (!takeHeader(cursor, "loop")) return { diagnostics: cursor.diagnostics };
  const shared = createShared();
  const nests: Nest[] = [];
  let arenaBytes: number | undefined;
  takeItems(cursor, {
    ...sharedItems(cursor, shared),
    arena: () => {
      arenaBytes = takeInteger(cursor, 0, "the arena's size in bytes");
    },
    nest: () => {
      const dtypes = new Map(shared.buffers.map((buffer) => [buffer.name, buffer.dtype]));
      nests.push(takeNest(cursor, { dtype: (name) => dtypes.get(name), names: () => dtypes.keys() }));
    },
  });
  const program = recover(cursor, () => {
    const name = requireName(cursor, shared.name);
    const { inputs, outputs, buffers } = shared;
    if (arenaBytes === undefined)
      return failAt(cursor, "missing-arena", "the text does not say how large the arena is", 0, "write `arena 0`");
    return { name, buffers, nests, inputs, outputs, arenaBytes };
  });
  return finish(cursor, program);
}

function takeNest(cursor: Cursor, declared: Declared): Nest {
  const name = takeName(cursor);
  const phase = takePhase(cursor);
  take(cursor, "->");
  const result = takeName(cursor);
  let trace: string[] = [];
  const body = takeBlock(cursor, declared, () => {
    trace = takeTrace(cursor);
  });
  return { name, phase, result, trace, body };
}

/** One statement is itself; none or several are a sequence. `first` reads what stands before the statements. */
function takeBlock(cursor: Cursor, declared: Declared, first?: () => void): Statement {
  const statements = takeStatements(cursor, declared, first);
  const [only] = statements;
  return only && statements.length === 1 ? only : { kind: "sequence", statements };
}

function takeStatements(cursor: Cursor, declared: Declared, first?: () => void): Statement[] {
  const statements: Statement[] = [];
  let begun = false;
  takeBraced(cursor, () => {
    if (!begun) first?.();
    begun = true;
    if (!at(cursor, "}")) statements.push(nested(cursor, () => takeStatement(cursor, declared)));
  });
  return statements;
}

function takeStatement(cursor: Cursor, declared: Declared): Statement {
  if (eat(cursor, "for")) return takeFor(cursor, declared);
  if (eat(cursor, "sequence")) return { kind: "sequence", statements: takeStatements(cursor, declared) };
  if (eat(cursor, "if")) {
    const condition = parseExpr(cursor, declared, strengths.or);
    return { kind: "if", condition, body: takeBlock(cursor, declared) };
  }
  if (eat(cursor, "local")) {
    const name = takeName(cursor);
    take(cursor, ":");
    const type = takeType(cursor);
    const scope = takeWord(cursor, tileScopes);
    return { kind: "local", name, ...type, scope, body: takeBlock(cursor, withName(declared, name, type.dtype)) };
  }
  const buffer = takeName(cursor, "a statement");
  if (!at(cursor, "[")) fail(cursor, "the indices of what is written");
  return takeAssignment(cursor, declared, { buffer, indices: takeIndices(cursor) });
}

function takeFor(cursor: Cursor, declared: Declared): Statement {
  const name = takeName(cursor, "a loop's name");
  take(cursor, "in");
  const extent = takeInteger(cursor, 0, "an extent");
  const mode: LoopMode = at(cursor, "{") ? "serial" : takeWord(cursor, loopModes);
  return { kind: "for", name, extent, mode, body: takeBlock(cursor, declared) };
}

function takeAssignment(cursor: Cursor, declared: Declared, target: Target): Statement {
  if (eat(cursor, "=")) {
    if (at(cursor, "reduce")) return takeReduce(cursor, declared, target);
    return { kind: "store", ...target, value: parseExpr(cursor, declared) };
  }
  const op = takeAccumulateOp(cursor);
  const value = parseExpr(cursor, declared, strengths.or);
  const where = eat(cursor, "where") ? parseExpr(cursor, declared, strengths.or) : undefined;
  return { kind: "accumulate", ...target, op, value, ...(where ? { where } : {}) };
}

function takeAccumulateOp(cursor: Cursor): AccumulateOp {
  if (eat(cursor, "+=")) return "sum";
  if (eat(cursor, "*=")) return "prod";
  if (!at(cursor, "max") && !at(cursor, "min")) return fail(cursor, "`=`, `+=`, `*=`, `max=` or `min=`");
  const op = takeWord(cursor, ["max", "min"]);
  take(cursor, "=");
  return op;
}

function takeReduce(cursor: Cursor, declared: Declared, target: Target): Statement {
  const { start } = peek(cursor);
  take(cursor, "reduce");
  const op = takeWord(cursor, accumulateOps);
  const over = eat(cursor, "over") ? takeNames(cursor) : [];
  take(cursor, "into");
  const accumulator = takeName(cursor, "the accumulator's name");
  take(cursor, ":");
  const dtype = takeDType(cursor);
  const parts: { value?: Expr; where?: Expr; finish?: Expr } = {};
  takeBraced(cursor, () => {
    const part = takeWord(cursor, ["value", "where", "finish"]);
    parts[part] = parseExpr(cursor, part === "finish" ? withName(declared, accumulator, dtype) : declared);
  });
  const { value, where, finish: finished } = parts;
  if (!value || !finished) return failAt(cursor, "incomplete-reduce", "a reduction has a `value` and a `finish`", start);
  return { kind: "reduce", ...target, dtype, op, over, value, ...(where ? { where } : {}), accumulator, finish: finished };
}

function withName(declared: Declared, name: string, dtype: DType): Declared {
  return { dtype: (asked) => (asked === name ? dtype : declared.dtype(asked)), names: () => [name, ...declared.names()] };
}
