/** Invariants of scalar expressions wherever they stand: names known, dtypes agreeing, indices that can be told to leave. */
import { type Atom, formatIndex, type Index, type Ranges, rangeOf } from "./affine.ts";
import { type DType, dtypes } from "./dtype.ts";
import { dtypeOf, type Expr } from "./expr.ts";
import { printNumber } from "./print_literal.ts";
import { resultDType, scalarFunctions } from "./scalar_functions.ts";
import { isShape, type Report } from "./verify_report.ts";

/** What may be read under a name; `before` and `after` are the borders that reads may reach into. */
export type Readable = {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly before?: readonly number[];
  readonly after?: readonly number[];
};

export type ExprContext = {
  /** Begins every message: the compute or nest. */
  readonly where: string;
  readonly report: Report;
  /** Iterators in scope with their extents. */
  readonly variables: ReadonlyMap<string, number>;
  /** Set where the expression is not evaluated at every point of the variables: nothing can be said of its indices. */
  readonly guarded: boolean;
  tensor(name: string): Readable | undefined;
};

export function checkExpr(expr: Expr, context: ExprContext): void {
  const { report, where } = context;
  switch (expr.kind) {
    case "constant":
      if (!holdsValue(expr.dtype, expr.value))
        report.add("constant-value", `${where}: ${printNumber(expr.value)} is no value of ${expr.dtype}`);
      return;
    case "index":
      checkIndex(expr.index, context);
      return;
    case "read":
      checkRead(expr, context);
      return;
    case "apply":
      checkApplication(expr, context);
      return;
    case "cast":
      checkExpr(expr.value, context);
      return;
    case "select": {
      checkExpr(expr.condition, context);
      requireBool(expr.condition, "the condition of a choice", context);
      const inner = { ...context, guarded: true };
      checkExpr(expr.whenTrue, inner);
      checkExpr(expr.whenFalse, inner);
      const [yes, no] = [dtypeOf(expr.whenTrue), dtypeOf(expr.whenFalse)];
      if (yes !== no) report.add("branch-dtype", `${where}: a choice is between ${yes} and ${no}`);
      return;
    }
    case "reduce":
      checkReduction(expr, context);
      return;
  }
}

export function requireBool(expr: Expr, what: string, { where, report }: ExprContext): void {
  const dtype = dtypeOf(expr);
  if (dtype !== "bool") report.add("condition-dtype", `${where}: ${what} is ${dtype}, and bool is needed`);
}

/** Indices into `target`: as many as its dimensions, and none that provably leaves shape and border. */
export function checkIndices(name: string, indices: readonly Index[], target: Readable, verb: string, context: ExprContext): void {
  const { where, report } = context;
  for (const index of indices) checkIndex(index, context);
  if (indices.length !== target.shape.length) {
    report.add("index-count", `${where} ${verb} \`${name}\` with ${indices.length} indices, and it has ${target.shape.length} dimensions`);
    return;
  }
  const ranges = rangesOf(context);
  if (!ranges) return;
  indices.forEach((index, d) => {
    const low = -(target.before?.[d] ?? 0);
    const high = (target.shape[d] as number) + (target.after?.[d] ?? 0) - 1;
    const range = rangeOf(index, ranges);
    const leaves = isAttained(index, context, new Set()) ? range.low < low || range.high > high : range.high < low || range.low > high;
    if (leaves)
      report.add(
        "out-of-range",
        `${where} ${verb} \`${name}\` at \`${formatIndex(index)}\` in dimension ${d}: ${range.low} .. ${range.high} leaves ${low} .. ${high}`,
      );
  });
}

/** Known variables, positive divisors, reads of integer tensors. */
export function checkIndex(index: Index, context: ExprContext): void {
  const whole = [index.constant, ...index.terms.map((term) => term.coefficient)].every(Number.isSafeInteger);
  if (!whole) context.report.add("index-value", `${context.where}: \`${formatIndex(index)}\` is not made of whole numbers`);
  for (const { atom } of index.terms) checkAtom(atom, context);
}

/** Whether `dtype` has the value. Floats are rounded when they are used; ranges of integers are the arithmetic's business. */
export function holdsValue(dtype: DType, value: number): boolean {
  const { kind } = dtypes[dtype];
  if (kind === "float") return true;
  return kind === "bool" ? value === 0 || value === 1 : Number.isInteger(value);
}

function checkAtom(atom: Atom, context: ExprContext): void {
  const { where, report } = context;
  switch (atom.kind) {
    case "variable":
      if (!context.variables.has(atom.name)) report.add("unknown-variable", `${where}: no iterator \`${atom.name}\` is in scope`);
      return;
    case "floordiv":
    case "mod":
      if (!Number.isSafeInteger(atom.by) || atom.by < 1) report.add("index-value", `${where}: an index is divided by ${atom.by}`);
      checkIndex(atom.value, context);
      return;
    case "min":
    case "max":
      checkIndex(atom.left, context);
      checkIndex(atom.right, context);
      return;
    case "read": {
      const tensor = context.tensor(atom.tensor);
      if (!tensor) {
        report.add("unknown-tensor", `${where} reads \`${atom.tensor}\`, which nothing defines here`);
        return;
      }
      if (dtypes[tensor.dtype].kind !== "integer")
        report.add("index-dtype", `${where}: \`${atom.tensor}\` holds ${tensor.dtype} and is read as an index`);
      checkIndices(atom.tensor, atom.indices, tensor, "reads", context);
      return;
    }
  }
}

function checkRead(expr: Extract<Expr, { kind: "read" }>, context: ExprContext): void {
  const { where, report } = context;
  if (expr.otherwise) {
    checkExpr(expr.otherwise, { ...context, guarded: true });
    const dtype = dtypeOf(expr.otherwise);
    if (dtype !== expr.dtype) report.add("branch-dtype", `${where}: a read of ${expr.dtype} has a default of ${dtype}`);
  }
  const tensor = context.tensor(expr.tensor);
  if (!tensor) {
    report.add("unknown-tensor", `${where} reads \`${expr.tensor}\`, which nothing defines here`);
    return;
  }
  if (tensor.dtype !== expr.dtype)
    report.add("read-dtype", `${where} reads \`${expr.tensor}\` as ${expr.dtype}, and it holds ${tensor.dtype}`);
  // With a default every index is allowed, and only their number counts.
  checkIndices(expr.tensor, expr.indices, tensor, "reads", expr.otherwise ? { ...context, guarded: true } : context);
}

function checkApplication(expr: Extract<Expr, { kind: "apply" }>, context: ExprContext): void {
  const { where, report } = context;
  for (const arg of expr.args) checkExpr(arg, context);
  const { arity } = scalarFunctions[expr.function];
  const [first] = expr.args;
  if (!first || expr.args.length !== arity) {
    report.add("argument-count", `${where}: \`${expr.function}\` takes ${arity} arguments, and ${expr.args.length} are given`);
    return;
  }
  const dtype = dtypeOf(first);
  const other = expr.args.find((arg) => dtypeOf(arg) !== dtype);
  const result = resultDType(expr.function, dtype);
  if (other) report.add("argument-dtype", `${where}: \`${expr.function}\` is applied to ${dtype} and ${dtypeOf(other)}`);
  else if (!result) report.add("argument-dtype", `${where}: \`${expr.function}\` does not take ${dtype}`);
  else if (result !== expr.dtype)
    report.add("result-dtype", `${where}: \`${expr.function}\` gives ${result}, and ${expr.dtype} is claimed`);
}

function checkReduction(expr: Extract<Expr, { kind: "reduce" }>, context: ExprContext): void {
  const { where, report } = context;
  const variables = new Map(context.variables);
  for (const { name, extent } of expr.axes) {
    if (variables.has(name)) report.add("axis-repeated", `${where}: the axis \`${name}\` is in scope already`);
    if (!isShape([extent])) report.add("type-extent", `${where}: the axis \`${name}\` has extent ${extent}`);
    variables.set(name, extent);
  }
  const inner: ExprContext = { ...context, variables };
  if (expr.where) {
    checkExpr(expr.where, inner);
    requireBool(expr.where, "the predicate of a reduction", inner);
  }
  checkExpr(expr.body, expr.where ? { ...inner, guarded: true } : inner);
  const wanted = expr.op === "argmax" || expr.op === "argmin" ? "i32" : dtypeOf(expr.body);
  if (expr.dtype !== wanted) report.add("reduce-dtype", `${where}: ${expr.op} gives ${wanted}, and ${expr.dtype} is claimed`);
}

/** Undefined where nothing runs at all, or not at every point. */
function rangesOf({ variables, guarded }: ExprContext): Ranges | undefined {
  if (guarded || [...variables.values()].some((extent) => !(extent > 0))) return undefined;
  return {
    variable(name) {
      const extent = variables.get(name);
      return extent === undefined ? undefined : { low: 0, high: extent - 1 };
    },
  };
}

/** Whether both bounds of interval arithmetic are reached: every variable stands once and every operation is monotone. */
function isAttained(index: Index, context: ExprContext, seen: Set<string>): boolean {
  return index.terms.every((term) => isAttainedAtom(term.atom, context, seen));
}

function isAttainedAtom(atom: Atom, context: ExprContext, seen: Set<string>): boolean {
  switch (atom.kind) {
    case "variable":
      if (seen.has(atom.name) || !context.variables.has(atom.name)) return false;
      seen.add(atom.name);
      return true;
    case "floordiv":
      return isAttained(atom.value, context, seen);
    case "min":
    case "max":
      return isAttained(atom.left, context, seen) && isAttained(atom.right, context, seen);
    case "mod":
    case "read":
      return false;
  }
}
