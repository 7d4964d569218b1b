/** Expressions of kernels as binaryen expressions, and the loads and stores of every element type. */
import binaryen from "binaryen";
import type { DType } from "../../ir/dtype.ts";
import type { KernelExpr, KernelStatement, KernelType } from "../../ir/kernel.ts";
import { invariant, unreachable } from "../../support/invariant.ts";
import type { Helpers } from "./helpers.ts";
import { type Ref, spell } from "./spelling.ts";

export type Emitter = {
  readonly module: binaryen.Module;
  readonly relaxed: boolean;
  readonly helpers: Helpers;
  local(name: string): Ref;
  base(buffer: string): Ref;
};

/** The C functions that binaryen exports and its JavaScript API does not wrap. */
const raw = binaryen as unknown as { _BinaryenSIMDTernary(module: number, operation: number, a: Ref, b: Ref, c: Ref): Ref };

export function emitExpr(expr: KernelExpr, emitter: Emitter): Ref {
  const { module } = emitter;
  const go = (inner: KernelExpr) => emitExpr(inner, emitter);
  switch (expr.kind) {
    case "constant":
      return emitConstant(expr.type, expr.value, module);
    case "get":
      return emitter.local(expr.name);
    case "base":
      return emitter.base(expr.buffer);
    case "load":
      return loadElement(expr, emitter);
    case "apply":
      return emitApply(expr, emitter);
    case "multiply_add":
      return emitMultiplyAdd(expr, emitter);
    case "select":
      if (expr.type.endsWith("x4")) return module.v128.bitselect(go(expr.whenTrue), go(expr.otherwise), go(expr.condition));
      return module.select(go(expr.condition), go(expr.whenTrue), go(expr.otherwise));
    case "splat":
      if (expr.value.kind === "constant") return constantVector(expr.type, expr.value.value, module);
      return expr.type === "f32x4" ? module.f32x4.splat(go(expr.value)) : module.i32x4.splat(go(expr.value));
    case "extract":
      return laneMethod(module, expr.type === "f32" ? "f32x4" : "i32x4").extract_lane(go(expr.value), expr.lane);
    case "replace":
      return laneMethod(module, expr.type).replace_lane(go(expr.vector), expr.lane, go(expr.value));
    case "convert":
      return emitConvert(expr, emitter);
    case "wrap":
      return emitWrap(expr, emitter);
    case "host":
      return emitter.helpers.host(expr.function, expr.args.map(go));
    default:
      return unreachable(expr);
  }
}

function emitConstant(type: KernelType, value: number, module: binaryen.Module): Ref {
  switch (type) {
    case "i32":
      return module.i32.const(value);
    case "f32":
      return module.f32.const(value);
    case "f64":
      return module.f64.const(value);
    case "i32x4":
    case "f32x4":
      return constantVector(type, value, module);
    default:
      return unreachable(type);
  }
}

function constantVector(type: KernelType, value: number, module: binaryen.Module): Ref {
  const bytes = type === "f32x4" ? new Float32Array(4).fill(value) : new Int32Array(4).fill(value);
  return module.v128.const([...new Uint8Array(bytes.buffer)]);
}

/** A lane is an immediate of the instruction, not an expression. */
function laneMethod(
  module: binaryen.Module,
  type: KernelType,
): { extract_lane(vector: Ref, lane: number): Ref; replace_lane(vector: Ref, lane: number, value: Ref): Ref } {
  return type === "f32x4" ? module.f32x4 : module.i32x4;
}

function emitApply(expr: Extract<KernelExpr, { kind: "apply" }>, emitter: Emitter): Ref {
  const { module, helpers } = emitter;
  const go = (inner: KernelExpr) => emitExpr(inner, emitter);
  const [first, second] = expr.args;
  invariant(first, `${expr.function} has no arguments`);
  const limited = emitLimit(expr, emitter);
  if (limited !== undefined) return limited;
  const method = spell(module, expr.function, expr.on);
  if (expr.on === "i32x4" && (expr.function === "shift_left" || expr.function === "shift_right") && second && method) {
    invariant(second.kind === "splat", "lanes shift by one common amount");
    return method(go(first), go(second.value));
  }
  if (method) return second ? method(go(first), go(second)) : (method as (value: Ref) => Ref)(go(first));
  switch (expr.function) {
    case "float_bits":
      return expr.on === "f32" ? module.i32.reinterpret(go(first)) : go(first);
    case "bits_float":
      return expr.on === "i32" ? module.f32.reinterpret(go(first)) : go(first);
    case "neg":
      return module.i32.sub(module.i32.const(0), go(first));
    case "abs":
      return module.select(module.i32.lt_s(go(first), module.i32.const(0)), module.i32.sub(module.i32.const(0), go(first)), go(first));
  }
  invariant(second, `${expr.function} on ${expr.on} has no spelling`);
  switch (expr.function) {
    case "min":
      return module.select(module.i32.lt_s(go(first), go(second)), go(first), go(second));
    case "max":
      return module.select(module.i32.gt_s(go(first), go(second)), go(first), go(second));
    case "floordiv":
    case "mod": {
      const shift = second.kind === "constant" && second.value > 0 ? Math.log2(second.value) : -1;
      if (!Number.isInteger(shift) || shift < 0) return helpers[expr.function](go(first), go(second));
      return expr.function === "mod"
        ? module.i32.and(go(first), module.i32.const(2 ** shift - 1))
        : module.i32.shr_s(go(first), module.i32.const(shift));
    }
  }
  throw new Error(`internal error: ${expr.function} on ${expr.on} has no spelling`);
}

/**
 * The larger or smaller of a vector and a constant that is a number. `max` is some eight instructions on x86, which has no such
 * thing, and `pmax(x, c)`, which is x < c ? c : x, is one; NaN stays NaN in both. They differ where a zero meets a zero: adding 0
 * to the result makes the zero positive, as max(-0, 0) is.
 */
function emitLimit({ function: name, on, args }: Extract<KernelExpr, { kind: "apply" }>, emitter: Emitter): Ref | undefined {
  if (on !== "f32x4" || (name !== "max" && name !== "min")) return undefined;
  const { module } = emitter;
  const [first, second] = args as readonly [KernelExpr, KernelExpr];
  const [bound, value] = constantLanes(first) === undefined ? [constantLanes(second), first] : [constantLanes(first), second];
  if (bound === undefined || Number.isNaN(bound)) return undefined;
  const constant = constantVector("f32x4", bound, module);
  if (name === "min") return bound === 0 ? undefined : module.f32x4.pmin(emitExpr(value, emitter), constant);
  const larger = module.f32x4.pmax(emitExpr(value, emitter), constant);
  if (bound !== 0) return larger;
  return Object.is(bound, 0) ? module.f32x4.add(larger, constantVector("f32x4", 0, module)) : undefined;
}

/** The number in every lane, where it is one constant. */
function constantLanes(expr: KernelExpr): number | undefined {
  if (expr.kind === "constant") return expr.value;
  return expr.kind === "splat" && expr.value.kind === "constant" ? expr.value.value : undefined;
}

function emitMultiplyAdd(expr: Extract<KernelExpr, { kind: "multiply_add" }>, emitter: Emitter): Ref {
  const { module } = emitter;
  const [a, b, c] = expr.args.map((arg) => emitExpr(arg, emitter)) as [Ref, Ref, Ref];
  switch (expr.on) {
    case "f32x4":
      if (emitter.relaxed) return raw._BinaryenSIMDTernary(module.ptr, binaryen.RelaxedMaddVecF32x4, a, b, c);
      return module.f32x4.add(module.f32x4.mul(a, b), c);
    case "f32":
      return module.f32.add(module.f32.mul(a, b), c);
    case "f64":
      return module.f64.add(module.f64.mul(a, b), c);
    case "i32":
      return module.i32.add(module.i32.mul(a, b), c);
    case "i32x4":
      return module.i32x4.add(module.i32x4.mul(a, b), c);
    default:
      return unreachable(expr.on);
  }
}

function emitConvert(expr: Extract<KernelExpr, { kind: "convert" }>, emitter: Emitter): Ref {
  const { module } = emitter;
  const value = emitExpr(expr.value, emitter);
  switch (`${expr.from} ${expr.type}`) {
    case "f32 i32":
      return module.i32.trunc_s_sat.f32(value);
    case "f64 i32":
      return module.i32.trunc_s_sat.f64(value);
    case "i32 f32":
      return module.f32.convert_s.i32(value);
    case "i32 f64":
      return module.f64.convert_s.i32(value);
    case "f32 f64":
      return module.f64.promote(value);
    case "f64 f32":
      return module.f32.demote(value);
    case "f32x4 i32x4":
      return module.i32x4.trunc_sat_f32x4_s(value);
    case "i32x4 f32x4":
      return module.f32x4.convert_i32x4_s(value);
    default:
      throw new Error(`internal error: no conversion from ${expr.from} to ${expr.type}`);
  }
}

function emitWrap(expr: Extract<KernelExpr, { kind: "wrap" }>, emitter: Emitter): Ref {
  const { module } = emitter;
  const value = emitExpr(expr.value, emitter);
  const vector = isVectorValue(expr.value);
  if (expr.dtype === "u8")
    return vector ? module.v128.and(value, constantVector("i32x4", 0xff, module)) : module.i32.and(value, module.i32.const(0xff));
  invariant(expr.dtype === "i8", `nothing wraps to ${expr.dtype}`);
  const amount = () => module.i32.const(24);
  if (vector) return module.i32x4.shr_s(module.i32x4.shl(value, amount()), amount());
  return module.i32.shr_s(module.i32.shl(value, amount()), amount());
}

function isVectorValue(expr: KernelExpr): boolean {
  switch (expr.kind) {
    case "apply":
    case "multiply_add":
      return expr.on.endsWith("x4");
    case "wrap":
      return isVectorValue(expr.value);
    case "base":
    case "host":
      return false;
    default:
      return expr.type.endsWith("x4");
  }
}

function loadElement(expr: Extract<KernelExpr, { kind: "load" }>, emitter: Emitter): Ref {
  const { module } = emitter;
  const { offset, type, dtype } = expr;
  const address = emitExpr(expr.address, emitter);
  if (type === "f32x4" || type === "i32x4")
    return expr.splat ? module.v128.load32_splat(offset, 4, address) : module.v128.load(offset, 4, address);
  switch (dtype) {
    case "f32":
      return module.f32.load(offset, 4, address);
    case "f64":
      return module.f64.load(offset, 8, address);
    case "i32":
    case "i64":
      return module.i32.load(offset, 4, address);
    case "i8":
      return module.i32.load8_s(offset, 1, address);
    case "u8":
    case "bool":
      return module.i32.load8_u(offset, 1, address);
    case "f16":
      return emitter.helpers.f16ToF32(module.i32.load16_u(offset, 2, address));
    default:
      return unreachable(dtype);
  }
}

export function storeElement(statement: Extract<KernelStatement, { kind: "store" }>, emitter: Emitter): Ref {
  const { module } = emitter;
  const { offset, type, dtype } = statement;
  const address = emitExpr(statement.address, emitter);
  const value = emitExpr(statement.value, emitter);
  if (type === "f32x4" || type === "i32x4") return module.v128.store(offset, 4, address, value);
  return storeScalar(module, dtype, offset, address, value, emitter.helpers);
}

function storeScalar(module: binaryen.Module, dtype: DType, offset: number, address: Ref, value: Ref, helpers: Helpers): Ref {
  switch (dtype) {
    case "f32":
      return module.f32.store(offset, 4, address, value);
    case "f64":
      return module.f64.store(offset, 8, address, value);
    case "i32":
    case "i64":
      return module.i32.store(offset, 4, address, value);
    case "i8":
    case "u8":
    case "bool":
      return module.i32.store8(offset, 1, address, value);
    case "f16":
      return module.i32.store16(offset, 2, address, helpers.f32ToF16(value));
    default:
      return unreachable(dtype);
  }
}
