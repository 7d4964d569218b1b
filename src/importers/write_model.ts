/**
 * The text of an imported model. A line is a statement of its own, or goes on with the one before by `|>` where nobody else reads
 * that and a layer does not begin; above every statement a comment names the foreign nodes that it says.
 */
import type { ModelDeclaration, StatementSyntax, Syntax } from "../ir/declaration.ts";
import { printBody, printDeclaration } from "../ir/print_declaration.ts";
import { notationsOf } from "../semantics/module.ts";
import { invariant } from "../support/invariant.ts";
import { shownName } from "./limits.ts";
import { callSyntax, nameSyntax, nowhere, numberSyntax, typeSyntax, weightSyntax } from "./syntax.ts";
import type { ForeignNode, Line, Value, WrittenModel } from "./written_model.ts";

/** Calls in one pipeline; a longer one is hard to read. */
const longestPipeline = 6;

/** Nodes that one comment names, and characters of each. */
const longestComment = 6;
const longestName = 48;

type Statement = {
  readonly results: readonly Value[];
  readonly name: string | undefined;
  readonly nodes: readonly ForeignNode[];
  readonly syntax: Syntax;
  readonly calls: number;
};

/** `used` are the paths of the weights that the text mentions. */
export function writeModel(model: WrittenModel): { readonly text: string; readonly used: ReadonlySet<string> } {
  const lines = neededLines(model);
  const uses = countUses(lines, model);
  const symbols = new Map([...notationsOf(model.library.operators)].map(([symbol, operator]) => [operator, symbol]));
  const spelled = new Map<number, Syntax>(model.inputs.map(({ id, name }) => [id, nameSyntax(name)]));
  for (const [id, { steps, type }] of model.weights) spelled.set(id, weightSyntax(steps, type));
  const outputs = new Map(model.outputs.map(({ id, name }) => [id, name]));
  const isOutput = (value: Value) => outputs.has(value.id);
  const written: { readonly nodes: readonly ForeignNode[]; readonly statement: StatementSyntax }[] = [];
  let open: Statement | undefined;

  const close = () => {
    if (!open) return;
    const [first = open.results[0]] = open.results;
    invariant(first, "a call without results");
    const names = open.results.map((value, i) => outputs.get(value.id) ?? model.names.take(nameOf(open as Statement, i)));
    for (const [i, value] of open.results.entries()) spelled.set(value.id, nameSyntax(names[i] as string));
    const pattern = { names, list: names.length > 1, span: nowhere };
    written.push({ nodes: open.nodes, statement: { kind: "let", pattern, value: open.syntax, span: nowhere } });
    open = undefined;
  };

  for (const line of lines) {
    const [first] = line.operands;
    const goesOn =
      open !== undefined &&
      typeof first === "object" &&
      open.results.length === 1 &&
      open.results[0]?.id === first.id &&
      uses.get(first.id) === 1 &&
      !isOutput(first) &&
      open.calls < longestPipeline &&
      !line.operands.some((operand, i) => i > 0 && typeof operand === "object" && operand.id === first.id) &&
      !beginsLayer(line, model) &&
      infixOf(line, symbols) === undefined;
    if (!goesOn) close();
    const before: Statement | undefined = goesOn ? open : undefined;
    const operands = line.operands.map((operand, i) => {
      if (typeof operand === "number") return numberSyntax(operand);
      const syntax = i === 0 && before ? before.syntax : spelled.get(operand.id);
      invariant(syntax, "an operand is used before it is computed");
      return syntax;
    });
    open = {
      results: line.results,
      name: line.name ?? (line.results.some(isOutput) ? undefined : before?.name),
      nodes: [...(before?.nodes ?? []), ...(line.node ? [line.node] : [])],
      syntax: lineSyntax(line, operands, symbols, before !== undefined),
      calls: (before?.calls ?? 0) + 1,
    };
  }
  close();
  return { text: modelText(model, written, resultSyntax(model, spelled)), used: usedPaths(lines, model) };
}

/** The model's last line. */
function resultSyntax(model: WrittenModel, spelled: ReadonlyMap<number, Syntax>): StatementSyntax {
  const items = model.outputs.map(({ id }) => spelled.get(id) ?? nameSyntax(""));
  const [only] = items;
  const value: Syntax = only && items.length === 1 ? only : { kind: "tuple", items, span: nowhere };
  return { kind: "value", value, span: nowhere };
}

/** Lines whose results an output needs, in their order. */
function neededLines({ lines, outputs }: WrittenModel): readonly Line[] {
  const needed = new Set(outputs.map(({ id }) => id));
  const kept: Line[] = [];
  for (const line of [...lines].reverse()) {
    if (!line.results.some(({ id }) => needed.has(id))) continue;
    kept.push(line);
    for (const operand of line.operands) if (typeof operand === "object") needed.add(operand.id);
  }
  return kept.reverse();
}

function countUses(lines: readonly Line[], { outputs }: WrittenModel): ReadonlyMap<number, number> {
  const uses = new Map<number, number>();
  const read = [...lines.flatMap(({ operands }) => operands.flatMap((operand) => (typeof operand === "object" ? [operand.id] : [])))];
  for (const id of [...read, ...outputs.map((output) => output.id)]) uses.set(id, (uses.get(id) ?? 0) + 1);
  return uses;
}

function usedPaths(lines: readonly Line[], { weights, outputs }: WrittenModel): ReadonlySet<string> {
  const ids = [...lines.flatMap(({ operands }) => operands.flatMap((operand) => (typeof operand === "object" ? [operand.id] : [])))];
  return new Set([...ids, ...outputs.map(({ id }) => id)].flatMap((id) => weights.get(id)?.steps.join(".") ?? []));
}

/** A kernel or a matrix of weights makes a layer, whose statement is its own. */
function beginsLayer({ operands }: Line, { weights }: WrittenModel): boolean {
  return operands.some((operand) => typeof operand === "object" && (weights.get(operand.id)?.type.shape.length ?? 0) > 1);
}

function infixOf({ operator, operands }: Line, symbols: ReadonlyMap<string, string>): string | undefined {
  const symbol = symbols.get(operator);
  return operands.length === 2 && symbol && isInfix(symbol) ? symbol : undefined;
}

type Infix = Extract<Syntax, { kind: "binary" }>["operator"];
const infixes: ReadonlySet<string> = new Set("+ - * / // % == != < <= > >= and or".split(" "));

function isInfix(symbol: string): symbol is Infix {
  return infixes.has(symbol);
}

function lineSyntax(line: Line, operands: readonly Syntax[], symbols: ReadonlyMap<string, string>, piped: boolean): Syntax {
  const symbol = infixOf(line, symbols);
  const [first, second] = operands;
  if (symbol && isInfix(symbol) && first && second) return { kind: "binary", operator: symbol, left: first, right: second, span: nowhere };
  if (!piped || !first) return callSyntax(line.operator, operands, line.attributes);
  const isBare = operands.length === 1 && Object.keys(line.attributes).length === 0;
  const call = isBare ? nameSyntax(line.operator) : callSyntax(line.operator, operands.slice(1), line.attributes);
  return { kind: "pipe", value: first, call, span: nowhere };
}

function nameOf({ name, nodes, results }: Statement, i: number): string {
  const base = name ?? (nodes.at(-1)?.name || nodes.at(-1)?.operator.toLowerCase()) ?? "value";
  return results.length === 1 ? base : `${base}_${i}`;
}

function modelText(
  model: WrittenModel,
  written: readonly { readonly nodes: readonly ForeignNode[]; readonly statement: StatementSyntax }[],
  result: StatementSyntax,
): string {
  const declaration: ModelDeclaration = {
    kind: "model",
    name: model.name,
    nameSpan: nowhere,
    documentation: model.documentation.map(shownName).join("\n"),
    span: nowhere,
    inputs: model.inputs.map(({ name, type }) => ({ name, type: typeSyntax(type, true), variadic: false, span: nowhere })),
    results: model.outputs.map(({ name, type }) => ({ name, type: typeSyntax(type, true), span: nowhere })),
    body: [result],
  };
  const named = new Set<ForeignNode>();
  const statements = written.map(({ nodes, statement }) => {
    const fresh = nodes.filter((node) => !named.has(node));
    for (const node of fresh) named.add(node);
    return [commentOf(fresh), ...printBody([statement]).split("\n")];
  });
  const lines = [...statements.flat(), ...printBody([result]).split("\n")].filter((line) => line !== "");
  const head = headOf(declaration);
  return `${head}\n${lines.map((line) => `  ${line}`).join("\n")}\n}\n`;
}

/** Everything up to and with the opening brace. */
function headOf(declaration: ModelDeclaration): string {
  const text = printDeclaration({ ...declaration, body: [...declaration.body, ...declaration.body] });
  return text.slice(0, text.lastIndexOf("{") + 1);
}

/** "# Conv conv1, Relu relu1": a node that several calls say is named once. */
function commentOf(nodes: readonly ForeignNode[]): string {
  const texts = [...new Set(nodes.map(({ operator, name }) => shownName(name === "" ? operator : `${operator} ${ending(name)}`)))];
  if (texts.length === 0) return "";
  const rest = texts.length - longestComment;
  return `# ${texts.slice(0, longestComment).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}

/** The end of a long name says most. */
function ending(name: string): string {
  return name.length > longestName ? `...${name.slice(-longestName)}` : name;
}
