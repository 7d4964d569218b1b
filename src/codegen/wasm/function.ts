/**
 * Functions of a WebAssembly module as data, one step before binaryen: like kernels, but with calls, and with loops that say how
 * they are counted.
 */
import type { Kernel, KernelExpr, KernelStatement, KernelType } from "../../ir/kernel.ts";
import { stepOf } from "../../ir/kernel_addresses.ts";
import { childrenOfKernel, mapKernelExpr } from "../../ir/kernel_parts.ts";
import { unreachable } from "../../support/invariant.ts";
import { i32, integer } from "../addresses.ts";
import { oneThread } from "./one_thread.ts";

export type WasmFunction = { readonly name: string; readonly parameters: readonly Register[]; readonly body: readonly WasmStatement[] };

export type Register = { readonly name: string; readonly type: KernelType };

export type Call = { readonly kind: "call"; readonly function: string; readonly arguments: readonly KernelExpr[] };

export type WasmStatement =
  | Extract<KernelStatement, { kind: "set" | "store" }>
  | Call
  /** The body once, and again until the register is the limit; sums wrap around, so that an end of memory at 4 GiB is no special case. */
  | { readonly kind: "repeat"; readonly body: readonly WasmStatement[]; readonly register: string; readonly limit: KernelExpr }
  | {
      readonly kind: "if";
      readonly condition: KernelExpr;
      readonly whenTrue: readonly WasmStatement[];
      readonly otherwise: readonly WasmStatement[];
    };

/** The parameter that holds the address where a buffer begins. */
export function baseName(buffer: string): string {
  return `&${buffer}`;
}

/** The function of a kernel: its parameters are the addresses of its buffers. */
export function kernelFunction(kernel: Kernel, name: string, callFor: Rewriting["callFor"]): WasmFunction {
  const parameters = kernel.parameters.map((parameter): Register => ({ name: baseName(parameter.name), type: "i32" }));
  const same: Rewriting = {
    extent: i32,
    term: i32,
    offset: (offset) => ({ offset }),
    register: (register) => register,
    buffer: (buffer) => buffer,
    base: (buffer) => ({ kind: "base", buffer }),
    ...(callFor ? { callFor } : {}),
  };
  return { name, parameters, body: rewriteStatements(kernel.body, same) };
}

/** What a copy of statements has in the place of what stands in them. `isInner`: in a loop that has no loop in it. */
export type Rewriting = {
  extent(value: number): KernelExpr;
  /** An i32 that is added, subtracted or multiplied. */
  term(value: number): KernelExpr;
  /** What an instruction adds to its address: a constant, and before it perhaps a value. */
  offset(value: number, isInner: boolean): { readonly added?: KernelExpr; readonly offset: number };
  register(name: string, type: KernelType): string;
  buffer(name: string): string;
  base(buffer: string): KernelExpr;
  /** A call that does what this statement and the `count - 1` after it do. */
  callFor?(statement: KernelStatement): { readonly call: Call; readonly count: number } | undefined;
};

export function rewriteStatements(list: readonly KernelStatement[], to: Rewriting, isInner = false): WasmStatement[] {
  const rewritten: WasmStatement[] = [];
  for (let i = 0; i < list.length; i++) {
    const statement = list[i] as KernelStatement;
    const replaced = to.callFor?.(statement);
    rewritten.push(...(replaced ? [replaced.call] : rewriteStatement(statement, to, isInner)));
    i += (replaced?.count ?? 1) - 1;
  }
  return rewritten;
}

function rewriteStatement(statement: KernelStatement, to: Rewriting, isInner: boolean): WasmStatement[] {
  const go = (expr: KernelExpr) => rewriteExpr(expr, to, isInner);
  switch (statement.kind) {
    case "set": {
      // What is read is met before what is set.
      const value = go(statement.value);
      return [{ ...statement, name: to.register(statement.name, statement.type), value }];
    }
    case "store":
      return [{ ...statement, ...rewritePlace(statement, to, isInner), value: go(statement.value) }];
    case "for":
      return rewriteLoop(statement, to);
    case "if": {
      const [whenTrue, otherwise] = [
        rewriteStatements(statement.whenTrue, to, isInner),
        rewriteStatements(statement.otherwise, to, isInner),
      ];
      return [{ kind: "if", condition: go(statement.condition), whenTrue, otherwise }];
    }
    case "barrier":
    case "subgroup":
      return oneThread();
    default:
      return unreachable(statement);
  }
}

/**
 * A counter that nothing reads is not counted: the loop ends where a pointer that it advances does, and what would have been the
 * counter holds that end.
 */
function rewriteLoop({ name, extent, body }: Loop, to: Rewriting): WasmStatement[] {
  const inner = (list: readonly KernelStatement[]) => rewriteStatements(list, to, !hasLoop(body));
  const advance = readsRegister(body, name) ? undefined : body.find((statement) => isOnlyAdvance(statement, body));
  if (advance?.kind !== "set") {
    const counter = get(to.register(name, "i32"));
    return countedLoop(counter.name, to.extent(extent), inner(body));
  }
  const pointer = get(to.register(advance.name, "i32"));
  const end = get(to.register(name, "i32"));
  const [count, step] = [to.extent(extent), to.term(stepOf(advance)?.bytes ?? 0)];
  const length = count.kind === "constant" && step.kind === "constant" ? i32(count.value * step.value) : integer("mul", count, step);
  return [
    { kind: "set", name: end.name, type: "i32", value: integer("add", pointer, length) },
    { kind: "repeat", body: inner(body), register: pointer.name, limit: end },
  ];
}

/** `body` for each number from 0 below `extent`, which is at least 1. */
export function countedLoop(counter: string, extent: KernelExpr, body: readonly WasmStatement[]): WasmStatement[] {
  const next = integer("add", get(counter), i32(1));
  return [
    { kind: "set", name: counter, type: "i32", value: i32(0) },
    { kind: "repeat", body: [...body, { kind: "set", name: counter, type: "i32", value: next }], register: counter, limit: extent },
  ];
}

/** Advances a pointer that nothing else in the loop sets. */
function isOnlyAdvance(statement: KernelStatement, body: readonly KernelStatement[]): boolean {
  return statement.kind === "set" && (stepOf(statement)?.bytes ?? 0) > 0 && timesSet(body, statement.name) === 1;
}

function timesSet(list: readonly KernelStatement[], name: string): number {
  return list.reduce((sum, statement) => {
    if (statement.kind === "if") return sum + timesSet(statement.whenTrue, name) + timesSet(statement.otherwise, name);
    if (statement.kind === "for") return sum + timesSet(statement.body, name);
    return sum + (statement.kind === "set" && statement.name === name ? 1 : 0);
  }, 0);
}

function readsRegister(list: readonly KernelStatement[], name: string): boolean {
  const reads = (expr: KernelExpr): boolean => (expr.kind === "get" && expr.name === name) || childrenOfKernel(expr).some(reads);
  return list.some((statement) => {
    switch (statement.kind) {
      case "set":
        return reads(statement.value);
      case "store":
        return reads(statement.address) || reads(statement.value);
      case "for":
        return readsRegister(statement.body, name);
      case "if":
        return reads(statement.condition) || readsRegister([...statement.whenTrue, ...statement.otherwise], name);
      case "barrier":
      case "subgroup":
        return oneThread();
      default:
        return unreachable(statement);
    }
  });
}

const linear: ReadonlySet<string> = new Set(["add", "sub", "mul"]);

function rewriteExpr(expr: KernelExpr, to: Rewriting, isInner: boolean): KernelExpr {
  const go = (inner: KernelExpr) => rewriteExpr(inner, to, isInner);
  switch (expr.kind) {
    case "get":
      return { ...expr, name: to.register(expr.name, expr.type) };
    case "base":
      return to.base(expr.buffer);
    case "load":
      return { ...expr, ...rewritePlace(expr, to, isInner) };
    case "apply":
      if (expr.on !== "i32" || !linear.has(expr.function)) return mapKernelExpr(expr, go);
      return { ...expr, args: expr.args.map((arg) => (arg.kind === "constant" ? to.term(arg.value) : go(arg))) };
    default:
      return mapKernelExpr(expr, go);
  }
}

function rewritePlace(
  { buffer, address, offset: constant }: { readonly buffer: string; readonly address: KernelExpr; readonly offset: number },
  to: Rewriting,
  isInner: boolean,
): { readonly buffer: string; readonly address: KernelExpr; readonly offset: number } {
  const base = rewriteExpr(address, to, isInner);
  const { added, offset } = to.offset(constant, isInner);
  return { buffer: to.buffer(buffer), address: added ? integer("add", base, added) : base, offset };
}

export function hasLoop(list: readonly KernelStatement[]): boolean {
  return list.some(
    (statement) => statement.kind === "for" || (statement.kind === "if" && (hasLoop(statement.whenTrue) || hasLoop(statement.otherwise))),
  );
}

type Loop = Extract<KernelStatement, { kind: "for" }>;

function get(name: string): Extract<KernelExpr, { kind: "get" }> {
  return { kind: "get", name, type: "i32" };
}
