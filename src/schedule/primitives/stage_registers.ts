/**
 * The tile of a reduction: `local` with the loops of the tile three times over: set to the identity, accumulated in the
 * order of the nest, finished and stored. The one place where a declared reduction becomes an order of execution.
 */
import { variableIndex } from "../../ir/affine.ts";
import { reductionIdentity } from "../../ir/evaluate.ts";
import { constantExpr, type Expr, variablesOfExpr } from "../../ir/expr.ts";
import type { For, Reduce, Statement } from "../../ir/loop.ts";
import type { Checked } from "../../support/diagnostic.ts";
import { invariant } from "../../support/invariant.ts";
import { readsItsResult } from "../dependence.ts";
import { findReduce, leavesOf, mapReads, mapStatement, replaceStatement, substituteInStatement } from "../nest.ts";
import { readsInMemory } from "../padding.ts";
import { type Argument, accept, type Change, type Context, changed, namedLoop, refuse, type Step } from "../primitive.ts";
import { partialName, tileName } from "../region.ts";

/** The open reduction into a tensor, or into a tile in which the nest computes a part of it. */
export function reductionOf(statement: Statement, tensor: string): Reduce | undefined {
  const names = [tensor, tileName(tensor), partialName(tensor), partialName(tileName(tensor))];
  return leavesOf(statement).flatMap(({ statement: leaf }) => (leaf.kind === "reduce" && names.includes(leaf.buffer) ? [leaf] : []))[0];
}

/** The part of the nest that the tile is for: nothing but the reduction, and loops and guards around it. */
export type RegistersPlan = { readonly tree: Statement; readonly reduce: Reduce; readonly scope: "register" | "memory" };

export function checkRegisters(
  step: Step,
  tensor: string,
  at: Argument | undefined,
  scope: RegistersPlan["scope"],
  context: Context,
): Checked<RegistersPlan> {
  const { nest } = context;
  const { value: loop, diagnostics } = at === undefined ? { diagnostics: [] } : namedLoop(step, at, context);
  if (at !== undefined && !loop) return { diagnostics };
  const any = findReduce(loop ?? nest.body);
  const reduce = tensor === "result" ? (reductionOf(loop ?? nest.body, nest.result) ?? any) : reductionOf(loop ?? nest.body, tensor);
  if (!any)
    return refuse(step, context, {
      code: "stage-no-reduction",
      message: `${loop ? `the loop \`${loop.name}\` of ${nest.name}` : nest.name} has no reduction left to keep in registers`,
      help: "leave this step out",
      loops: [],
    });
  if (!reduce)
    return refuse(step, context, {
      code: "stage-result",
      message: `\`${tensor}\` is not what this nest computes`,
      help: `write \`stage ${any.buffer} in registers\``,
    });
  const place = at === undefined ? "the outermost place" : `\`${at}\``;
  const chain = chainTo(loop ? loop.body : nest.body);
  if (!chain)
    return refuse(step, context, {
      code: "stage-imperfect",
      message: `several statements stand inside ${place}`,
      help: "stage before other steps take the nest apart",
      loops: loop ? [loop.name] : [],
    });
  const outside = reduce.over.filter((name) => !chain.some((inner) => inner.name === name));
  if (outside.length > 0)
    return refuse(step, context, {
      code: "stage-reduction-outside",
      message: `the tile at ${place} would be stored before its ${reduce.op === "sum" ? "sum" : "reduction"} is whole: ${namesOf(outside)} ${outside.length === 1 ? "is" : "are"} outside`,
      help: outside.includes(String(at))
        ? `stage at a loop outside \`${outside[0]}\``
        : `reorder so that ${namesOf(outside)} ${outside.length === 1 ? "is" : "are"} inside ${place}`,
      loops: outside,
    });
  const serial = tileLoops(chain, reduce).filter((tile) => tile.mode !== "unroll" && tile.mode !== "vectorize" && tile.extent > 1);
  if (scope === "register" && serial.length > 0) {
    const names = serial.map((tile) => tile.name);
    return refuse(step, context, {
      code: "stage-serial",
      message: `registers cannot be indexed by ${namesOf(names)}: ${serial.length === 1 ? "a loop" : "loops"} at run time`,
      help: `first \`unroll ${names[0]}\` or \`vectorize ${names[0]}\`${at === undefined ? "" : `, or reorder it outside ${place}`}`,
      loops: names,
    });
  }
  const around = leavesOf(nest.body).find((leaf) => leaf.statement === reduce)?.loops ?? [];
  const shared = around.find((outer) => outer.mode === "vectorize" && !chain.includes(outer));
  if (shared)
    return refuse(step, context, {
      code: "stage-in-vector",
      message: `the tile at ${place} would be shared by the lanes of \`${shared.name}\`, which is vectorised around it`,
      help: shared === loop ? "stage at a loop further out" : `reorder \`${shared.name}\` inside ${place}, or stage further out`,
      loops: [shared.name],
    });
  const dependence = readsItsResult(nest, context.buffers);
  if (dependence)
    return refuse(step, context, {
      code: "stage-dependence",
      message: `the reduction overwrites what it reads: ${dependence.reason}`,
      help: "leave this step out",
      loops: reduce.over,
    });
  return accept({ tree: loop ? loop.body : nest.body, reduce, scope });
}

function namesOf(loops: readonly string[]): string {
  return loops.map((name) => `\`${name}\``).join(", ");
}

export function applyRegisters({ tree, reduce, scope }: RegistersPlan, { nest, buffers }: Context): Change {
  const isPadded = readsInMemory(reduce, nest.body, buffers);
  return changed(nest, replaceStatement(nest.body, tree, staged(tree, reduce, scope, isPadded)));
}

/** The loops from here to the only leaf, or undefined where statements stand side by side. */
export function chainTo(statement: Statement): For[] | undefined {
  switch (statement.kind) {
    case "for": {
      const inner = chainTo(statement.body);
      return inner && [statement, ...inner];
    }
    case "if":
      return chainTo(statement.body);
    case "reduce":
    case "store":
    case "accumulate":
      return [];
    case "sequence":
    case "local":
      return undefined;
  }
}

/** Loops that index the tile, the vectorised one last. */
export function tileLoops(chain: readonly For[], reduce: Reduce): For[] {
  const parallel = chain.filter((loop) => !reduce.over.includes(loop.name));
  return [...parallel.filter((loop) => loop.mode !== "vectorize"), ...parallel.filter((loop) => loop.mode === "vectorize")];
}

/** `isPadded`: elements that guards leave out are summed in the tile all the same, and not stored. */
function staged(body: Statement, reduce: Reduce, scope: "register" | "memory", isPadded: boolean): Statement {
  const chain = chainTo(body);
  invariant(chain, "a staged reduction is the only statement");
  const tile = tileLoops(chain, reduce);
  const name = `${reduce.buffer}.tile`;
  const inOrder = chain.filter((loop) => !reduce.over.includes(loop.name));
  const indices = (suffix: string) => tile.map((loop) => variableIndex(loop.name + suffix));
  const { op, dtype, value, where } = reduce;
  const identity = constantExpr(dtype, reductionIdentity(op, dtype));
  const init = copyLoops(inOrder, ".init", { kind: "store", buffer: name, indices: indices(".init"), value: identity });
  const main = replaceLeaf(isPadded ? withoutGuards(body, reduce) : body, {
    kind: "accumulate",
    buffer: name,
    indices: indices(""),
    op,
    value,
    ...(where ? { where } : {}),
  });
  const tileRead: Expr = { kind: "read", tensor: name, indices: indices(""), dtype };
  const store: Statement = {
    kind: "store",
    buffer: reduce.buffer,
    indices: reduce.indices,
    value: mapReads(reduce.finish, (read) => (read.tensor === reduce.accumulator ? tileRead : read)),
  };
  const finish = copyLoops(inOrder, ".finish", suffixed(guarded(store, body, reduce), inOrder, ".finish"));
  return {
    kind: "local",
    name,
    dtype,
    shape: tile.map((loop) => loop.extent),
    scope,
    body: { kind: "sequence", statements: [init, main, finish] },
  };
}

function copyLoops(loops: readonly For[], suffix: string, body: Statement): Statement {
  return loops.reduceRight<Statement>((inner, loop) => ({ ...loop, name: loop.name + suffix, body: inner }), body);
}

function suffixed(statement: Statement, loops: readonly For[], suffix: string): Statement {
  const names = new Set(loops.map((loop) => loop.name));
  return substituteInStatement(statement, (name) => (names.has(name) ? variableIndex(name + suffix) : undefined));
}

/** Whether a guard does not depend on the reduction: it says which elements exist. */
function isOfElements(guard: Expr, reduce: Reduce): boolean {
  return ![...variablesOfExpr(guard)].some((name) => reduce.over.includes(name));
}

function withoutGuards(statement: Statement, reduce: Reduce): Statement {
  if (statement.kind === "if" && isOfElements(statement.condition, reduce)) return withoutGuards(statement.body, reduce);
  return mapStatement(statement, (inner) => withoutGuards(inner, reduce));
}

function guarded(store: Statement, body: Statement, reduce: Reduce): Statement {
  const [leaf] = leavesOf(body);
  const guards = (leaf?.guards ?? []).filter((guard) => isOfElements(guard, reduce));
  return guards.reduceRight<Statement>((inner, condition) => ({ kind: "if", condition, body: inner }), store);
}

function replaceLeaf(statement: Statement, leaf: Statement): Statement {
  return statement.kind === "for" || statement.kind === "if" ? { ...statement, body: replaceLeaf(statement.body, leaf) } : leaf;
}
