/** parseNn: the nn level's text; see `src/ir/print_nn.ts`. What follows the line `declarations` is Quern source. */
import type { DefDeclaration, OpDeclaration } from "../../ir/declaration.ts";
import type { Attributes, AttributeValue, NnConstant, NnNode, NnOutput, NnProgram, NnValue, NnWeight } from "../../ir/nn.ts";
import { type Checked, type Diagnostic, errorDiagnostic, type Span } from "../../support/diagnostic.ts";
import { parseSource } from "../parse.ts";
import { requireName, takeHeader, takeInitializer, takeItems, takeNumbers, takePath, takeType } from "./buffers.ts";
import {
  at,
  type Cursor,
  createCursor,
  eat,
  failAt,
  finish,
  nested,
  peek,
  recover,
  spanFrom,
  take,
  takeList,
  takeName,
  takeNumber,
  takeString,
} from "./tokens.ts";

export function parseNn(text: string, file: string): Checked<NnProgram> {
  const { end, source } = splitDeclarations(text);
  const cursor = createCursor(text, file, end);
  if (!takeHeader(cursor, "nn")) return { diagnostics: cursor.diagnostics };
  let name: string | undefined;
  const inputs: NnValue[] = [];
  const weights: NnWeight[] = [];
  const constants: NnConstant[] = [];
  const nodes: NnNode[] = [];
  const outputs: NnOutput[] = [];
  const node = () => {
    nodes.push(takeNode(cursor));
  };
  takeItems(cursor, {
    program: () => {
      name = takeName(cursor);
    },
    input: () => {
      inputs.push(takeValue(cursor));
    },
    weight: () => {
      const value = takeValue(cursor);
      const path = takePath(cursor, value.name);
      weights.push({ ...value, path, ...takeInitializer(cursor) });
    },
    constant: () => {
      const value = takeValue(cursor);
      take(cursor, "=");
      constants.push({ ...value, data: takeNumbers(cursor) });
    },
    output: () => {
      const output = takeName(cursor);
      take(cursor, "=");
      outputs.push({ name: output, value: takeValueName(cursor) });
    },
    "%": node,
    "(": node,
  });
  const declared = takeDeclarations(text, file, source, cursor.diagnostics);
  const program = recover(cursor, () => ({ name: requireName(cursor, name), inputs, weights, constants, nodes, outputs, ...declared }));
  return finish(cursor, program);
}

/** Where the values end and where the source begins. */
function splitDeclarations(text: string): { end: number; source: number } {
  const line = /^declarations[ \t]*(?:\r?\n|$)/m.exec(text);
  return line ? { end: line.index, source: line.index + line[0].length } : { end: text.length, source: text.length };
}

/** Parsed in place: what stands before is blanked, so that spans are those of the whole text. */
function takeDeclarations(
  text: string,
  file: string,
  start: number,
  diagnostics: Diagnostic[],
): Pick<NnProgram, "operators" | "definitions"> {
  const operators = new Map<string, OpDeclaration>();
  const definitions = new Map<string, DefDeclaration>();
  if (start >= text.length) return { operators, definitions };
  const parsed = parseSource(text.slice(0, start).replace(/[^\n]/g, " ") + text.slice(start), file);
  // A mistake at the very end may be pointed at just behind it.
  const inside = (span: Span) => ({ ...span, start: Math.min(span.start, text.length), end: Math.min(span.end, text.length) });
  for (const found of parsed.diagnostics) diagnostics.push(found.span ? { ...found, span: inside(found.span) } : found);
  for (const declaration of parsed.value?.declarations ?? []) {
    const known = declaration.kind === "op" ? operators : declaration.kind === "def" ? definitions : undefined;
    if (!known) {
      const message = `an nn program carries operators and definitions, and \`${declaration.name}\` is a ${declaration.kind}`;
      diagnostics.push(errorDiagnostic("misplaced-declaration", message, { span: declaration.nameSpan }));
    } else if (known.has(declaration.name))
      diagnostics.push(errorDiagnostic("declared-twice", `\`${declaration.name}\` is already declared`, { span: declaration.nameSpan }));
    if (declaration.kind === "op") operators.set(declaration.name, declaration);
    if (declaration.kind === "def") definitions.set(declaration.name, declaration);
  }
  return { operators, definitions };
}

function takeValue(cursor: Cursor): NnValue {
  const name = takeValueName(cursor);
  take(cursor, ":");
  return { name, type: takeType(cursor) };
}

function takeValueName(cursor: Cursor): string {
  take(cursor, "%");
  return takeName(cursor, "a value's name");
}

function takeNode(cursor: Cursor): NnNode {
  const { start } = peek(cursor);
  const names = takeSome(cursor, () => takeValueName(cursor));
  take(cursor, "=");
  const operator = takeName(cursor, "an operator");
  const { operands, attributes } = takeCall(cursor);
  take(cursor, ":");
  const types = takeSome(cursor, () => takeType(cursor));
  if (types.length !== names.length)
    failAt(cursor, "result-count", `${names.length} results are named, and ${types.length} types given`, start);
  const results = names.map((name, i) => ({ name, type: types[i] as NnValue["type"] }));
  return { results, operator, operands, attributes };
}

/** One or several between commas, or `()` for none. */
function takeSome<T>(cursor: Cursor, item: () => T): T[] {
  if (eat(cursor, "(")) {
    take(cursor, ")");
    return [];
  }
  const items = [item()];
  while (eat(cursor, ",")) items.push(item());
  return items;
}

/** `(%x, %k; stride: [1, 1], pad: same)` */
function takeCall(cursor: Cursor): Pick<NnNode, "operands" | "attributes"> {
  take(cursor, "(");
  const operands: string[] = [];
  while (at(cursor, "%")) {
    operands.push(takeValueName(cursor));
    if (!eat(cursor, ",")) break;
  }
  const attributes: [string, AttributeValue][] = [];
  if (eat(cursor, ";")) {
    while (!at(cursor, ")")) {
      const { start } = peek(cursor);
      const name = takeName(cursor, "an attribute");
      if (attributes.some(([known]) => known === name))
        failAt(cursor, "attribute-twice", `the attribute \`${name}\` is given twice`, start);
      take(cursor, ":");
      attributes.push([name, takeAttribute(cursor)]);
      if (!eat(cursor, ",")) break;
    }
  }
  take(cursor, ")");
  return { operands, attributes: Object.fromEntries(attributes) as Attributes };
}

function takeAttribute(cursor: Cursor): AttributeValue {
  const { kind, text } = peek(cursor);
  if (at(cursor, "[")) return nested(cursor, () => takeList(cursor, "[", "]", () => takeAttribute(cursor)));
  if (kind === "string") return takeString(cursor);
  if (kind === "number" || text === "-") return takeNumber(cursor);
  if (kind !== "name")
    return failAt(cursor, "syntax", `expected an attribute's value, found \`${text}\``, spanFrom(cursor, peek(cursor).start).start);
  cursor.position++;
  return text === "true" || text === "false" ? text === "true" : text;
}
