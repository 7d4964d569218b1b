/** The functions that sketches and schedules may call: questions about the nest, and knobs. */
import { add, coefficientOf, constantIndex, scale, variablesOf } from "../ir/affine.ts";
import { casesAlong } from "../ir/cases.ts";
import type { Syntax } from "../ir/declaration.ts";
import { elementCount } from "../ir/dtype.ts";
import { tensorsRead } from "../ir/expr.ts";
import { readsOf } from "../ir/loop_accesses.ts";
import { allocatedShape, shareMemory, stridesOf } from "../ir/tensor.ts";
import type { Checked } from "../support/diagnostic.ts";
import { findLoop, leavesOf, valuesOf } from "./nest.ts";
import type { Context } from "./primitive.ts";
import { tailName } from "./primitives/split.ts";
import { all, type ChooseKnob, chain, given, mistaken, number, numberOf, type StepValue, truth } from "./step_values.ts";

type Tensor = Extract<StepValue, { kind: "tensor" }>;
export type Call = {
  readonly values: readonly StepValue[];
  readonly syntax: Extract<Syntax, { kind: "call" }>;
  readonly context: Context;
  readonly choose: ChooseKnob;
};

export const stepFunctions: ReadonlyMap<string, (call: Call) => Checked<StepValue>> = new Map([
  ["cases", cases],
  ["bound", (call: Call) => chain(argument(call, 0), (axis) => truth(axis.kind !== "none"))],
  ["constant", (call: Call) => chain(tensorAt(call, 0), (tensor) => truth(isConstant(tensor, call.context)))],
  ["divisors", chooseDivisor],
  ["elements", (call: Call) => chain(tensorAt(call, 0), ({ name }) => number(elementsOf(name, call.context)))],
  ["exists", (call: Call) => chain(loopAt(call, 0), (name) => truth(findLoop(call.context.nest.body, name) !== undefined))],
  ["extent", extent],
  ["in_place", (call: Call) => chain(tensorAt(call, 0), (tensor) => truth(isInPlace(tensor, call.context)))],
  ["innermost", innermost],
  ["max", (call: Call) => chain(numbers(call), (list) => number(Math.max(...list)))],
  ["min", (call: Call) => chain(numbers(call), (list) => number(Math.min(...list)))],
  ["one_of", (call: Call) => chain(numbers(call), (list) => number(call.choose("", list)))],
  ["points", points],
  ["readers", (call: Call) => chain(tensorAt(call, 0), ({ name }) => number(readersOf(name, call.context)))],
  ["stride", (call: Call) => tensorAndLoop(call, (tensor, loop) => number(strideOf(tensor, loop, call.context)))],
  ["tails", tails],
  ["using", using],
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

/** The last of the loops that has more than one iteration; nothing where none has. */
function innermost(call: Call): Checked<StepValue> {
  const { context, syntax } = call;
  return chain(argument(call, 0), (loops) => {
    if (loops.kind !== "loops") return mistaken("`innermost` takes `rest` or `reduction`", syntax.span);
    const name = loops.names.findLast((each) => (findLoop(context.nest.body, each)?.extent ?? 1) > 1);
    return given(name === undefined ? { kind: "none" } : { kind: "loop", name });
  });
}

/** The copies of the loops behind a tail that was cut off. */
function tails(call: Call): Checked<StepValue> {
  return chain(argument(call, 0), (loops) => {
    if (loops.kind !== "loops") return mistaken("`tails` takes `rest` or `reduction`", call.syntax.span);
    return given({ kind: "loops", names: loops.names.map(tailName) });
  });
}

/** Whether the nest reads the memory in which the tensor lies, and computes it over what it reads. */
function isInPlace({ name }: Tensor, { nest, buffers }: Context): boolean {
  const read = leavesOf(nest.body).flatMap(({ statement }) => valuesOf(statement).flatMap((value) => [...tensorsRead(value)]));
  return read.some((other) => shareMemory(name, other, buffers));
}

/** Those of the loops that change what is read of a tensor. */
function using(call: Call): Checked<StepValue> {
  return chain(tensorAt(call, 0), ({ indices }) =>
    chain(argument(call, 1), (loops) => {
      if (loops.kind !== "loops") return mistaken("`using` takes a tensor and `rest` or `reduction`", call.syntax.span);
      const used = new Set(indices.flatMap((index) => [...variablesOf(index)]));
      return given({ kind: "loops", names: loops.names.filter((name) => used.has(name)) });
    }),
  );
}

/** How many different expressions the statement's value chooses between along a loop. */
function cases(call: Call): Checked<StepValue> {
  const { nest } = call.context;
  return chain(loopAt(call, 0), (name) => {
    const loop = findLoop(nest.body, name);
    const [leaf] = leavesOf(nest.body);
    if (!loop || !leaf) return mistaken(`the nest ${nest.name} has no loop \`${name}\``, call.syntax.span);
    return number(Math.max(...valuesOf(leaf.statement).map((value) => casesAlong(value, loop))));
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

/** In memory, the border among them. */
function elementsOf(name: string, { buffers }: Context): number {
  const buffer = buffers.get(name);
  return buffer ? elementCount(allocatedShape(buffer)) : 0;
}

/** How many nests of the program read the tensor, by whatever name. */
function readersOf(name: string, { nests, buffers }: Context): number {
  const rootOf = (tensor: string) => buffers.get(tensor)?.aliasOf ?? tensor;
  return nests.filter(({ body }) => [...readsOf(body)].some((read) => rootOf(read) === rootOf(name))).length;
}

function isConstant({ name }: Tensor, { buffers }: Context): boolean {
  const role = buffers.get(name)?.role.kind;
  return role === "weight" || role === "constant" || role === "derived";
}

/** Elements between one iteration of the loop and the next; infinite where that is not constant. */
function strideOf({ name, indices }: Tensor, loop: string, { buffers }: Context): number {
  const buffer = buffers.get(name);
  const strides = buffer ? stridesOf(buffer) : [];
  const position = indices.reduce((sum, index, d) => add(sum, scale(index, strides[d] ?? 1)), constantIndex(0));
  return coefficientOf(position, loop) ?? Infinity;
}
