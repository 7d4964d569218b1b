/**
 * Seeded programs of every level for the round trip: any data that the types allow, whether it means something or not.
 * Names that need quotes, numbers that need care, dtypes that the text would not tell by itself.
 */
import type { Atom, Index } from "../../src/ir/affine.ts";
import type { DefDeclaration, OpDeclaration } from "../../src/ir/declaration.ts";
import { type DType, dtypes } from "../../src/ir/dtype.ts";
import { type Axis, type Compute, dtypeOf, type Expr, type ReduceOp, type ScalarFunction } from "../../src/ir/expr.ts";
import type { AccumulateOp, LoopProgram, Statement } from "../../src/ir/loop.ts";
import type { AttributeValue, Initializer, NnProgram } from "../../src/ir/nn.ts";
import { resultDType, scalarFunctions } from "../../src/ir/scalar_functions.ts";
import type { Buffer, BufferRole, TensorProgram } from "../../src/ir/tensor.ts";
import { createRandom } from "../../src/support/random.ts";

/** Every kind of every union: a kind that is added to the data is missing here, and the test does not compile. */
export const exprKinds: Record<Expr["kind"], true> = {
  constant: true,
  index: true,
  read: true,
  apply: true,
  cast: true,
  select: true,
  reduce: true,
};
export const atomKinds: Record<Atom["kind"], true> = { variable: true, floordiv: true, mod: true, min: true, max: true, read: true };
export const statementKinds: Record<Statement["kind"], true> = {
  for: true,
  sequence: true,
  store: true,
  reduce: true,
  accumulate: true,
  if: true,
  local: true,
};
const roleKinds: Record<BufferRole["kind"], true> = { input: true, weight: true, constant: true, derived: true, temporary: true };
const initializerKinds: Record<Initializer["kind"], true> = {
  zeros: true,
  ones: true,
  constant: true,
  uniform: true,
  he_normal: true,
  glorot_uniform: true,
};

const plainNames = ["x", "y", "conv2d.kernel", "ow.o", "a_b", "h0_1", "blocks.0.conv", "max", "index", "value", "f32", "program", "input"];
const oddNames = [
  "block1/conv:0",
  "if",
  "inf",
  "nan_f64",
  "a b",
  "",
  "a`b",
  'say "x"',
  "back\\slash",
  "line\nbreak",
  "größe",
  "declarations",
  ".5",
  "in",
];
const numbers = [0, -0, 1, -1, 2, 0.5, 0.1, -0.001, 1e-7, 1e21, 1.5e300, 5e-324, 2 ** 53, 16777217, Infinity, -Infinity, Number.NaN];
const dtypeNames = Object.keys(dtypes) as DType[];
/** Those with a notation three times as often: parentheses are theirs. */
export const functionNames = (Object.keys(scalarFunctions) as ScalarFunction[]).flatMap((name) =>
  scalarFunctions[name].infix || name === "neg" || name === "not" ? [name, name, name] : [name],
);
const reduceOps: readonly ReduceOp[] = ["sum", "prod", "max", "min", "argmax", "argmin"];
const accumulateOps: readonly AccumulateOp[] = ["sum", "prod", "max", "min"];

export type Wild = ReturnType<typeof createWild>;

export function createWild(seed: number) {
  const random = createRandom(`wild/${seed}`);
  const chance = (probability: number) => random.uniform() < probability;
  const several = <T>(low: number, high: number, make: () => T): T[] => Array.from({ length: random.integer(low, high) }, make);
  const name = (): string => random.pick(chance(0.2) ? oddNames : plainNames);
  const number = (): number => (chance(0.3) ? random.normal() * 10 ** random.integer(-20, 20) : random.pick(numbers));
  const dtype = (): DType => random.pick(dtypeNames);
  const shape = (): number[] => several(0, 4, () => random.integer(0, 12));
  const numberList = (): number[] => several(0, chance(0.1) ? 200 : 6, number);

  const index = (depth: number): Index => {
    const atoms = new Map(several(0, 3, () => atom(depth)).map((made) => [JSON.stringify(made), made]));
    const coefficient = () => random.pick([1, 1, -1, 2, -3, 16]);
    return {
      terms: [...atoms.values()].map((made) => ({ coefficient: coefficient(), atom: made })),
      constant: random.pick([0, 0, 1, -1, 7, -12]),
    };
  };
  const atom = (depth: number): Atom => {
    const kind = depth <= 0 ? "variable" : random.pick(Object.keys(atomKinds) as Atom["kind"][]);
    switch (kind) {
      case "variable":
        return { kind, name: name() };
      case "floordiv":
      case "mod":
        return { kind, value: index(depth - 1), by: random.integer(1, 9) };
      case "min":
      case "max":
        return { kind, left: index(depth - 1), right: index(depth - 1) };
      case "read":
        return { kind, tensor: name(), indices: several(0, 2, () => index(depth - 1)) };
    }
  };
  const axis = (): Axis => ({ name: name(), extent: random.integer(0, 9) });

  const expr = (depth: number): Expr => {
    const leaves: readonly Expr["kind"][] = ["constant", "index", "read"];
    const kind = random.pick(depth <= 0 ? leaves : (Object.keys(exprKinds) as Expr["kind"][]));
    switch (kind) {
      case "constant":
        return { kind, dtype: dtype(), value: number() };
      case "index":
        return { kind, index: index(2) };
      case "read":
        return {
          kind,
          tensor: name(),
          indices: several(0, 3, () => index(1)),
          dtype: dtype(),
          ...(chance(0.3) ? { otherwise: expr(depth - 1) } : {}),
        };
      case "apply": {
        const called = random.pick(functionNames);
        const args = Array.from({ length: scalarFunctions[called].arity }, () => expr(depth - 1));
        const derived = resultDType(called, dtypeOf(args[0] as Expr));
        return { kind, function: called, args, dtype: (chance(0.8) ? derived : undefined) ?? dtype() };
      }
      case "cast":
        return { kind, dtype: dtype(), value: expr(depth - 1) };
      case "select":
        return { kind, condition: expr(depth - 1), whenTrue: expr(depth - 1), whenFalse: expr(depth - 1) };
      case "reduce": {
        const body = expr(depth - 1);
        const where = chance(0.3) ? { where: expr(depth - 1) } : {};
        return {
          kind,
          op: random.pick(reduceOps),
          axes: several(0, 3, axis),
          ...where,
          body,
          dtype: chance(0.8) ? dtypeOf(body) : dtype(),
        };
      }
    }
  };

  const statement = (depth: number): Statement => {
    const leaves: readonly Statement["kind"][] = ["store", "reduce", "accumulate"];
    const kind = random.pick(depth <= 0 ? leaves : (Object.keys(statementKinds) as Statement["kind"][]));
    const target = () => ({ buffer: name(), indices: several(0, 3, () => index(1)) });
    switch (kind) {
      case "for":
        return {
          kind,
          name: name(),
          extent: random.integer(0, 64),
          mode: random.pick(["serial", "unroll", "vectorize", "parallel"]),
          body: statement(depth - 1),
        };
      case "sequence":
        return { kind, statements: several(0, 3, () => statement(depth - 1)) };
      case "store":
        return { kind, ...target(), value: expr(2) };
      case "accumulate":
        return { kind, ...target(), op: random.pick(accumulateOps), value: expr(2), ...(chance(0.4) ? { where: expr(1) } : {}) };
      case "reduce":
        return {
          kind,
          ...target(),
          dtype: dtype(),
          op: random.pick(accumulateOps),
          over: several(0, 3, name),
          value: expr(2),
          ...(chance(0.4) ? { where: expr(1) } : {}),
          accumulator: name(),
          finish: expr(2),
        };
      case "if":
        return { kind, condition: expr(2), body: statement(depth - 1) };
      case "local":
        return {
          kind,
          name: name(),
          dtype: dtype(),
          shape: shape(),
          scope: random.pick(["register", "memory"]),
          body: statement(depth - 1),
        };
    }
  };

  const initializer = (): { initializer?: Initializer } => {
    if (chance(0.3)) return {};
    const kind = random.pick(Object.keys(initializerKinds) as Initializer["kind"][]);
    if (kind === "constant") return { initializer: { kind, value: number() } };
    return { initializer: kind === "uniform" ? { kind, low: number(), high: number() } : { kind } };
  };
  const role = (): BufferRole => {
    const kind = random.pick(Object.keys(roleKinds) as BufferRole["kind"][]);
    if (kind === "weight") return { kind, path: name(), ...initializer() };
    return kind === "constant" ? { kind, data: numberList() } : { kind };
  };
  const width = () => several(0, 3, () => random.integer(0, 3));
  const buffer = (): Buffer => ({
    name: name(),
    dtype: dtype(),
    shape: shape(),
    role: role(),
    ...(chance(0.3) ? { halo: { before: width(), after: width(), fill: number() } } : {}),
    ...(chance(0.2) ? { layout: several(0, 4, () => random.integer(0, 3)) } : {}),
    ...(chance(0.2) ? { aliasOf: name() } : {}),
    ...(chance(0.2) ? { overwrites: name() } : {}),
    ...(chance(0.5) ? { offset: random.integer(0, 1 << 20) } : {}),
  });
  const output = () => ({ name: name(), value: name() });
  const phase = () => random.pick(["build", "run"] as const);
  const compute = (): Compute => ({ name: name(), dtype: dtype(), axes: several(0, 3, axis), value: expr(4) });

  const attribute = (depth: number): AttributeValue => {
    const make = random.pick([number, () => chance(0.5), name, ...(depth > 0 ? [() => several(0, 3, () => attribute(depth - 1))] : [])]);
    return make();
  };

  const tensorProgram = (): TensorProgram => ({
    name: name(),
    buffers: several(0, 6, buffer),
    groups: several(0, 4, () => ({ name: name(), phase: phase(), computes: several(0, 3, compute) })),
    inputs: several(0, 3, name),
    outputs: several(0, 3, output),
  });
  const loopProgram = (): LoopProgram => ({
    name: name(),
    buffers: several(0, 6, buffer),
    nests: several(0, 4, () => ({ name: name(), phase: phase(), result: name(), trace: several(0, 3, name), body: statement(4) })),
    inputs: several(0, 3, name),
    outputs: several(0, 3, output),
    arenaBytes: random.integer(0, 1 << 30),
  });
  /** `declarations` are real ones: how they are printed is tested with their own printer. */
  const nnProgram = (declarations: Pick<NnProgram, "operators" | "definitions">): NnProgram => {
    const value = () => ({ name: name(), type: { dtype: dtype(), shape: shape() } });
    const some = <T extends OpDeclaration | DefDeclaration>(all: ReadonlyMap<string, T>) => new Map([...all].filter(() => chance(0.1)));
    return {
      name: name(),
      inputs: several(0, 3, value),
      weights: several(0, 3, () => ({ ...value(), path: name(), ...initializer() })),
      constants: several(0, 3, () => ({ ...value(), data: numberList() })),
      nodes: several(0, 5, () => ({
        results: several(0, 3, value),
        operator: name(),
        operands: several(0, 3, name),
        attributes: Object.fromEntries(several(0, 3, () => [name(), attribute(2)])),
      })),
      outputs: several(0, 3, output),
      operators: some(declarations.operators),
      definitions: some(declarations.definitions),
    };
  };
  return {
    random,
    chance,
    several,
    name,
    number,
    dtype,
    shape,
    numberList,
    initializer,
    output,
    phase,
    expr,
    statement,
    tensorProgram,
    loopProgram,
    nnProgram,
  };
}

/** How often each `kind` occurs anywhere inside. */
export function countKinds(value: unknown, counts: Map<string, number>): void {
  if (Array.isArray(value)) for (const item of value) countKinds(item, counts);
  else if (value !== null && typeof value === "object") {
    if ("kind" in value && typeof value.kind === "string") counts.set(value.kind, (counts.get(value.kind) ?? 0) + 1);
    for (const item of Object.values(value)) countKinds(item, counts);
  }
}
