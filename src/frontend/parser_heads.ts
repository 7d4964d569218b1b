/** The head of a declaration: tensor parameters, weight scopes, attributes and results. */
import type { AttributeParameter, AttributeType, ResultParameter, ScopeParameter, TensorParameter } from "../ir/declaration.ts";
import { at, type Cursor, eat, expected, inside, listUntil, peek, report, spanFrom, take, takeName } from "./parser_cursor.ts";
import { parseExpression, parseType } from "./parser_expressions.ts";

export type Parameters = {
  readonly operands: readonly TensorParameter[];
  readonly scopes: readonly ScopeParameter[];
  readonly attributes: readonly AttributeParameter[];
};

/** `(x: [n, c], @w; stride: int = 1)`. What a kind of declaration does not take is a mistake. */
export function parseParameters(
  cursor: Cursor,
  whose: string,
  takes: { readonly scopes: boolean; readonly attributes: boolean },
): Parameters {
  return inside(cursor, "(", `and the parameters of ${whose}`, () => {
    const operands: TensorParameter[] = [];
    const scopes: ScopeParameter[] = [];
    while (!at(cursor, ")") && !at(cursor, ";")) {
      if (at(cursor, "@")) scopes.push(parseScope(cursor, whose, takes.scopes));
      else operands.push(parseOperand(cursor));
      if (!eat(cursor, ",")) break;
    }
    const { start } = peek(cursor);
    const attributes = eat(cursor, ";") ? listUntil(cursor, ")", () => parseAttribute(cursor)) : [];
    if (attributes.length > 0 && !takes.attributes)
      report(cursor, "misplaced-parameter", `${whose} takes no attributes`, {
        span: spanFrom(cursor, start),
        help: "only operators, functions and rules do; write the values in the body",
      });
    return { operands, scopes, attributes };
  });
}

function parseScope(cursor: Cursor, whose: string, allowed: boolean): ScopeParameter {
  const { start } = take(cursor, "@");
  const scope = { name: takeName(cursor, "the name of a weight scope after `@`"), span: spanFrom(cursor, start) };
  if (!allowed)
    report(cursor, "misplaced-parameter", `${whose} takes no weight scope`, {
      span: scope.span,
      help: "only a function does: declare an `fn`, or take the weight as an operand",
    });
  return scope;
}

function parseOperand(cursor: Cursor): TensorParameter {
  const { start } = peek(cursor);
  const name = takeName(
    cursor,
    "the name of a tensor parameter",
    at(cursor, "...") ? "a parameter that takes all remaining tensors is `xs: [...s]*`" : undefined,
  );
  const isAttribute = at(cursor, ":") && ["int", "float", "bool", "string", "dtype"].includes(peek(cursor, 1).text) && !at(cursor, "[", 2);
  take(cursor, ":", `and the type of \`${name}\``, `write \`${name}: [n, c]\``);
  if (isAttribute)
    expected(cursor, "a tensor's type", { help: `attributes stand after a \`;\`: \`(...; ${name}: ${peek(cursor).text})\`` });
  const type = parseType(cursor, `the shape of \`${name}\``);
  return { name, type, variadic: eat(cursor, "*"), span: spanFrom(cursor, start) };
}

/** `pad: int[4] | same = same` */
function parseAttribute(cursor: Cursor): AttributeParameter {
  const { start } = peek(cursor);
  const name = takeName(cursor, "the name of an attribute");
  take(cursor, ":", `and the type of the attribute \`${name}\``, `write \`${name}: int\``);
  const types = [parseAttributeType(cursor)];
  while (eat(cursor, "|")) types.push(parseAttributeType(cursor));
  const initial = eat(cursor, "=") ? parseExpression(cursor) : undefined;
  return { name, types, ...(initial ? { default: initial } : {}), span: spanFrom(cursor, start) };
}

function parseAttributeType(cursor: Cursor): AttributeType {
  const word = takeName(cursor, "an attribute's type", "the types are int, float, bool, int[n], string, dtype, and words such as `same`");
  const isElement = word === "int" || word === "float" || word === "bool";
  if (isElement && at(cursor, "[")) {
    const length = inside(cursor, "[", "", () => (at(cursor, "]") ? undefined : parseExpression(cursor)));
    return { kind: "list", of: word, ...(length ? { length } : {}) };
  }
  return isElement || word === "string" || word === "dtype" ? { kind: word } : { kind: "symbol", name: word };
}

/** `-> y: [n]`, `-> f32[n]`, `-> (y: [n], z: [m])`; none without an arrow. */
export function parseResults(cursor: Cursor): ResultParameter[] {
  if (!eat(cursor, "->")) return [];
  if (!at(cursor, "(")) return [parseResult(cursor)];
  return inside(cursor, "(", "", () => listUntil(cursor, ")", () => parseResult(cursor)));
}

function parseResult(cursor: Cursor): ResultParameter {
  const { start } = peek(cursor);
  const isNameless = at(cursor, "[") || (peek(cursor).kind === "name" && at(cursor, "[", 1));
  const name = isNameless ? "result" : takeName(cursor, "a result such as `y: [n, c]`");
  const type = isNameless || eat(cursor, ":") ? parseType(cursor, `the shape of \`${name}\``) : undefined;
  return { name, ...(type ? { type } : {}), span: spanFrom(cursor, start) };
}
