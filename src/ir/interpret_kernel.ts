/**
 * The kernel level's interpreter: the build's calls, then the run's, over one memory, with the arithmetic of the target:
 * i32 wraps, f32 is rounded after every operation, a multiply_add rounds twice.
 */
import { invariant } from "../support/invariant.ts";
import { type DType, dtypes } from "./dtype.ts";
import { wrapTo } from "./evaluate.ts";
import type { ScalarFunction } from "./expr.ts";
import type { Kernel, KernelCall, KernelExpr, KernelProgram, KernelStatement, KernelType, Placement } from "./kernel.ts";
import { kernelTypes } from "./kernel_type.ts";
import { readElement, writeElement } from "./memory_element.ts";
import { scalarFunctions } from "./scalar_functions.ts";

/**
 * Every buffer as it was after the last call that wrote it (the memory may hold another one by the end), with its border
 * if it has one; `given` holds inputs by name and weights by path.
 */
export function interpretKernel(program: KernelProgram, given: ReadonlyMap<string, Float64Array>): Map<string, Float64Array> {
  const memory = new DataView(new ArrayBuffer(program.buildBytes));
  const placements = new Map(program.placements.map((placement) => [placement.buffer, placement]));
  const kernels = new Map(program.kernels.map((kernel) => [kernel.name, kernel]));
  const results = new Map<string, Float64Array>();
  const record = (name: string) => {
    const placement = placements.get(name);
    if (placement) results.set(name, readBuffer(placement, memory));
  };
  const fill = (name: string, values: ArrayLike<number> | undefined) => {
    const placement = placements.get(name);
    invariant(placement && values, `no ${placement ? "values" : "place"} for ${name}`);
    writeBuffer(placement, values, memory);
    record(name);
  };
  for (const { buffer, source } of program.sources) fill(buffer, source.kind === "constant" ? source.data : given.get(source.path));
  const runCalls = (phase: KernelCall["phase"]) => {
    for (const call of program.calls) {
      if (call.phase !== phase) continue;
      const kernel = kernels.get(call.kernel);
      invariant(kernel, `no kernel ${call.kernel}`);
      runKernel(kernel, call, placements, memory);
      call.arguments.forEach((name, i) => {
        if (kernel.parameters[i]?.writes) record(name);
      });
    }
  };
  runCalls("build");
  for (const name of program.inputs) fill(name, given.get(name));
  runCalls("run");
  // What no call writes is another name for memory that one wrote.
  for (const name of placements.keys()) if (!results.has(name)) record(name);
  return results;
}

function readBuffer({ dtype, offset, bytes }: Placement, memory: DataView): Float64Array {
  const size = dtypes[dtype].bytes;
  return Float64Array.from({ length: bytes / size }, (_, i) => readElement(memory, offset + i * size, dtype));
}

function writeBuffer({ buffer, dtype, offset, bytes }: Placement, values: ArrayLike<number>, memory: DataView): void {
  const size = dtypes[dtype].bytes;
  invariant(values.length * size === bytes, `${buffer} has ${bytes / size} elements, and ${values.length} are given`);
  for (let i = 0; i < values.length; i++) writeElement(memory, offset + i * size, dtype, values[i] as number);
}

/** A scalar, or four lanes. */
export type Value = number | readonly number[];
type Evaluate = () => Value;

type Access = {
  readonly kind: "load" | "store";
  readonly buffer: string;
  readonly address: KernelExpr;
  readonly offset: number;
  readonly dtype: DType;
};

/** Where an access of some elements goes: into which memory, and at which byte of it. */
type Locate = (access: Access, elements: number, address: Evaluate) => { readonly memory: DataView; readonly at: () => number };

export type EvaluationContext = {
  readonly registers: Map<string, { value: Value | undefined }>;
  readonly locate: Locate;
  /** The address where a buffer begins. */
  base(buffer: string): number;
};
type Context = EvaluationContext;

function runKernel(kernel: Kernel, call: KernelCall, placements: ReadonlyMap<string, Placement>, memory: DataView): void {
  const bound = new Map<string, Placement>();
  kernel.parameters.forEach(({ name }, i) => {
    const placement = placements.get(call.arguments[i] ?? "");
    invariant(placement, `the call of ${kernel.name} gives nothing for ${name}`);
    bound.set(name, placement);
  });
  const placementOf = (buffer: string): Placement => {
    const placement = bound.get(buffer);
    invariant(placement, `${kernel.name} has no parameter ${buffer}`);
    return placement;
  };
  /** An access outside the buffer that the parameter is bound to is a mistake of whoever made the kernel. */
  const locate: Locate = ({ buffer, offset, dtype }, elements, address) => {
    const placement = placementOf(buffer);
    const bytes = elements * dtypes[dtype].bytes;
    const at = () => {
      const byte = scalar(address()) + offset;
      const inside = byte >= placement.offset && byte + bytes <= placement.offset + placement.bytes;
      invariant(inside, `${kernel.name} accesses ${buffer} at byte ${byte - placement.offset} of ${placement.bytes}`);
      return byte;
    };
    return { memory, at };
  };
  compileStatements(kernel.body, { registers: new Map(), locate, base: (buffer) => placementOf(buffer).offset })();
}

function compileStatements(statements: readonly KernelStatement[], context: Context): () => void {
  const actions = statements.map((statement) => compileStatement(statement, context));
  return () => {
    for (const action of actions) action();
  };
}

function compileStatement(statement: KernelStatement, context: Context): () => void {
  switch (statement.kind) {
    case "set": {
      const value = compileExpr(statement.value, context);
      const register = registerOf(statement.name, context);
      return () => {
        register.value = value();
      };
    }
    case "store":
      return compileStore(statement, context);
    case "for": {
      const counter = registerOf(statement.name, context);
      const body = compileStatements(statement.body, context);
      return () => {
        for (let i = 0; i < statement.extent; i++) {
          counter.value = i;
          body();
        }
      };
    }
    case "if": {
      const condition = compileExpr(statement.condition, context);
      const whenTrue = compileStatements(statement.whenTrue, context);
      const otherwise = compileStatements(statement.otherwise, context);
      return () => (condition() !== 0 ? whenTrue() : otherwise());
    }
    case "barrier":
    case "subgroup":
      throw new Error(`internal error: a ${statement.kind} is outside a shader`);
  }
}

export function compileStore(statement: Extract<KernelStatement, { kind: "store" }>, context: EvaluationContext): () => void {
  const { dtype } = statement;
  const value = compileExpr(statement.value, context);
  const { memory, at } = context.locate(statement, kernelTypes[statement.type].lanes, compileExpr(statement.address, context));
  const size = dtypes[dtype].bytes;
  return () => {
    const stored = value();
    const address = at();
    if (typeof stored === "number") writeElement(memory, address, dtype, stored);
    else for (let i = 0; i < stored.length; i++) writeElement(memory, address + i * size, dtype, stored[i] as number);
  };
}

/** What gives the value of an expression with whatever the registers then hold. */
export function compileExpr(expr: KernelExpr, context: EvaluationContext): Evaluate {
  const go = (inner: KernelExpr) => compileExpr(inner, context);
  switch (expr.kind) {
    case "constant": {
      const value = fill(expr.type, roundTo(kernelTypes[expr.type].element)(expr.value));
      return () => value;
    }
    case "get": {
      const register = registerOf(expr.name, context);
      // A vector that is filled lane by lane begins as zeros, as a target's locals do.
      const zero = fill(expr.type, 0);
      return () => register.value ?? zero;
    }
    case "base": {
      const begin = context.base(expr.buffer);
      return () => begin;
    }
    case "load":
      return compileLoad(expr, context);
    case "apply": {
      const apply = operationOn(expr.function, expr.on);
      const [first, second] = expr.args.map(go);
      invariant(first, `${expr.function} has no arguments`);
      return second ? () => apply(first(), second()) : () => apply(first());
    }
    case "multiply_add": {
      const [multiply, add] = [operationOn("mul", expr.on), operationOn("add", expr.on)];
      const [a, b, c] = [go(expr.args[0]), go(expr.args[1]), go(expr.args[2])];
      return () => add(multiply(a(), b()), c());
    }
    case "select": {
      const [condition, whenTrue, otherwise] = [go(expr.condition), go(expr.whenTrue), go(expr.otherwise)];
      const choose = lanewise((test, yes, no) => (test !== 0 ? yes : no));
      return () => {
        const test = condition();
        // A scalar condition chooses whole values.
        if (typeof test === "number") return test !== 0 ? whenTrue() : otherwise();
        return choose(test, whenTrue(), otherwise());
      };
    }
    case "splat": {
      const value = go(expr.value);
      return () => fill(expr.type, scalar(value()));
    }
    case "extract": {
      const value = go(expr.value);
      return () => (value() as readonly number[])[expr.lane] ?? Number.NaN;
    }
    case "replace": {
      const [vector, value] = [go(expr.vector), go(expr.value)];
      return () => (vector() as readonly number[]).with(expr.lane, scalar(value()));
    }
    case "convert": {
      const value = go(expr.value);
      const convert = lanewise(conversion(expr.from, expr.type));
      return () => convert(value());
    }
    case "wrap": {
      const value = go(expr.value);
      const wrap = lanewise(wrapTo(expr.dtype));
      return () => wrap(value());
    }
    case "host": {
      const [first, second] = expr.args.map(go);
      const { meaning } = scalarFunctions[expr.function];
      invariant(first, `${expr.function} has no arguments`);
      return () => (second ? meaning(scalar(first()), scalar(second())) : meaning(scalar(first())));
    }
  }
}

function compileLoad(expr: Extract<KernelExpr, { kind: "load" }>, context: Context): Evaluate {
  const { dtype, splat, type } = expr;
  const { lanes } = kernelTypes[type];
  const { memory, at } = context.locate(expr, splat ? 1 : lanes, compileExpr(expr.address, context));
  const size = dtypes[dtype].bytes;
  if (lanes === 1) return () => readElement(memory, at(), dtype);
  if (splat) return () => fill(type, readElement(memory, at(), dtype));
  return () => {
    const address = at();
    return Array.from({ length: lanes }, (_, i) => readElement(memory, address + i * size, dtype));
  };
}

export function registerOf(name: string, { registers }: EvaluationContext): { value: Value | undefined } {
  const known = registers.get(name) ?? { value: undefined };
  registers.set(name, known);
  return known;
}

export function scalar(value: Value): number {
  invariant(typeof value === "number", "a scalar is needed, and this has lanes");
  return value;
}

function fill(type: KernelType, value: number): Value {
  const { lanes } = kernelTypes[type];
  return lanes === 1 ? value : new Array<number>(lanes).fill(value);
}

type Operation = (...args: number[]) => number;

function lanewise(operation: Operation): (...args: Value[]) => Value {
  return (...args) => {
    const [first] = args;
    if (typeof first === "number") return operation(...(args as number[]));
    return (first ?? []).map((_, i) => operation(...args.map((arg) => (arg as readonly number[])[i] as number)));
  };
}

function roundTo(element: "i32" | "f32" | "f64"): (value: number) => number {
  if (element === "f32") return Math.fround;
  return element === "i32" ? (value) => value | 0 : (value) => value;
}

/** A function on values of a type. */
export function operationOn(name: ScalarFunction, on: KernelType): (...args: Value[]) => Value {
  return lanewise(operationOf(name, on));
}

/** A function on one lane of a type. */
function operationOf(name: ScalarFunction, on: KernelType): Operation {
  const { element, lanes } = kernelTypes[on];
  const { meaning, gives } = scalarFunctions[name];
  if (gives === "bool") return truthOf(name, lanes > 1);
  if (name === "mul" && element === "i32") return Math.imul;
  const round = gives === "f32" ? Math.fround : gives === "i32" ? roundTo("i32") : roundTo(element);
  return (...args) => round(meaning(...args));
}

/** Comparisons and logic give 0 or 1 on scalars, and masks of 0 or -1 on vectors, where logic works bit by bit. */
function truthOf(name: ScalarFunction, masks: boolean): Operation {
  const { meaning } = scalarFunctions[name];
  if (!masks) return meaning;
  if (name === "and") return (a = 0, b = 0) => a & b;
  if (name === "or") return (a = 0, b = 0) => a | b;
  if (name === "not") return (a = 0) => ~a;
  return (...args) => -meaning(...args) | 0;
}

function conversion(from: KernelType, to: KernelType): Operation {
  const target = kernelTypes[to].element;
  if (target !== "i32" || kernelTypes[from].element === "i32") return (value = 0) => roundTo(target)(value);
  const { low, high } = dtypes.i32;
  return (value = 0) => (Number.isNaN(value) ? 0 : Math.min(high, Math.max(low, Math.trunc(value))) | 0);
}
