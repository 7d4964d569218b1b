/** Iteration at compile time: lists made by `for`, patterns that take items apart, and a bound on how much of it there may be. */
import type { Syntax } from "../ir/declaration.ts";
import { errorDiagnostic, type Span } from "../support/diagnostic.ts";
import { describe, extendScope, listValue, poison, report, type Scope, type Value } from "./value.ts";

export function evaluateListFor(syntax: Extract<Syntax, { kind: "listFor" }>, scope: Scope): Value {
  const range = scope.staging.evaluate(syntax.range, scope);
  if (range.kind === "poison") return poison;
  if (range.kind !== "list")
    return report(
      scope,
      "not-a-list",
      `\`for\` goes over a list or a range, and this is ${describe(range)}`,
      syntax.range.span,
      "write a range, `0..n`, or a list, `[8, 16]`",
    );
  if (!countOut(range.items.length, syntax.span, scope)) return poison;
  return listValue(
    range.items.map((item) =>
      scope.staging.evaluate(syntax.body, bindPattern(syntax.binder.names, syntax.binder.list, item, syntax.binder.span, scope)),
    ),
  );
}

const mostCounted = 100_000;

/** Counts iterations that are about to be made; too many are reported once, and not made. */
export function countOut(iterations: number, span: Span, { staging }: Scope): boolean {
  const { counted } = staging;
  if (counted.total > mostCounted) return false;
  counted.total += Math.max(0, iterations);
  if (counted.total <= mostCounted) return true;
  const message = `lists and loops that are decided at compile time would take more than ${mostCounted} steps here`;
  const help = "loops repeat layers, each written out: count over dimensions or blocks, and let an equation run over elements";
  staging.report(errorDiagnostic("too-many-iterations", message, { span, help }));
  return false;
}

/** Binds a name, or takes a list apart. */
export function bindPattern(names: readonly string[], list: boolean, value: Value, span: Span, scope: Scope): Scope {
  const [only] = names;
  if (!list && only !== undefined) return extendScope(scope, [[only, value]]);
  const items = value.kind === "list" && value.items.length === names.length ? value.items : undefined;
  if (!items && value.kind !== "poison")
    report(scope, "pattern-mismatch", `${names.length} names take apart a list of ${names.length}, and this is ${describe(value)}`, span);
  return extendScope(
    scope,
    names.map((name, i) => [name, items?.[i] ?? poison] as const),
  );
}
