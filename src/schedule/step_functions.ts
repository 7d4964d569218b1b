/** The functions that sketches and schedules may call: questions about the nest, and knobs. */
import { add, coefficientOf, constantIndex, scale, variablesOf } from "../ir/affine.ts";
import type { Syntax } from "../ir/declaration.ts";
import { rowMajorStrides } from "../ir/dtype.ts";
import { allocatedShape } from "../ir/tensor.ts";
import type { Checked } from "../support/diagnostic.ts";
import { findLoop } from "./nest.ts";
import type { Context } from "./primitive.ts";
import { all, type ChooseKnob, chain, given, mistaken, number, numberOf, type StepValue, truth } from "./step_values.ts";

type Tensor = Extract<StepValue, { kind: "tensor" }>;
export type Call = {
  readonly values: readonly StepValue[];
  readonly syntax: Extract<Syntax, { kind: "call" }>;
  readonly context: Context;
  readonly choose: ChooseKnob;
};

export const stepFunctions: ReadonlyMap<string, (call: Call) => Checked<StepValue>> = new Map([
  ["bound", (call: Call) => chain(argument(call, 0), (axis) => truth(axis.kind !== "none"))],
  ["constant", (call: Call) => chain(tensorAt(call, 0), (tensor) => truth(isConstant(tensor, call.context)))],
  ["divisors", chooseDivisor],
  ["extent", extent],
  ["max", (call: Call) => chain(numbers(call), (list) => number(Math.max(...list)))],
  ["min", (call: Call) => chain(numbers(call), (list) => number(Math.min(...list)))],
  ["one_of", (call: Call) => chain(numbers(call), (list) => number(call.choose("", list)))],
  ["points", points],
  ["stride", (call: Call) => tensorAndLoop(call, (tensor, loop) => number(strideOf(tensor, loop, call.context)))],
  ["uses", (call: Call) => tensorAndLoop(call, (tensor, loop) => truth(tensor.indices.some((index) => variablesOf(index).has(loop))))],
]);

function argument({ values, syntax }: Call, position: number): Checked<StepValue> {
  const value = values[position];
  const count = position + 1;
  return value ? given(value) : mistaken(`\`${syntax.callee}\` takes ${count} argument${count === 1 ? "" : "s"} or more`, syntax.span);
}

function tensorAt(call: Call, position: number): Checked<Tensor> {
  return chain(argument(call, position), (value) =>
    value.kind === "tensor" ? given(value) : mistaken("expected a tensor here", call.syntax.span),
  );
}

function loopAt(call: Call, position: number): Checked<string> {
  return chain(argument(call, position), (value) =>
    value.kind === "loop" ? given(value.name) : mistaken("expected a loop here", call.syntax.span),
  );
}

function tensorAndLoop(call: Call, answer: (tensor: Tensor, loop: string) => Checked<StepValue>): Checked<StepValue> {
  return chain(tensorAt(call, 0), (tensor) => chain(loopAt(call, 1), (loop) => answer(tensor, loop)));
}

/** At least one. */
function numbers(call: Call): Checked<number[]> {
  return chain(argument(call, 0), () => all(call.values.map((value) => numberOf(value, call.syntax.span))));
}

function extent(call: Call): Checked<StepValue> {
  const { context, syntax } = call;
  if (call.values[0]?.kind === "none") return number(1);
  return chain(loopAt(call, 0), (name) => {
    const loop = findLoop(context.nest.body, name);
    return loop ? number(loop.extent) : mistaken(`the nest ${context.nest.name} has no loop \`${name}\``, syntax.span);
  });
}

function points(call: Call): Checked<StepValue> {
  const { context, syntax } = call;
  return chain(argument(call, 0), (loops) => {
    if (loops.kind !== "loops") return mistaken("`points` takes `rest` or `reduction`", syntax.span);
    return number(loops.names.reduce((product, name) => product * (findLoop(context.nest.body, name)?.extent ?? 1), 1));
  });
}

/** Divisors of n up to a limit, the largest first. */
function chooseDivisor(call: Call): Checked<StepValue> {
  return chain(numbers(call), ([n = 1, limit = n]) => {
    if (!Number.isInteger(n) || n < 1) return mistaken("`divisors` takes a whole number of at least 1", call.syntax.span);
    const found: number[] = [];
    for (let candidate = Math.min(n, Math.floor(limit)); candidate >= 1; candidate--) if (n % candidate === 0) found.push(candidate);
    return number(call.choose("", found));
  });
}

function isConstant({ name }: Tensor, { buffers }: Context): boolean {
  const role = buffers.get(name)?.role.kind;
  return role === "weight" || role === "constant" || role === "derived";
}

/** Elements between one iteration of the loop and the next; infinite where that is not constant. */
function strideOf({ name, indices }: Tensor, loop: string, { buffers }: Context): number {
  const buffer = buffers.get(name);
  const strides = rowMajorStrides(buffer ? allocatedShape(buffer) : []);
  const position = indices.reduce((sum, index, d) => add(sum, scale(index, strides[d] ?? 1)), constantIndex(0));
  return coefficientOf(position, loop) ?? Infinity;
}
