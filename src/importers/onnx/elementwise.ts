/** ONNX's elementwise operators and activations. Source: onnx/docs/Operators.md. */
import { type DType, dtypes, isFloat } from "../../ir/dtype.ts";
import type { Value } from "../written_model.ts";
import { alignedOperands, broadcasting, commonLayout, unary } from "./broadcast.ts";
import type { NodeContext, Translation, Translations } from "./context.ts";
import { range } from "./layout.ts";
import { shortestNumber } from "./literal.ts";
import { elementTypeOf, roundedTo } from "./tensor.ts";

/** Of any number of operands, one after another. */
function folded(operator: string): Translation {
  return (context) => {
    const operands = range(context.count);
    const layout = commonLayout(context, operands);
    const [first, ...rest] = alignedOperands(context, operands, layout);
    if (first === undefined) return "has no operands";
    const total = rest.reduce((sum, next) => context.builder.call(operator, [sum, next]), first);
    // One operand is the result itself.
    context.define(typeof total === "number" ? context.use(0) : total, { layout });
    return undefined;
  };
}

const mean: Translation = (context) => {
  const operands = range(context.count);
  const layout = commonLayout(context, operands);
  const [first, ...rest] = alignedOperands(context, operands, layout);
  if (first === undefined) return "has no operands";
  const total = rest.reduce((sum, next) => context.builder.call("add", [sum, next]), first);
  const sum = typeof total === "number" ? context.use(0) : total;
  context.define(rest.length === 0 ? sum : context.builder.call("div", [sum, operands.length]), { layout });
  return undefined;
};

/** Both operands in their layout, as values or numbers. */
function pair(context: NodeContext): { layout: readonly number[]; a: Value | number; b: Value | number } {
  const layout = commonLayout(context, [0, 1]);
  const [a = 0, b = 0] = alignedOperands(context, [0, 1], layout);
  return { layout, a, b };
}

/** ONNX divides integers toward 0; the language rounds down. */
const division: Translation = (context) => {
  const { builder } = context;
  const { layout, a, b } = pair(context);
  const dtype = context.dtype(0);
  if (isFloat(dtype)) context.define(builder.call("div", [a, b]), { layout });
  else if (dtypes[dtype].low === 0) context.define(builder.call("floor_div", [a, b]), { layout });
  else {
    const magnitude = builder.call("floor_div", [sized("abs", a, context), sized("abs", b, context)]);
    const signs = builder.call("mul", [sized("sign", a, context), sized("sign", b, context)]);
    context.define(builder.call("mul", [magnitude, signs]), { layout });
  }
  return undefined;
};

function sized(operator: "abs" | "sign", x: Value | number, context: NodeContext): Value | number {
  if (typeof x !== "number") return context.builder.call(operator, [x]);
  return operator === "abs" ? Math.abs(x) : Math.sign(x);
}

const modulo: Translation = (context) => {
  const { builder } = context;
  const { layout, a, b } = pair(context);
  if (!context.number("fmod", 0)) {
    context.define(builder.call("mod", [a, b]), { layout });
    return undefined;
  }
  const dtype = context.dtype(0);
  if (isFloat(dtype)) context.define(builder.call("fmod", [a, b]), { layout });
  else if (dtypes[dtype].low === 0) context.define(builder.call("mod", [a, b]), { layout });
  else {
    // The remainder of the magnitudes, with the sign of the first.
    const rest = builder.call("mod", [sized("abs", a, context), sized("abs", b, context)]);
    context.define(builder.call("mul", [rest, sized("sign", a, context)]), { layout });
  }
  return undefined;
};

/** A whole power of a float is taken as float; integers are powers of floats, rounded. */
const power: Translation = (context) => {
  const { builder } = context;
  const { layout, a, b } = pair(context);
  const [base, exponent] = [context.dtype(0), context.dtype(1)];
  const asFloat = (x: Value | number, dtype: DType) =>
    typeof x === "number" || isFloat(dtype) ? x : builder.call("cast", [x], { to: "f32" });
  if (b === 2 && typeof a !== "number") {
    context.define(builder.call("mul", [a, a]), { layout });
    return undefined;
  }
  const result = builder.call("pow", [asFloat(a, base), asFloat(b, exponent)]);
  context.define(isFloat(base) ? result : builder.call("cast", [builder.call("round", [result])], { to: base }), { layout });
  return undefined;
};

const clip: Translation = (context) => {
  const { builder } = context;
  const layout = context.layout(0);
  const x = context.use(0, layout);
  const bound = (i: number, name: string): Value | number | undefined => {
    const attribute = context.node.attributes.get(name);
    if (attribute?.kind === "number") return shortestNumber(attribute.value);
    if (!context.has(i)) return undefined;
    const [known] = context.numbers(i) ?? [];
    return known === undefined ? context.use(i) : isFloat(context.dtype(i)) ? shortestNumber(known) : known;
  };
  const [low, high] = [bound(1, "min"), bound(2, "max")];
  if (typeof low !== "object" && typeof high !== "object") {
    if (low === 0 && high === undefined) context.define(builder.call("relu", [x]), { layout });
    else if (low === 0 && high === 6) context.define(builder.call("relu6", [x]), { layout });
    else
      context.define(builder.call("clip", [x], { ...(low === undefined ? {} : { low }), ...(high === undefined ? {} : { high }) }), {
        layout,
      });
    return undefined;
  }
  const raised = low === undefined ? x : builder.call("maximum", [x, low]);
  context.define(high === undefined ? raised : builder.call("minimum", [raised, high]), { layout });
  return undefined;
};

const slope: Translation = (context) => {
  const { builder, opset } = context;
  const [rank, shape] = [context.rank(0), context.shape(1)];
  // Until version 7 the slopes were one for each channel.
  if (opset < 7 && shape.length === 1 && rank > 2) {
    const layout = context.layout(0);
    const extents = layout.map((dimension) => (dimension === 1 ? (shape[0] ?? 1) : 1));
    context.define(builder.call("prelu", [context.use(0, layout), context.reshaped(1, [0], extents)]), { layout });
    return undefined;
  }
  return broadcasting("prelu")(context);
};

/** Along an axis; before version 13 over all dimensions from the axis on, as one. */
function alongAxis(operator: string): Translation {
  return (context) => {
    const { builder, opset } = context;
    const rank = context.rank(0);
    const given = context.number("axis", opset >= 13 ? -1 : 1);
    const axis = given < 0 ? given + rank : given;
    if (opset >= 13 || axis === rank - 1) {
      const layout = context.layout(0);
      const last = layout.indexOf(axis) === rank - 1;
      context.define(builder.call(operator, [context.use(0, layout)], last ? {} : { axis: layout.indexOf(axis) }), { layout });
      return undefined;
    }
    const shape = context.shape(0);
    const flat = builder.reshape(context.use(0), [...shape.slice(0, axis), -1]);
    context.define(builder.reshape(builder.call(operator, [flat]), shape));
    return undefined;
  };
}

const parameter = (context: NodeContext, attribute: string, otherwise: number) => shortestNumber(context.number(attribute, otherwise));

/** The conversion of a constant is made now. */
function cast(target: (context: NodeContext) => DType | string): Translation {
  return (context) => {
    const to = target(context);
    const isDType = (name: string): name is DType => Object.hasOwn(dtypes, name);
    if (!isDType(to)) return to;
    const constant = context.constant(0);
    if (constant) {
      context.defineConstant(roundedTo(constant, to));
      return undefined;
    }
    const layout = context.layout(0);
    const x = context.use(0, layout);
    const wanted = to === "i64" ? "i32" : to;
    context.define(x.type.dtype === wanted ? x : context.builder.call("cast", [x], { to: wanted }), { layout });
    return undefined;
  };
}

const castTarget = (context: NodeContext): DType | string => {
  const code = context.number("to", 0);
  return elementTypeOf(code)?.dtype ?? `converts to ONNX's type ${code}, which the language lacks`;
};

/** x / (1 + e^(-alpha x)). */
const swish: Translation = (context) => {
  const alpha = parameter(context, "alpha", 1);
  if (alpha === 1) return unary("silu")(context);
  const { builder } = context;
  const layout = context.layout(0);
  const x = context.use(0, layout);
  const gate = builder.call("sigmoid", [builder.call("mul", [x, alpha])]);
  context.define(builder.call("mul", [x, gate]), { layout });
  return undefined;
};

const isInfinite: Translation = (context) => {
  const { builder } = context;
  const layout = context.layout(0);
  const x = context.use(0, layout);
  const [negative, positive] = [context.number("detect_negative", 1), context.number("detect_positive", 1)];
  if (negative && positive) context.define(builder.call("is_inf", [x]), { layout });
  else if (!negative && !positive)
    context.define(builder.call("logical_and", [builder.call("is_inf", [x]), builder.call("is_nan", [x])]), { layout });
  else context.define(builder.call("equal", [x, positive ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY]), { layout });
  return undefined;
};

const shrink: Translation = (context) => {
  const { builder } = context;
  const layout = context.layout(0);
  const x = context.use(0, layout);
  const [limit, bias] = [parameter(context, "lambd", 0.5), parameter(context, "bias", 0)];
  const lower = builder.call("select", [builder.call("less", [x, -limit]), builder.call("add", [x, bias]), 0]);
  context.define(builder.call("select", [builder.call("greater", [x, limit]), builder.call("sub", [x, bias]), lower]), { layout });
  return undefined;
};

const shift: Translation = (context) => broadcasting(context.text("direction", "LEFT") === "LEFT" ? "left_shift" : "right_shift")(context);

/** In inference nothing is dropped: the result is the operand, and the mask is true everywhere. */
const dropout: Translation = (context) => {
  const [training] = context.numbers(2) ?? [0];
  const [ratio] = context.numbers(1) ?? [context.number("ratio", 0.5)];
  if (context.has(2) && !context.constant(2)) return { operand: 2 };
  if (training && context.has(1) && !context.constant(1)) return { operand: 1 };
  if (training && ratio !== 0) return "drops elements in training";
  const layout = context.layout(0);
  const x = context.use(0, layout);
  context.define(x, { layout });
  // Before version 10 the mask had the operand's type.
  if (context.wants(1)) {
    const all = context.builder.call("full", [], { shape: context.shape(0), value: 1 });
    context.define(context.opset < 10 ? all : context.builder.call("cast", [all], { to: "bool" }), { result: 1 });
  }
  return undefined;
};

const identityOf: Translation = (context) => {
  const constant = context.constant(0);
  if (constant) context.defineConstant(constant);
  else context.define(context.use(0, context.layout(0)), { layout: context.layout(0) });
  return undefined;
};

const unaries = {
  Abs: "abs",
  Acos: "acos",
  Acosh: "acosh",
  Asin: "asin",
  Asinh: "asinh",
  Atan: "atan",
  Atanh: "atanh",
  BitwiseNot: "bitwise_not",
  Ceil: "ceil",
  Cos: "cos",
  Cosh: "cosh",
  Erf: "erf",
  Exp: "exp",
  Floor: "floor",
  Log: "log",
  Neg: "neg",
  Not: "logical_not",
  Reciprocal: "reciprocal",
  Round: "round",
  Sign: "sign",
  Sin: "sin",
  Sinh: "sinh",
  Sqrt: "sqrt",
  Tan: "tan",
  Tanh: "tanh",
  IsNaN: "is_nan",
  Relu: "relu",
  Sigmoid: "sigmoid",
  Softplus: "softplus",
  Softsign: "softsign",
  Mish: "mish",
  HardSwish: "hard_swish",
} as const;

const binaries = {
  Add: "add",
  Sub: "sub",
  Mul: "mul",
  Less: "less",
  LessOrEqual: "less_equal",
  Greater: "greater",
  GreaterOrEqual: "greater_equal",
  Equal: "equal",
  And: "logical_and",
  Or: "logical_or",
  Xor: "logical_xor",
  BitwiseAnd: "bitwise_and",
  BitwiseOr: "bitwise_or",
  BitwiseXor: "bitwise_xor",
} as const;

export const elementwiseTranslations: Translations = {
  ...Object.fromEntries(Object.entries(unaries).map(([name, operator]) => [name, unary(operator)])),
  ...Object.fromEntries(Object.entries(binaries).map(([name, operator]) => [name, broadcasting(operator)])),
  BitShift: shift,
  Cast: cast(castTarget),
  CastLike: cast((context) => context.dtype(1)),
  Celu: unary("celu", (context) => ({ alpha: parameter(context, "alpha", 1) })),
  Clip: clip,
  Div: division,
  Dropout: dropout,
  Elu: unary("elu", (context) => ({ alpha: parameter(context, "alpha", 1) })),
  Gelu: (context) => unary(context.text("approximate", "none") === "tanh" ? "gelu_tanh" : "gelu")(context),
  HardSigmoid: unary("hard_sigmoid", (context) => ({ slope: parameter(context, "alpha", 0.2), offset: parameter(context, "beta", 0.5) })),
  Hardmax: alongAxis("hardmax"),
  Identity: identityOf,
  IsInf: isInfinite,
  LeakyRelu: unary("leaky_relu", (context) => ({ slope: parameter(context, "alpha", 0.01) })),
  LogSoftmax: alongAxis("log_softmax"),
  Max: folded("maximum"),
  Mean: mean,
  Min: folded("minimum"),
  Mod: modulo,
  PRelu: slope,
  Pow: power,
  Selu: unary("selu", (context) => ({
    alpha: parameter(context, "alpha", 1.6732631921768188),
    gamma: parameter(context, "gamma", 1.0507010221481323),
  })),
  Shrink: shrink,
  Softmax: alongAxis("softmax"),
  Sum: folded("add"),
  Swish: swish,
  ThresholdedRelu: unary("thresholded_relu", (context) => ({ threshold: parameter(context, "alpha", 1) })),
  Where: broadcasting("select", 3),
};
