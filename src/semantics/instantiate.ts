/**
 * An operator at given operand types and attributes: its result types and, for a comprehension, its computes.
 * Shape inference, the interpreter and lowering all read the declaration through this one function.
 */

import type { DefDeclaration, OpDeclaration, StatementSyntax, Syntax } from "../ir/declaration.ts";
import { formatType, type TensorType } from "../ir/dtype.ts";
import { type Compute, dtypeOf } from "../ir/expr.ts";
import type { Attributes, NnValue } from "../ir/nn.ts";
import { printSyntax } from "../ir/print_declaration.ts";
import { type Checked, type Diagnostic, errorDiagnostic, hasErrors, type Span } from "../support/diagnostic.ts";
import { exactJson } from "../support/exact_json.ts";
import { nearest } from "../support/nearest.ts";
import { bindAttributes, bindOperands, type DTypes, evaluateType, type Places, symbolsOf } from "./bind.ts";
import { createStaging, evaluate } from "./compile_time.ts";
import { bindPattern } from "./iteration.ts";
import { declareIterator, extendScope, listValue, report, type Scope, toExpr, type Value } from "./value.ts";

/** The declarations that bodies may call. */
export type Library = {
  readonly operators: ReadonlyMap<string, OpDeclaration>;
  readonly definitions: ReadonlyMap<string, DefDeclaration>;
  /** Names of declarations with a mistake of syntax: calls of them are not mistakes too. */
  readonly broken?: ReadonlySet<string>;
};

export type Instance = {
  /** Complete, defaults filled in. */
  readonly attributes: Attributes;
  readonly results: readonly NnValue[];
  /** The operands' names in `computes`: parameter names, `xs.0`, `xs.1` for a variadic one. */
  readonly operands: readonly string[];
  /** One for every result of a comprehension; none for an expansion. */
  readonly computes: readonly Compute[];
  /** Dimensions, attributes and operands: where an expansion's body is evaluated. */
  readonly scope: Scope;
};

export function isExpansion(operator: OpDeclaration): boolean {
  return !operator.body.some((statement) => statement.kind === "equation");
}

export function instantiate(
  operator: OpDeclaration,
  operands: readonly TensorType[],
  given: ReadonlyMap<string, Value>,
  library: Library,
  span: Span,
  places?: Places,
): Checked<Instance> {
  const found: Diagnostic[] = [];
  const staging = createStaging(library, (diagnostic) => found.push(diagnostic));
  const value = instantiateIn(operator, operands, given, { values: new Map(), staging }, span, places);
  const diagnostics = found.map((diagnostic) => withCall(diagnostic, operator, span, places));
  return value && !hasErrors(found) ? { value, diagnostics } : { diagnostics };
}

/**
 * The same, for calls that programs make: a network calls a few operators again and again at a few shapes, and every pass asks
 * for their instances. What was instantiated without a word is kept as long as the definitions that its body may call;
 * `span` and `places` only say where mistakes stand.
 */
export function instantiateCall(
  operator: OpDeclaration,
  operands: readonly TensorType[],
  given: ReadonlyMap<string, Value>,
  library: Library,
  span: Span,
  places?: Places,
): Checked<Instance> {
  const byOperator = instances.get(library.definitions) ?? new WeakMap<OpDeclaration, Map<string, Instance>>();
  const known = byOperator.get(operator) ?? new Map<string, Instance>();
  instances.set(library.definitions, byOperator.set(operator, known));
  const key = exactJson([operands.map(formatType), [...given]]);
  const same = known.get(key);
  if (same) return { value: same, diagnostics: [] };
  const made = instantiate(operator, operands, given, library, span, places);
  if (made.value && made.diagnostics.length === 0) known.set(key, made.value);
  return made;
}

const instances = new WeakMap<Library["definitions"], WeakMap<OpDeclaration, Map<string, Instance>>>();

function instantiateIn(
  operator: OpDeclaration,
  operands: readonly TensorType[],
  given: ReadonlyMap<string, Value>,
  outer: Scope,
  span: Span,
  places?: Places,
): Instance | undefined {
  const bound = bindOperands(operator.name, operator.operands, operands, outer, span, places);
  if (!bound) return undefined;
  const scope = { ...bound.scope, staging: { ...outer.staging, defaultDType: bound.dtypes.get("") ?? "f32" } };
  const withAttributes = bindAttributes(operator.name, operator.attributes, given, scope, span, places);
  if (!withAttributes) return undefined;
  const symbols = operator.attributes.flatMap(symbolsOf).filter((name) => !withAttributes.scope.values.has(name));
  const named = extendScope(
    withAttributes.scope,
    symbols.map((name) => [name, { kind: "symbol", name }] as const),
  );
  const comprehension = !isExpansion(operator);
  const body = comprehension ? runStatements(operator, named, span) : named;
  if (!body) return undefined;
  const typed = resultTypes(operator, bound.dtypes, body, span);
  if (!typed) return undefined;
  const base = { attributes: withAttributes.attributes, results: typed.results, operands: bound.names, scope: typed.scope };
  if (!comprehension) return { ...base, computes: [] };
  const computes = typed.results.map((result) => equationFor(operator, result, typed.scope));
  return computes.every((compute) => compute !== undefined) ? { ...base, computes: computes as Compute[] } : undefined;
}

/** The lines of a comprehension before its equations: `let` and `require`. */
function runStatements(operator: OpDeclaration, scope: Scope, call: Span): Scope | undefined {
  let inner = scope;
  let fine = true;
  for (const statement of operator.body) {
    if (statement.kind === "let")
      inner = bindPattern(statement.pattern.names, statement.pattern.list, evaluate(statement.value, inner), statement.pattern.span, inner);
    else if (statement.kind === "require") fine = requireCondition(operator.name, statement, inner, call) && fine;
    else if (statement.kind !== "equation") {
      report(inner, "misplaced-statement", "an operator with equations holds only `let`, `require` and equations", statement.span);
      fine = false;
    }
  }
  return fine ? inner : undefined;
}

export function requireCondition(
  callee: string,
  statement: Extract<StatementSyntax, { kind: "require" }>,
  scope: Scope,
  call: Span,
): boolean {
  const condition = evaluate(statement.condition, scope);
  if (condition.kind === "boolean" && condition.value) return true;
  if (condition.kind === "boolean")
    scope.staging.report(
      errorDiagnostic("requirement", `\`${callee}\`: ${statement.message ?? "a requirement does not hold"}`, {
        span: call,
        notes: [{ message: `\`${callee}\` requires \`${printSyntax(statement.condition)}\`${describeOperands(scope)}` }],
        help: "give operands and attributes for which this holds",
      }),
    );
  else if (condition.kind !== "poison")
    report(
      scope,
      "requirement-not-constant",
      "`require` needs a condition that is known at compile time",
      statement.span,
      "ask about shapes and attributes; what a tensor holds is known only when the model runs",
    );
  return false;
}

/** ", and here `x` is f32[4]" */
function describeOperands(scope: Scope): string {
  const operands = [...scope.values.values()].flatMap((value) =>
    value.kind === "operand" ? [`\`${value.name}\` is ${formatType(value.type)}`] : [],
  );
  return operands.length === 0 ? "" : `, and here ${operands.join(" and ")}`;
}

function resultTypes(operator: OpDeclaration, dtypes: DTypes, scope: Scope, span: Span): { results: NnValue[]; scope: Scope } | undefined {
  let inner = scope;
  const results: NnValue[] = [];
  for (const result of operator.results) {
    if (!result.type) {
      report(
        scope,
        "missing-result-type",
        `\`${operator.name}\` does not say the type of its result \`${result.name}\``,
        result.span,
        `write \`-> ${result.name}: [...]\``,
      );
      return undefined;
    }
    const typed = evaluateType(result.type, dtypes, inner, `\`${operator.name}\`: the result \`${result.name}\``, span);
    if (!typed) return undefined;
    inner = typed.scope;
    results.push({ name: result.name, type: typed.type });
  }
  return { results, scope: inner };
}

function equationFor(operator: OpDeclaration, result: NnValue, scope: Scope): Compute | undefined {
  const equations = operator.body.filter((statement) => statement.kind === "equation" && statement.result === result.name);
  const [equation, second] = equations;
  if (equation?.kind !== "equation") {
    report(
      scope,
      "missing-equation",
      `\`${operator.name}\` has no equation for its result \`${result.name}\``,
      operator.nameSpan,
      `write \`${result.name}[...] = ...\``,
    );
    return undefined;
  }
  if (second) {
    report(
      scope,
      "second-equation",
      `\`${result.name}\` already has an equation`,
      second.span,
      "write one equation for each result: `if c then a else b` chooses within it",
    );
    return undefined;
  }
  // Every equation has iterators of its own.
  const extents = new Map<string, number>();
  const ranges = { variable: (name: string) => rangeOfExtent(extents.get(name)) };
  const fresh: Scope = { values: scope.values, staging: { ...scope.staging, extents, ranges } };
  const left = bindLeftSide(equation.indices, result, equation.span, fresh);
  if (!left) return undefined;
  const value = toExpr(evaluate(equation.value, left.scope), result.type.dtype, equation.value.span, left.scope);
  if (!value) return undefined;
  if (dtypeOf(value) !== result.type.dtype) {
    report(
      scope,
      "type-mismatch",
      `\`${result.name}\` holds ${result.type.dtype}, and its equation gives ${dtypeOf(value)}`,
      equation.value.span,
      `convert it: ${result.type.dtype}(...)`,
    );
    return undefined;
  }
  return { name: result.name, dtype: result.type.dtype, axes: left.axes, value };
}

function rangeOfExtent(extent: number | undefined) {
  return extent === undefined ? undefined : { low: 0, high: extent - 1 };
}

/** `y[n, ...i]`: a name is an iterator over its dimension, a spread one over all the remaining. */
function bindLeftSide(indices: readonly Syntax[], result: NnValue, span: Span, scope: Scope) {
  const { shape } = result.type;
  const spreads = indices.filter((index) => index.kind === "spread").length;
  const rest = shape.length - (indices.length - spreads);
  if (spreads > 1 || rest < 0 || (spreads === 0 && rest !== 0)) {
    report(
      scope,
      "index-count",
      `\`${result.name}\` has ${shape.length} dimension${shape.length === 1 ? "" : "s"}, and its equation names ${indices.length}`,
      span,
      "name one iterator for each dimension, or several with `...i`",
    );
    return undefined;
  }
  const axes: Compute["axes"][number][] = [];
  const bindings: [string, Value][] = [];
  for (const index of indices) {
    const inner = index.kind === "spread" ? index.value : index;
    if (inner.kind !== "name" || bindings.some(([name]) => name === inner.name)) {
      report(
        scope,
        "left-side",
        "the left side of an equation names each iterator once",
        index.span,
        "write `y[i, j]`; move arithmetic to the right side",
      );
      return undefined;
    }
    const taken = shape.slice(axes.length, axes.length + (index.kind === "spread" ? rest : 1));
    const bound = taken.map((extent, d) => declareIterator(index.kind === "spread" ? `${inner.name}${d}` : inner.name, extent, scope));
    axes.push(...bound.map(({ axis }) => axis));
    const values = bound.map(({ value }) => value);
    bindings.push([inner.name, index.kind === "spread" ? listValue(values) : (values[0] as Value)]);
  }
  return { axes, scope: extendScope(scope, bindings) };
}

/** A mistake that shows in the operator, or in a definition it calls, says which call led there. */
function withCall(diagnostic: Diagnostic, operator: OpDeclaration, call: Span, places: Places | undefined): Diagnostic {
  const { span } = diagnostic;
  const ofCall = [call, ...(places ? [...places.operands, ...places.attributes.values()] : [])];
  if (!span || ofCall.some((place) => place.file === span.file && place.start === span.start)) return diagnostic;
  return { ...diagnostic, notes: [...diagnostic.notes, { message: `in \`${operator.name}\`, called here`, span: call }] };
}

/** The operator of that name, or a diagnostic that suggests the nearest. */
export function suggestName(name: string, known: Iterable<string>): string | undefined {
  const suggestion = nearest(name, known);
  return suggestion && `did you mean \`${suggestion}\`?`;
}
