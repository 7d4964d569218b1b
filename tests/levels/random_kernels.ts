/** Seeded kernel programs for the round trip: any data that the types allow, whether it means something or not. */
import type { KernelExpr, KernelProgram, KernelStatement, KernelType } from "../../src/ir/kernel.ts";
import { typeOfKernel } from "../../src/ir/kernel_type.ts";
import { accumulateOps } from "../../src/ir/loop.ts";
import { scalarFunctions } from "../../src/ir/scalar_functions.ts";
import { functionNames, type Wild } from "./random_programs.ts";

/** Every kind of both unions: a kind that is added to the data is missing here, and the test does not compile. */
export const kernelExprKinds: Record<KernelExpr["kind"], true> = {
  constant: true,
  get: true,
  base: true,
  load: true,
  apply: true,
  multiply_add: true,
  select: true,
  splat: true,
  extract: true,
  replace: true,
  convert: true,
  wrap: true,
  host: true,
};
export const kernelStatementKinds: Record<KernelStatement["kind"], true> = {
  set: true,
  store: true,
  for: true,
  if: true,
  barrier: true,
  subgroup: true,
};

const kernelTypeNames: readonly KernelType[] = ["i32", "f32", "f64", "i32x4", "f32x4"];

export function wildKernelProgram(wild: Wild): KernelProgram {
  const { random, chance, several, name, number, dtype, shape, numberList, initializer, output, phase } = wild;
  const type = (): KernelType => random.pick(kernelTypeNames);
  const lane = () => random.integer(0, 3);

  const expr = (depth: number): KernelExpr => {
    const leaves: readonly KernelExpr["kind"][] = ["constant", "get", "base"];
    const kind = random.pick(depth <= 0 ? leaves : (Object.keys(kernelExprKinds) as KernelExpr["kind"][]));
    const go = () => expr(depth - 1);
    const application = () => {
      const called = random.pick(functionNames);
      return { function: called, args: Array.from({ length: scalarFunctions[called].arity }, go) };
    };
    switch (kind) {
      case "constant":
        return { kind, type: type(), value: number() };
      case "get":
        return { kind, name: name(), type: type() };
      case "base":
        return { kind, buffer: name() };
      case "load":
        return {
          kind,
          type: type(),
          dtype: dtype(),
          buffer: name(),
          address: go(),
          offset: random.integer(0, 2) * 16,
          ...(chance(0.3) ? { splat: true as const } : {}),
        };
      case "apply": {
        const applied = application();
        return { kind, ...applied, on: likely(applied.args[0]) };
      }
      case "multiply_add": {
        const first = go();
        return { kind, on: likely(first), args: [first, go(), go()] };
      }
      case "select": {
        const whenTrue = go();
        return { kind, type: likely(whenTrue), condition: go(), whenTrue, otherwise: go() };
      }
      case "splat":
        return { kind, type: type(), value: go() };
      case "extract":
        return { kind, type: type(), value: go(), lane: lane() };
      case "replace":
        return { kind, type: type(), vector: go(), lane: lane(), value: go() };
      case "convert":
        return { kind, from: type(), type: type(), value: go() };
      case "wrap":
        return { kind, dtype: dtype(), value: go() };
      case "host":
        return { kind, ...application() };
    }
  };
  /** Mostly the type that the text tells by itself. */
  const likely = (value: KernelExpr | undefined): KernelType => (value && chance(0.8) ? typeOfKernel(value) : type());
  const statements = (depth: number) => several(0, 3, () => statement(depth));
  const statement = (depth: number): KernelStatement => {
    const leaves: readonly KernelStatement["kind"][] = ["set", "store"];
    const kind = random.pick(depth <= 0 ? leaves : (Object.keys(kernelStatementKinds) as KernelStatement["kind"][]));
    switch (kind) {
      case "set":
        return { kind, name: name(), type: type(), value: expr(3) };
      case "store":
        return { kind, type: type(), dtype: dtype(), buffer: name(), address: expr(1), offset: random.integer(0, 2) * 4, value: expr(2) };
      case "for":
        return { kind, name: name(), extent: random.integer(0, 64), body: statements(depth - 1) };
      case "if":
        return { kind, condition: expr(2), whenTrue: statements(depth - 1), otherwise: chance(0.5) ? statements(depth - 1) : [] };
      case "barrier":
        return { kind };
      case "subgroup":
        return { kind, op: random.pick(accumulateOps), name: name(), type: type(), value: expr(2) };
    }
  };
  const bytes = () => random.integer(0, 1 << 24);
  return {
    name: name(),
    kernels: several(0, 4, () => ({
      name: name(),
      trace: several(0, 3, name),
      parameters: several(0, 4, () => ({ name: name(), dtype: dtype(), writes: chance(0.5) })),
      body: several(0, 5, () => statement(3)),
    })),
    calls: several(0, 4, () => ({ kernel: name(), nest: name(), phase: phase(), arguments: several(0, 3, name) })),
    placements: several(0, 5, () => ({ buffer: name(), dtype: dtype(), shape: shape(), offset: bytes(), bytes: bytes() })),
    sources: several(0, 4, () => ({
      buffer: name(),
      source: chance(0.5) ? { kind: "weight" as const, path: name(), ...initializer() } : { kind: "constant" as const, data: numberList() },
    })),
    weightBytes: bytes(),
    runBytes: bytes(),
    buildBytes: bytes(),
    inputs: several(0, 3, name),
    outputs: several(0, 3, output),
  };
}
