/** The function that repeated lines become, and its calls: what flows in are its operands, and its weights stand under a scope. */
import type { FnDeclaration, StatementSyntax, Syntax } from "../ir/declaration.ts";
import { exactJson } from "../support/exact_json.ts";
import { functionNames, type TakenNames } from "./function_names.ts";
import { type FunctionTypes, functionTypes } from "./function_types.ts";
import { createNames, identifierOf, type Names, reservedWords } from "./names.ts";
import type { Lines, Repetition } from "./repeated_stretches.ts";
import { nameSyntax, nowhere, valueSyntax, weightSyntax } from "./syntax.ts";
import { type Call, callOfLine, writeStatements } from "./write_statements.ts";
import type { Line } from "./written_model.ts";

export type WrittenFunction = {
  readonly declaration: FnDeclaration;
  /** One for each stretch. */
  readonly calls: readonly Call[];
  /** The paths of all weights that it reads, by their ids. */
  readonly paths: ReadonlyMap<number, readonly string[]>;
};

/** Its names have been taken from the `names` that its body goes on with. */
export type PlannedFunction = { readonly repetition: Repetition; readonly types: FunctionTypes; readonly names: Names };

/** Undefined where calls would have to give too much. */
export function planFunction(repetition: Repetition, lines: Lines): PlannedFunction | undefined {
  const names = createNames(reservedWords(lines.library));
  const types = functionTypes(repetition, lines, names);
  return types && { repetition, types, names };
}

export function writeFunction(planned: PlannedFunction, lines: Lines, taken: TakenNames): WrittenFunction {
  const { repetition, types, names } = planned;
  const { stretches, length } = repetition;
  const said = stretches.map(({ start }) => lines.lines.slice(start, start + length));
  const sources = stretches.map(({ weights }) => weights.map(({ id }) => lines.weights.get(id)?.steps ?? []));
  const { name, scopes, weights } = functionNames(sources, taken);
  const [first = { inputs: [], weights: [] }] = stretches;
  const operands = types.operands.map((type, i) => ({ name: names.take("xyz"[i] ?? "x"), type, variadic: false, span: nowhere }));
  const spelled = new Map<number, Syntax>([
    ...first.inputs.map(({ id }, i) => [id, nameSyntax(operands[i]?.name ?? "")] as const),
    ...first.weights.map(({ id }, j) => [id, weightSyntax(["w", ...(weights[j] ?? [])], types.weights[j])] as const),
  ]);
  const body = (said[0] ?? []).map((line, i): Call => {
    const alike = said.flatMap((other) => other[i] ?? []);
    const attributes = types.attributes[i] ?? {};
    return { ...callOfLine(line, lines.weights), attributes, name: localName(alike, scopes), nodes: [] };
  });
  const statements = writeStatements({ ...lines, calls: body, spelled, named: new Map(), names }).map(({ syntax }) => syntax);
  const declaration: FnDeclaration = {
    kind: "fn",
    name,
    nameSpan: nowhere,
    documentation: "",
    span: nowhere,
    operands,
    scopes: weights.length > 0 ? [{ name: "w", span: nowhere }] : [],
    attributes: types.given.map(({ name: of, type, initial }) => ({
      name: of,
      types: [type],
      ...(initial === undefined ? {} : { default: valueSyntax(initial) }),
      span: nowhere,
    })),
    results: [],
    body: withResult(statements),
  };
  const calls = stretches.map(({ inputs }, k): Call => {
    const last = said[k]?.at(-1);
    return {
      callee: name,
      operands: inputs,
      ...(weights.length > 0 ? { scope: weightSyntax(scopes[k] ?? []) } : {}),
      attributes: Object.fromEntries(
        types.given.flatMap(({ name: of, values, initial }) => {
          const value = values[k] ?? 0;
          return initial !== undefined && exactJson(value) === exactJson(initial) ? [] : [[of, value] as const];
        }),
      ),
      results: last?.results ?? [],
      name: last?.name,
      nodes: (said[k] ?? []).flatMap(({ node }) => node ?? []),
      beginsLayer: weights.length > 0,
    };
  });
  const paths = stretches.flatMap((stretch, k) =>
    stretch.weights.map(({ id }, j) => [id, [...(scopes[k] ?? []), ...(weights[j] ?? [])]] as const),
  );
  return { declaration, calls, paths: new Map(paths) };
}

/** The last statement's value is the function's. */
function withResult(statements: readonly Extract<StatementSyntax, { kind: "let" }>[]): readonly StatementSyntax[] {
  const last = statements.at(-1);
  return last ? [...statements.slice(0, -1), { kind: "value", value: last.value, span: nowhere }] : [];
}

/** What the source calls a line in each scope alike; otherwise it is called what it computes. */
function localName(alike: readonly Line[], scopes: readonly (readonly string[])[]): string {
  const names = alike.map(({ name = "" }, k) => {
    const [whole, scope] = [identifierOf(name), identifierOf((scopes[k] ?? []).join("_"))];
    return whole.startsWith(`${scope}_`) ? whole.slice(scope.length + 1) : "";
  });
  const [name = ""] = names;
  return /^[A-Za-z]/.test(name) && names.every((other) => other === name) ? name : (alike[0]?.operator ?? "value");
}
