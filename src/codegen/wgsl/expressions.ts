/** Expressions of a shader as WGSL. A truth value is an i32 or a mask in kernels and a bool in WGSL: each is spelled as its place needs it. */
import type { Range } from "../../ir/affine.ts";
import { type DType, dtypes } from "../../ir/dtype.ts";
import type { KernelExpr, KernelType } from "../../ir/kernel.ts";
import { childrenOfKernel } from "../../ir/kernel_parts.ts";
import { kernelTypes, typeOfKernel } from "../../ir/kernel_type.ts";
import { scalarFunctions } from "../../ir/scalar_functions.ts";
import { strengths } from "../../ir/wgsl_functions.ts";
import { exactJson } from "../../support/exact_json.ts";
import { invariant, unreachable } from "../../support/invariant.ts";
import type { Helper } from "./helpers.ts";
import { dividesPlainly } from "./intervals.ts";
import type { Names } from "./names.ts";
import { primary, spellingOf, type Text, typeName, within } from "./spelling.ts";
import { loadElement, type Place, type Storage } from "./storage.ts";

export type ExprContext = {
  readonly names: Names;
  readonly storages: ReadonlyMap<string, Storage>;
  readonly intervals: Map<string, Range>;
  /** Notes that the shader needs the helper, and gives its name. */
  use(helper: Helper): string;
  /** How a whole number stands in the text: as it is, or by a name. */
  integer(value: number): string;
};

type Apply = Extract<KernelExpr, { kind: "apply" }>;
type Load = Extract<KernelExpr, { kind: "load" }>;

const lanesNames = ["x", "y", "z", "w"] as const;

/** As kernels have it: a truth value is 0 or 1, in vectors 0 or -1. */
export function valueText(expr: KernelExpr, context: ExprContext): Text {
  const go = (inner: KernelExpr) => valueText(inner, context);
  switch (expr.kind) {
    case "constant":
      return constantText(expr.type, expr.value, context);
    case "get":
      return primary(context.names(expr.name));
    case "load":
      return loadText(expr, context);
    case "apply":
      return applyText(expr, context);
    case "multiply_add": {
      const [a, b, c] = expr.args.map(go);
      invariant(a && b && c, "a multiply_add has three operands");
      const factors = `${within(strengths.product, a)} * ${within(strengths.unary, b)}`;
      return { text: `${within(strengths.sum, c)} + ${factors}`, strength: strengths.sum };
    }
    case "select":
      return callText("select", [go(expr.otherwise), go(expr.whenTrue), conditionText(expr.condition, context)]);
    case "splat":
      return callText(typeName(expr.type), [go(expr.value)]);
    case "extract": {
      const value = within(strengths.primary, go(expr.value));
      return primary(`${value}.${lanesNames[expr.lane] ?? "x"}`);
    }
    case "replace":
      return replaceText(expr, context);
    case "convert": {
      const value = isConstant(expr.value) ? runtime(expr.value, context) : go(expr.value);
      if (expr.type === "i32" && expr.from === "f32") return callText(context.use("saturated"), [value]);
      if (expr.type === "i32x4" && expr.from === "f32x4") return callText(context.use("saturated_lanes"), [value]);
      return callText(typeName(expr.type), [value]);
    }
    case "wrap":
      return wrapText(expr.dtype, typeOfKernel(expr.value), go(expr.value));
    case "base":
    case "host":
      throw new Error(`internal error: a shader has ${expr.kind === "base" ? `the address of ${expr.buffer}` : `host ${expr.function}`}`);
    default:
      return unreachable(expr);
  }
}

/** As a bool, or on vectors a vector of them. */
export function conditionText(expr: KernelExpr, context: ExprContext): Text {
  const vector = kernelTypes[typeOfKernel(expr)].lanes > 1;
  if (expr.kind === "apply") {
    const spelling = spellingOf(expr.function, expr.on);
    const [a, b] = expr.args;
    if (spelling.kind === "compare" && a && b) return compareText(spelling.operator, a, b, context);
    if (!vector && spelling.kind === "not" && a)
      return { text: `!${within(strengths.unary, conditionText(a, context))}`, strength: strengths.unary };
    const isLogic = spelling.kind === "logic" || (expr.function === "bit_and" && expr.args.every(isTruth));
    if (!vector && isLogic && a && b) {
      const operator = spelling.kind === "logic" ? spelling.operator : "&&";
      const [left, right] = [a, b].map((arg) => within(operandOf(operator, arg), conditionText(arg, context)));
      return { text: `${left} ${operator} ${right}`, strength: strengths.logic };
    }
  }
  const zero = vector ? "vec4i(0)" : "0";
  return { text: `${within(strengths.shift, valueText(expr, context))} != ${zero}`, strength: strengths.compare };
}

/** `a && b && c` needs no parentheses; `&&` inside `||` does. */
function operandOf(operator: "&&" | "||", arg: KernelExpr): number {
  const same = arg.kind === "apply" && (operator === "&&" ? arg.function === "and" || arg.function === "bit_and" : arg.function === "or");
  return same ? strengths.logic : strengths.compare;
}

/** Whether an i32 is 0 or 1 for all that its expression says. */
function isTruth(expr: KernelExpr): boolean {
  if (expr.kind !== "apply") return false;
  return scalarFunctions[expr.function].gives === "bool" || (expr.function === "bit_and" && expr.args.every(isTruth));
}

/** A device need not know NaN; what differs from itself has the bits of one. */
function compareText(operator: string, a: KernelExpr, b: KernelExpr, context: ExprContext): Text {
  const type = typeOfKernel(a);
  if (operator === "!=" && type.startsWith("f") && exactJson(a) === exactJson(b))
    return callText(context.use(type === "f32x4" ? "not_number_lanes" : "not_number"), [valueText(a, context)]);
  const [left, right] = [a, b].map((arg) => within(strengths.shift, valueText(arg, context)));
  return { text: `${left} ${operator} ${right}`, strength: strengths.compare };
}

function applyText(expr: Apply, context: ExprContext): Text {
  const vector = kernelTypes[expr.on].lanes > 1;
  const spelling = spellingOf(expr.function, expr.on);
  // What is constant is left for the device to compute: a compiler of shaders refuses what overflows.
  const [first, ...others] = expr.args;
  invariant(first, `${expr.function} has no arguments`);
  const head = expr.args.every(isConstant) && expr.on !== "i32" ? runtime(first, context) : valueText(first, context);
  const args = [head, ...others.map((arg) => valueText(arg, context))];
  const [a, b] = args as [Text, Text];
  switch (spelling.kind) {
    case "infix":
      return { text: `${within(spelling.left, a)} ${spelling.operator} ${within(spelling.right, b)}`, strength: spelling.own };
    case "prefix":
      return { text: `${spelling.operator}${within(strengths.primary, a)}`, strength: strengths.unary };
    case "call":
      return callText(spelling.name, args);
    case "compare": {
      const condition = compareText(spelling.operator, first, others[0] ?? first, context);
      return vector ? callText("select", [primary("vec4i(0)"), primary("vec4i(-1)"), condition]) : truthText(condition);
    }
    case "logic":
      return { text: `${within(strengths.unary, a)} ${spelling.bits} ${within(strengths.unary, b)}`, strength: strengths.bits };
    case "not":
      return vector
        ? { text: `~${within(strengths.primary, a)}`, strength: strengths.unary }
        : truthText({ text: `${within(strengths.shift, a)} == 0`, strength: strengths.compare });
    case "shift":
      return shiftText(spelling.operator, a, others[0] ?? first, b, vector);
    case "bitcast": {
      const target = expr.function === "float_bits" ? "i32" : "f32";
      return callText(`bitcast<${typeName(vector ? `${target}x4` : target)}>`, [a]);
    }
    case "helper": {
      if (vector) throw new Error(`internal error: ${expr.function} has no vectors`);
      const divisor = others[0] ?? first;
      if (!dividesPlainly(first, divisor, context.intervals)) return callText(context.use(spelling.name), args);
      const operator = spelling.name === "floordiv" ? "/" : "%";
      return { text: `${within(strengths.product, a)} ${operator} ${within(strengths.unary, b)}`, strength: strengths.product };
    }
    case "none":
      throw new Error(`internal error: ${expr.function} is not expanded`);
    default:
      return unreachable(spelling);
  }
}

function shiftText(operator: string, a: Text, amount: KernelExpr, b: Text, vector: boolean): Text {
  const value = within(strengths.unary, a);
  const scalar = amount.kind === "splat" ? amount.value : amount;
  const constant = scalar.kind === "constant" ? `${scalar.value & 31}u` : undefined;
  const count = vector
    ? constant !== undefined
      ? `vec4u(${constant})`
      : `(vec4u(${b.text}) & vec4u(31u))`
    : (constant ?? `(u32(${b.text}) & 31u)`);
  return { text: `${value} ${operator} ${count}`, strength: strengths.shift };
}

function wrapText(dtype: DType, type: KernelType, value: Text): Text {
  const vector = kernelTypes[type].lanes > 1;
  const operand = within(strengths.unary, value);
  if (dtypes[dtype].low === 0) return { text: `${operand} & ${vector ? "vec4i(255)" : "255"}`, strength: strengths.bits };
  const count = vector ? "vec4u(24u)" : "24u";
  return { text: `(${operand} << ${count}) >> ${count}`, strength: strengths.shift };
}

function truthText(condition: Text): Text {
  return callText("select", [primary("0"), primary("1"), condition]);
}

/** Lanes given one by one are a constructor; else a helper replaces one. */
function replaceText(expr: Extract<KernelExpr, { kind: "replace" }>, context: ExprContext): Text {
  const lanes: (KernelExpr | undefined)[] = [undefined, undefined, undefined, undefined];
  let root: KernelExpr = expr;
  for (; root.kind === "replace"; root = root.vector) lanes[root.lane] ??= root.value;
  if (root.kind === "splat") {
    const begin = root.value;
    return callText(
      typeName(expr.type),
      lanes.map((lane) => valueText(lane ?? begin, context)),
    );
  }
  if (root.kind === "get") {
    const name = context.names(root.name);
    return callText(
      typeName(expr.type),
      lanes.map((lane, i) => (lane ? valueText(lane, context) : primary(`${name}.${lanesNames[i]}`))),
    );
  }
  const helper = context.use(expr.type === "f32x4" ? "replaced_f32" : "replaced_i32");
  return callText(helper, [valueText(expr.vector, context), primary(String(expr.lane)), valueText(expr.value, context)]);
}

function loadText(load: Load, context: ExprContext): Text {
  const name = context.names(load.buffer);
  const storage = context.storages.get(load.buffer);
  invariant(storage, `no buffer ${load.buffer}`);
  const at = placeText(load.address, load.offset, context);
  if (kernelTypes[load.type].lanes === 1) return primary(loadElement(name, at, storage, context.use));
  if (load.splat) return callText(typeName(load.type), [primary(loadElement(name, at, storage, context.use))]);
  if (storage.kind === "vectors") return primary(`${name}[${at.text}]`);
  return callText(
    typeName(load.type),
    elementsOfVector(at).map((place) => primary(loadElement(name, place, storage, context.use))),
  );
}

/** The four elements of a vector whose address counts vectors. */
export function elementsOfVector(at: Place): Place[] {
  return Array.from({ length: 4 }, (_, i) => {
    if (at.constant !== undefined) return { text: String(at.constant * 4 + i), constant: at.constant * 4 + i };
    return { text: i === 0 ? `(${at.text}) * 4` : `(${at.text}) * 4 + ${i}`, constant: undefined };
  });
}

export function placeText(address: KernelExpr, offset: number, context: ExprContext): Place {
  if (address.kind === "constant") return { text: String(address.value + offset), constant: address.value + offset };
  const value = valueText(address, context);
  // An offset of 0 may be another number in a shader that shares the text.
  const added = context.integer(offset);
  return { text: added === "0" ? value.text : `${within(strengths.sum, value)} + ${added}`, constant: undefined };
}

function isConstant(expr: KernelExpr): boolean {
  if (expr.kind === "constant") return true;
  const parts = childrenOfKernel(expr);
  return expr.kind !== "load" && parts.length > 0 && parts.every(isConstant);
}

/** A constant that no compiler evaluates. */
function runtime(expr: KernelExpr, context: ExprContext): Text {
  if (expr.kind !== "constant") return valueText(expr, context);
  return callText(context.use(expr.type === "f32" ? "runtime_f32" : "runtime_i32"), [valueText(expr, context)]);
}

function constantText(type: KernelType, value: number, { use, integer }: ExprContext): Text {
  if (type === "i32") {
    if (value === -(2 ** 31)) return primary("i32(-2147483648)");
    return value < 0 ? { text: integer(value), strength: strengths.unary } : primary(integer(value));
  }
  const rounded = Math.fround(value);
  if (Number.isNaN(rounded)) return primary(`${use("not_a_number")}()`);
  if (!Number.isFinite(rounded)) {
    const infinity = `${use("infinity")}()`;
    return rounded > 0 ? primary(infinity) : { text: `-${infinity}`, strength: strengths.unary };
  }
  const isNegative = rounded < 0 || Object.is(rounded, -0);
  const text = `${Math.abs(rounded)}f`;
  return isNegative ? { text: `-${text}`, strength: strengths.unary } : primary(text);
}

export function callText(name: string, args: readonly Text[]): Text {
  return primary(`${name}(${args.map(({ text }) => text).join(", ")})`);
}
