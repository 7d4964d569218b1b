/** Random declarations, statements and expressions: every tree that the parser can give, of every kind. */
import type {
  Argument,
  AttributeParameter,
  AttributeType,
  BinaryOperator,
  Binder,
  Declaration,
  DimensionSyntax,
  Pattern,
  ResultParameter,
  StatementSyntax,
  StepSyntax,
  Syntax,
  TensorParameter,
  TypeSyntax,
  WeightStep,
} from "../../src/ir/declaration.ts";
import type { Span } from "../../src/support/diagnostic.ts";
import type { Random } from "../../src/support/random.ts";

const span: Span = { file: "", start: 0, end: 0 };
const names = ["x", "y", "k2", "oh", "same", "kernel", "n", "Blocks", "_", "stride", "in_1"];
const callees = ["f", "relu", "max", "sum", "min", "argmax", "count", "conv2d", "prod"];
const operators: readonly BinaryOperator[] = ["+", "-", "*", "/", "//", "%", "==", "!=", "<", "<=", ">", ">=", "and", "or"];
const reducers = ["sum", "prod", "max", "min", "argmax", "argmin"] as const;
const words = ["", "one line", "  indented", "with `code` // and # signs"];

export const syntaxKinds = [
  "number",
  "boolean",
  "string",
  "name",
  "list",
  "tuple",
  "member",
  "call",
  "pipe",
  "negate",
  "not",
  "binary",
  "if",
  "listFor",
  "range",
  "access",
  "else",
  "inside",
  "reduce",
  "first",
  "weight",
] as const satisfies readonly Syntax["kind"][];

export const statementKinds = [
  "let",
  "assign",
  "equation",
  "require",
  "for",
  "when",
  "value",
] as const satisfies readonly StatementSyntax["kind"][];
export const declarationKinds = [
  "def",
  "op",
  "fn",
  "model",
  "rule",
  "sketch",
  "schedule",
] as const satisfies readonly Declaration["kind"][];

function many<T>(random: Random, low: number, high: number, make: () => T): T[] {
  return Array.from({ length: random.integer(low, high) }, make);
}

function perhaps(random: Random): boolean {
  return random.uniform() < 0.4;
}

/** An expression of at most `depth` levels. */
export function randomSyntax(random: Random, depth: number, kind: (typeof syntaxKinds)[number] = pickKind(random, depth)): Syntax {
  const inner = () => randomSyntax(random, depth - 1);
  const name = () => random.pick(names);
  switch (kind) {
    case "number":
      return { kind, value: random.pick([0, 1, 2, 0.5, 1e-7, 1e21, 224, 3.25, Infinity, Number.NaN]), span };
    case "boolean":
      return { kind, value: perhaps(random), span };
    case "string":
      return { kind, value: random.pick(["", "valid", "a # b", "// c"]), span };
    case "name":
      return { kind, name: name(), span };
    case "list":
      return { kind, items: many(random, 0, 4, () => randomItem(random, depth - 1)), span };
    case "tuple": {
      const [first, ...rest] = many(random, 0, 3, inner);
      return { kind, items: first ? [first, inner(), ...rest] : [], span };
    }
    case "member": {
      const member: Syntax = random.pick([
        { kind: "name", name: name(), span },
        { kind: "number", value: random.integer(0, 12), span },
        inner(),
      ]);
      return { kind, object: inner(), member, span };
    }
    case "call":
      return {
        kind,
        callee: random.pick(callees),
        calleeSpan: span,
        arguments: many(random, 0, 3, () => randomArgument(random, depth - 1)),
        span,
      };
    case "pipe":
      return { kind, value: inner(), call: inner(), span };
    case "negate":
    case "not":
      return { kind, value: inner(), span };
    case "binary":
      return { kind, operator: random.pick(operators), left: inner(), right: inner(), span };
    case "if":
      return { kind, condition: inner(), whenTrue: inner(), whenFalse: inner(), span };
    case "listFor":
      return { kind, binder: randomPattern(random), range: inner(), body: inner(), span };
    case "range":
      return { kind, from: inner(), to: inner(), span };
    case "access":
      return { kind, tensor: inner(), indices: many(random, 0, 3, () => randomItem(random, depth - 1)), span };
    case "else":
      return { kind, read: randomSyntax(random, depth - 1, random.pick(["access", "first"] as const)), otherwise: inner(), span };
    case "inside":
      return { kind, access: inner(), span };
    case "reduce": {
      const binders = many(random, 1, 3, () => randomBinder(random, depth - 1));
      return { kind, op: random.pick(reducers), binders, ...(perhaps(random) ? { where: inner() } : {}), body: inner(), span };
    }
    case "first":
      return { kind, binder: randomBinder(random, depth - 1), body: inner(), span };
    case "weight": {
      const steps = many(
        random,
        0,
        2,
        (): WeightStep => (perhaps(random) ? { kind: "index", index: inner() } : { kind: "name", name: name() }),
      );
      const type = perhaps(random) ? { type: randomType(random, depth - 1) } : {};
      return {
        kind,
        path: [{ kind: "name", name: name() }, ...steps],
        ...type,
        ...(type.type && perhaps(random) ? { initializer: inner() } : {}),
        span,
      };
    }
  }
}

function pickKind(random: Random, depth: number): (typeof syntaxKinds)[number] {
  return depth <= 0 ? random.pick(["number", "name", "name", "boolean", "string"] as const) : random.pick(syntaxKinds);
}

function randomItem(random: Random, depth: number): Syntax {
  const value = randomSyntax(random, depth);
  return perhaps(random) ? { kind: "spread", value, span } : value;
}

function randomArgument(random: Random, depth: number): Argument {
  return perhaps(random) ? { name: random.pick(names), value: randomSyntax(random, depth) } : { value: randomItem(random, depth) };
}

function randomPattern(random: Random): Pattern {
  return perhaps(random)
    ? { names: many(random, 0, 3, () => random.pick(names)), list: true, span }
    : { names: [random.pick(names)], list: false, span };
}

function randomBinder(random: Random, depth: number): Binder {
  return { name: random.pick(names), spread: perhaps(random), ...(perhaps(random) ? { range: randomSyntax(random, depth) } : {}), span };
}

function randomType(random: Random, depth: number): TypeSyntax {
  const dimensions = many(random, 0, 3, (): DimensionSyntax => {
    const value = randomSyntax(random, depth);
    if (value.kind === "name") return { name: value.name, spread: perhaps(random), span };
    if (perhaps(random)) return { value, spread: perhaps(random), span };
    return { name: random.pick(names), value, spread: false, span };
  });
  return { ...(perhaps(random) ? { dtype: random.pick(["f32", "i8", "from"]) } : {}), dimensions, span };
}

export function randomStatement(
  random: Random,
  depth: number,
  kind: (typeof statementKinds)[number] = random.pick(statementKinds),
): StatementSyntax {
  const inner = () => randomSyntax(random, depth);
  const block = (low: number) => (depth <= 0 ? [] : many(random, low, 2, () => randomStatement(random, depth - 1)));
  switch (kind) {
    case "let":
      return { kind, pattern: randomPattern(random), value: inner(), span };
    case "assign":
      return { kind, name: random.pick(names), value: inner(), span };
    case "equation":
      return { kind, result: random.pick(names), indices: many(random, 0, 3, () => randomItem(random, 1)), value: inner(), span };
    case "require":
      return { kind, condition: inner(), ...(perhaps(random) ? { message: random.pick(["", "must hold"]) } : {}), span };
    case "for":
      return { kind, binder: randomPattern(random), range: inner(), body: block(0), span };
    case "when":
      return { kind, condition: inner(), whenTrue: block(0), otherwise: block(0), span };
    case "value":
      return { kind, value: inner(), span };
  }
}

function randomStep(random: Random, depth: number): StepSyntax {
  const kind = random.pick(depth <= 0 ? (["step", "let"] as const) : (["step", "step", "let", "if"] as const));
  const block = () => many(random, 0, 2, () => randomStep(random, depth - 1));
  switch (kind) {
    case "let":
      return { kind, name: random.pick(names), value: randomSyntax(random, depth), span };
    case "if":
      return { kind, condition: randomSyntax(random, depth), whenTrue: block(), whenFalse: block(), span };
    case "step": {
      const clause = (keyword: string) => ({ keyword, arguments: many(random, 0, 3, () => randomItem(random, depth)), span });
      const further = many(random, 0, 2, () => clause(random.pick(["by", "at", "in", "into", "packed", "tail", "with"])));
      return { kind, clauses: [clause(random.pick(["split", "reorder", "stage", "unroll"])), ...further], span };
    }
  }
}

export function randomDeclaration(
  random: Random,
  depth: number,
  kind: (typeof declarationKinds)[number] = random.pick(declarationKinds),
): Declaration {
  const name = random.pick(names);
  const documentation = many(random, 0, 3, () => random.pick(words)).join("\n");
  const common = { name, nameSpan: span, documentation, span };
  const syntax = () => randomSyntax(random, depth);
  const operands = many(
    random,
    0,
    3,
    (): TensorParameter => ({ name: random.pick(names), type: randomType(random, 1), variadic: perhaps(random), span }),
  );
  const scopes = many(random, 0, 2, () => ({ name: random.pick(names), span }));
  const attributes = many(random, 0, 3, () => randomAttribute(random));
  const results = many(random, 0, 3, () => randomResult(random));
  const body = many(random, 0, 4, () => randomStatement(random, depth));
  const steps = many(random, 0, 4, () => randomStep(random, depth));
  const target = random.pick(["wasm", "webgpu"]);
  switch (kind) {
    case "def":
      return { kind, ...common, parameters: many(random, 0, 3, () => random.pick(names)), body: syntax() };
    case "op": {
      const notation = perhaps(random)
        ? { notation: { fixity: random.pick(["infix", "prefix"] as const), symbol: random.pick(["+", "-"]) } }
        : {};
      return { kind, ...common, operands, attributes, ...notation, results, body };
    }
    case "fn":
      return { kind, ...common, operands, scopes, attributes, results, body };
    case "model":
      return { kind, ...common, inputs: operands, results, body };
    case "rule": {
      const where = perhaps(random) ? { where: syntax() } : {};
      const conditions = { ...where, ...(perhaps(random) ? { when: syntax() } : {}) };
      return {
        kind,
        ...common,
        operands,
        attributes,
        pattern: syntax(),
        replacement: syntax(),
        ...conditions,
        reassociates: perhaps(random),
      };
    }
    case "sketch": {
      const producer = perhaps(random) ? { tensor: random.pick(names), structure: syntax() } : undefined;
      const axes = many(random, 0, 3, () => ({
        name: random.pick(names),
        ...(producer && perhaps(random) ? { of: producer.tensor } : {}),
        which: random.pick(["first", "last"] as const),
        kind: random.pick(["parallel", "reduction"] as const),
        ...(perhaps(random) ? { where: syntax() } : {}),
        optional: perhaps(random),
        span,
      }));
      // A condition of the sketch would be the last axis's where that has none.
      const last = axes.at(-1);
      const where = perhaps(random) && (!last || last.where || last.optional) ? { where: syntax() } : {};
      return { kind, ...common, target, structure: syntax(), ...(producer ? { producer } : {}), axes, ...where, steps };
    }
    case "schedule":
      return { kind, ...common, target, layer: random.pick(["conv_2", "block.0.conv", "x.1"]), steps };
  }
}

function randomAttribute(random: Random): AttributeParameter {
  const types = many(random, 1, 3, (): AttributeType => {
    const kind = random.pick(["int", "float", "bool", "string", "dtype", "list", "symbol"] as const);
    if (kind === "list")
      return { kind, of: random.pick(["int", "float", "bool"] as const), ...(perhaps(random) ? { length: randomSyntax(random, 1) } : {}) };
    return kind === "symbol" ? { kind, name: random.pick(["same", "valid"]) } : { kind };
  });
  return { name: random.pick(names), types, ...(perhaps(random) ? { default: randomSyntax(random, 2) } : {}), span };
}

function randomResult(random: Random): ResultParameter {
  const name = random.pick([...names, "result"]);
  return { name, ...(perhaps(random) ? {} : { type: randomType(random, 1) }), span };
}
