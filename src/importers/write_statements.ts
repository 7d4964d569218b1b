/**
 * Calls as statements: one of its own, or going on with the one before by `|>` where nobody else reads that and a layer does not
 * begin.
 */
import type { StatementSyntax, Syntax } from "../ir/declaration.ts";
import type { Attributes } from "../ir/nn.ts";
import { notationsOf } from "../semantics/module.ts";
import { invariant } from "../support/invariant.ts";
import type { Names } from "./names.ts";
import { callSyntax, nameSyntax, nowhere, numberSyntax } from "./syntax.ts";
import type { ForeignNode, Line, Value, WrittenModel } from "./written_model.ts";

/** Calls in one pipeline; a longer one is hard to read. */
const longestPipeline = 6;

/** A call of an operator, or of a function of the text's own. */
export type Call = {
  readonly callee: string;
  readonly operands: readonly (Value | number)[];
  /** After the operands: the weights of a function. */
  readonly scope?: Syntax;
  readonly attributes: Attributes;
  readonly results: readonly Value[];
  readonly name: string | undefined;
  readonly nodes: readonly ForeignNode[];
  /** A kernel or a matrix of weights makes a layer, and so does a function: its statement is its own. */
  readonly beginsLayer: boolean;
};

export type Body = {
  readonly calls: readonly Call[];
  /** How what the calls read is written; what they give is added. */
  readonly spelled: Map<number, Syntax>;
  /** Names that are given already. */
  readonly named: ReadonlyMap<number, string>;
  /** How often each value is read. */
  readonly uses: ReadonlyMap<number, number>;
  readonly names: Names;
  readonly library: WrittenModel["library"];
};

export type Statement = {
  readonly results: readonly Value[];
  readonly nodes: readonly ForeignNode[];
  readonly syntax: Extract<StatementSyntax, { readonly kind: "let" }>;
};

type Open = {
  readonly results: readonly Value[];
  readonly name: string | undefined;
  readonly nodes: readonly ForeignNode[];
  readonly syntax: Syntax;
  readonly calls: number;
};

export function callOfLine(line: Line, weights: WrittenModel["weights"]): Call {
  const { operator, operands, attributes, results, name, node } = line;
  const isKernel = (operand: Value | number) => typeof operand === "object" && (weights.get(operand.id)?.type.shape.length ?? 0) > 1;
  return { callee: operator, operands, attributes, results, name, nodes: node ? [node] : [], beginsLayer: operands.some(isKernel) };
}

export function writeStatements({ calls, spelled, named, uses, names, library }: Body): readonly Statement[] {
  const symbols = new Map([...notationsOf(library.operators)].map(([symbol, operator]) => [operator, symbol]));
  const isNamed = (value: Value) => named.has(value.id);
  const written: Statement[] = [];
  let open: Open | undefined;

  const close = () => {
    if (!open) return;
    const { results, nodes, syntax: value } = open;
    invariant(results.length > 0, "a call without results");
    const taken = results.map((result, i) => named.get(result.id) ?? names.take(nameOf(open as Open, i)));
    for (const [i, result] of results.entries()) spelled.set(result.id, nameSyntax(taken[i] as string));
    const pattern = { names: taken, list: taken.length > 1, span: nowhere };
    written.push({ results, nodes, syntax: { kind: "let", pattern, value, span: nowhere } });
    open = undefined;
  };

  for (const call of calls) {
    const [first] = call.operands;
    const goesOn =
      open !== undefined &&
      typeof first === "object" &&
      open.results.length === 1 &&
      open.results[0]?.id === first.id &&
      uses.get(first.id) === 1 &&
      !isNamed(first) &&
      open.calls < longestPipeline &&
      !call.operands.some((operand, i) => i > 0 && typeof operand === "object" && operand.id === first.id) &&
      !call.beginsLayer &&
      infixOf(call, symbols) === undefined;
    if (!goesOn) close();
    const before: Open | undefined = goesOn ? open : undefined;
    const operands = call.operands.map((operand, i) => {
      if (typeof operand === "number") return numberSyntax(operand);
      const syntax = i === 0 && before ? before.syntax : spelled.get(operand.id);
      invariant(syntax, "an operand is used before it is computed");
      return syntax;
    });
    open = {
      results: call.results,
      name: call.name ?? (call.results.some(isNamed) ? undefined : before?.name),
      nodes: [...(before?.nodes ?? []), ...call.nodes],
      syntax: syntaxOf(call, operands, symbols, before !== undefined),
      calls: (before?.calls ?? 0) + 1,
    };
  }
  close();
  return written;
}

function infixOf({ callee, operands }: Call, symbols: ReadonlyMap<string, string>): string | undefined {
  const symbol = symbols.get(callee);
  return operands.length === 2 && symbol && isInfix(symbol) ? symbol : undefined;
}

type Infix = Extract<Syntax, { kind: "binary" }>["operator"];
const infixes: ReadonlySet<string> = new Set("+ - * / // % == != < <= > >= and or".split(" "));

function isInfix(symbol: string): symbol is Infix {
  return infixes.has(symbol);
}

function syntaxOf(call: Call, operands: readonly Syntax[], symbols: ReadonlyMap<string, string>, piped: boolean): Syntax {
  const symbol = infixOf(call, symbols);
  const [first, second] = operands;
  if (symbol && isInfix(symbol) && first && second) return { kind: "binary", operator: symbol, left: first, right: second, span: nowhere };
  const { callee, attributes, scope } = call;
  const given = scope ? [...operands, scope] : operands;
  if (!piped || !first) return callSyntax(callee, given, attributes);
  const isBare = given.length === 1 && Object.keys(attributes).length === 0;
  return { kind: "pipe", value: first, call: isBare ? nameSyntax(callee) : callSyntax(callee, given.slice(1), attributes), span: nowhere };
}

function nameOf({ name, nodes, results }: Open, i: number): string {
  const base = name ?? (nodes.at(-1)?.name || nodes.at(-1)?.operator.toLowerCase()) ?? "value";
  return results.length === 1 ? base : `${base}_${i}`;
}
