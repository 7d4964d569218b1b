/** Which sketch fits a nest: by the structure of what it computes, never by the name of an operator. */
import type { SketchDeclaration, Syntax } from "../ir/declaration.ts";
import type { Expr } from "../ir/expr.ts";
import type { For } from "../ir/loop.ts";
import { exactJson } from "../support/exact_json.ts";
import { type Leaf, leavesOf } from "./nest.ts";
import type { Context } from "./primitive.ts";
import { chainTo } from "./primitives/stage_registers.ts";
import { producerLoops } from "./producer.ts";
import { evaluateCondition } from "./step_expressions.ts";
import type { StepValue } from "./step_values.ts";

type Read = Extract<Expr, { kind: "read" }>;

/** What the names of a sketch stand for in one nest. */
export type SketchMatch = { readonly names: ReadonlyMap<string, StepValue> };

/** The first way in which the sketch fits: operands in either order, each axis the first or last that its condition admits. */
export function matchSketch(sketch: SketchDeclaration, context: Context): SketchMatch | undefined {
  const chain = chainTo(context.nest.body);
  const [leaf] = leavesOf(context.nest.body);
  if (!chain || !leaf || chain.some((loop) => loop.mode !== "serial")) return undefined;
  const own: Part = { chain, leaf };
  for (const operands of matchStructure(sketch.structure, leaf)) {
    const { producer } = sketch;
    const names = producer
      ? bindWithProducer(sketch, producer, own, operands, context)
      : bindAxes(sketch, own, undefined, operands, context);
    if (names) return { names };
  }
  return undefined;
}

/** The loops and the statement of a nest. */
type Part = { readonly chain: readonly For[]; readonly leaf: Leaf };

/** The first way in which the nest that computes the operand has its structure, with names as `compute` will give them. */
function bindWithProducer(
  sketch: SketchDeclaration,
  producer: NonNullable<SketchDeclaration["producer"]>,
  own: Part,
  operands: Operands,
  context: Context,
) {
  const tensor = operands.get(producer.tensor)?.tensor;
  const body = tensor === undefined ? undefined : producerLoops(tensor, context);
  const chain = body && chainTo(body);
  const [leaf] = body ? leavesOf(body) : [];
  if (!body || !chain || !leaf) return undefined;
  // Conditions ask about the loops of both.
  const both: Context = { ...context, nest: { ...context.nest, body: { kind: "sequence", statements: [context.nest.body, body] } } };
  for (const more of matchStructure(producer.structure, leaf)) {
    const names = bindAxes(sketch, own, { chain, leaf }, new Map([...operands, ...more]), both);
    if (names) return names;
  }
  return undefined;
}

function bindAxes(sketch: SketchDeclaration, { chain, leaf }: Part, producer: Part | undefined, operands: Operands, context: Context) {
  const over = new Set([leaf, producer?.leaf].flatMap((each) => (each?.statement.kind === "reduce" ? each.statement.over : [])));
  const tensors = [...operands].map(([name, read]): [string, StepValue] => [
    name,
    { kind: "tensor", name: read.tensor, indices: read.indices },
  ]);
  const result: StepValue = { kind: "tensor", name: leaf.statement.buffer, indices: leaf.statement.indices };
  const names = new Map<string, StepValue>([["result", result], ...tensors]);
  const taken = new Set<string>();
  for (const axis of sketch.axes) {
    const candidates = (axis.of === undefined ? chain : (producer?.chain ?? [])).filter(
      (loop) => !taken.has(loop.name) && loop.extent > 1 && over.has(loop.name) === (axis.kind === "reduction"),
    );
    const ordered = axis.which === "last" ? candidates.reverse() : candidates;
    const found = ordered.find((loop) => {
      const bound = new Map(names).set(axis.name, { kind: "loop", name: loop.name });
      return !axis.where || evaluateCondition(axis.where, bound, context);
    });
    if (!found && !axis.optional) return undefined;
    if (found) taken.add(found.name);
    names.set(axis.name, found ? { kind: "loop", name: found.name } : { kind: "none" });
  }
  const remaining = chain.filter((loop) => !taken.has(loop.name));
  const named = (loops: readonly For[]): StepValue => ({ kind: "loops", names: loops.map((loop) => loop.name) });
  names.set("rest", named(remaining.filter((loop) => !over.has(loop.name))));
  names.set("reduction", named(remaining.filter((loop) => over.has(loop.name))));
  return !sketch.where || evaluateCondition(sketch.where, names, context) ? names : undefined;
}

type Operands = ReadonlyMap<string, Read>;

/** Every assignment of the pattern's names to reads of the leaf. */
function matchStructure(pattern: Syntax, { statement }: Leaf): Operands[] {
  if (pattern.kind === "name" && pattern.name === "map") return statement.kind === "store" ? [new Map()] : [];
  if (pattern.kind !== "call" || statement.kind !== "reduce" || pattern.callee !== statement.op) return [];
  const [body] = pattern.arguments;
  return body ? matchValue(body.value, statement.value, new Map()) : [];
}

const infix: { readonly [symbol: string]: string } = { "+": "add", "-": "sub", "*": "mul", "/": "div" };

function matchValue(pattern: Syntax, expr: Expr, bound: Operands): Operands[] {
  if (pattern.kind === "name" && pattern.name === "_") return [bound];
  if (pattern.kind === "name") {
    if (expr.kind !== "read") return [];
    const known = bound.get(pattern.name);
    // A name that stands twice stands for one read: of the same element of the same tensor.
    return known && exactJson(known) !== exactJson(expr) ? [] : [new Map(bound).set(pattern.name, expr)];
  }
  if (pattern.kind === "call" && expr.kind === "apply" && expr.function === pattern.callee)
    return matchAll(
      pattern.arguments.map((argument) => argument.value),
      expr.args,
      bound,
    );
  if (pattern.kind !== "binary" || expr.kind !== "apply" || expr.function !== infix[pattern.operator]) return [];
  const [left, right] = expr.args;
  if (!left || !right) return [];
  const operands = [pattern.left, pattern.right];
  const commutes = expr.function === "add" || expr.function === "mul";
  return [...matchAll(operands, [left, right], bound), ...(commutes ? matchAll(operands, [right, left], bound) : [])];
}

function matchAll(patterns: readonly Syntax[], exprs: readonly Expr[], bound: Operands): Operands[] {
  if (patterns.length !== exprs.length) return [];
  return patterns.reduce<Operands[]>(
    (found, pattern, i) => found.flatMap((names) => matchValue(pattern, exprs[i] as Expr, names)),
    [bound],
  );
}
