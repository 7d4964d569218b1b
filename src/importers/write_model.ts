/** The text of an imported model; above every statement a comment names the foreign nodes that it says. */
import type { FnDeclaration, ModelDeclaration, StatementSyntax, Syntax } from "../ir/declaration.ts";
import { printBody, printDeclaration } from "../ir/print_declaration.ts";
import { shownName } from "./limits.ts";
import { createNames, reservedWords } from "./names.ts";
import { type Lines, repeatedStretches } from "./repeated_stretches.ts";
import { nameSyntax, nowhere, typeSyntax, weightSyntax } from "./syntax.ts";
import { type PlannedFunction, planFunction, type WrittenFunction, writeFunction } from "./write_function.ts";
import { type Call, callOfLine, type Statement, writeStatements } from "./write_statements.ts";
import type { ForeignNode, Line, WrittenModel } from "./written_model.ts";

/** Nodes that one comment names, and characters of each. */
const longestComment = 6;
const longestName = 48;

export type ModelText = {
  readonly text: string;
  /** Of the weights that the text mentions, the paths that it has for them, by those that they had. */
  readonly paths: ReadonlyMap<string, string>;
};

/** With `blocks`, lines that are repeated become functions. */
export function writeModel(model: WrittenModel, { blocks }: { readonly blocks: boolean }): ModelText {
  const lines = neededLines(model);
  const all: Lines = { lines, weights: model.weights, uses: countUses(lines, model), library: model.library };
  const functions = blocks ? writeFunctions(all, model) : [];
  const spelled = new Map<number, Syntax>(model.inputs.map(({ id, name }) => [id, nameSyntax(name)]));
  for (const [id, { steps, type }] of model.weights) spelled.set(id, weightSyntax(steps, typeSyntax(type)));
  const named = new Map(model.outputs.map(({ id, name }) => [id, name]));
  const calls = callsOf(all, functions);
  const statements = writeStatements({ calls, spelled, named, uses: all.uses, names: model.names, library: model.library });
  const declarations = functions.map(({ declaration }) => declaration);
  return { text: modelText(model, declarations, statements, resultSyntax(model, spelled)), paths: pathsOf(lines, model, functions) };
}

type Replaced = WrittenFunction & Pick<PlannedFunction, "repetition">;

function writeFunctions(all: Lines, model: WrittenModel): readonly Replaced[] {
  const planned = new Map<number, PlannedFunction>();
  const repetitions = repeatedStretches(all, (repetition) => {
    const plan = planFunction(repetition, all);
    if (plan) planned.set(repetition.stretches[0]?.start ?? 0, plan);
    return plan !== undefined;
  });
  const reserved = new Set([...reservedWords(model.library), ...model.library.operators.keys(), model.name]);
  const functions = createNames(reserved);
  const paths = new Set([...model.weights.values()].map(({ steps }) => steps.join(".")));
  return repetitions.flatMap(({ stretches }) => {
    const plan = planned.get(stretches[0]?.start ?? 0);
    if (!plan) return [];
    const written = writeFunction(plan, all, { functions, reserved, paths });
    for (const steps of written.paths.values()) paths.add(steps.join("."));
    return [{ ...written, repetition: plan.repetition }];
  });
}

/** The lines, and in the place of those that a function says its call. */
function callsOf({ lines, weights }: Lines, functions: readonly Replaced[]): readonly Call[] {
  const replaced = new Map(
    functions.flatMap(({ calls, repetition: { length, stretches } }) =>
      stretches.map(({ start }, k) => [start, { call: calls[k] as Call, length }] as const),
    ),
  );
  const calls: Call[] = [];
  for (let i = 0; i < lines.length; ) {
    const { call, length } = replaced.get(i) ?? { call: callOfLine(lines[i] as Line, weights), length: 1 };
    calls.push(call);
    i += length;
  }
  return calls;
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

function countUses(lines: readonly Line[], model: WrittenModel): ReadonlyMap<number, number> {
  const uses = new Map<number, number>();
  for (const id of readBy(lines, model)) uses.set(id, (uses.get(id) ?? 0) + 1);
  return uses;
}

/** What the lines read, and then the interface. */
function readBy(lines: readonly Line[], { outputs }: WrittenModel): readonly number[] {
  const read = lines.flatMap(({ operands }) => operands.flatMap((operand) => (typeof operand === "object" ? [operand.id] : [])));
  return [...read, ...outputs.map(({ id }) => id)];
}

function pathsOf(lines: readonly Line[], model: WrittenModel, functions: readonly WrittenFunction[]): ReadonlyMap<string, string> {
  const own = new Map(functions.flatMap(({ paths }) => [...paths]));
  return new Map(
    readBy(lines, model).flatMap((id) => {
      const steps = model.weights.get(id)?.steps;
      return steps ? [[steps.join("."), (own.get(id) ?? steps).join(".")] as const] : [];
    }),
  );
}

function modelText(
  model: WrittenModel,
  functions: readonly FnDeclaration[],
  written: readonly Statement[],
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
  const statements = written.map(({ nodes, syntax }) => {
    const fresh = nodes.filter((node) => !named.has(node));
    for (const node of fresh) named.add(node);
    return [commentOf(fresh), ...printBody([syntax]).split("\n")];
  });
  const lines = [...statements.flat(), ...printBody([result]).split("\n")].filter((line) => line !== "");
  const before = functions.map((one) => `${printDeclaration(one)}\n\n`).join("");
  return `${before}${headOf(declaration)}\n${lines.map((line) => `  ${line}`).join("\n")}\n}\n`;
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
