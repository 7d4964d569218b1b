/** ONNX's matrix products. */
import { isFloat } from "../../ir/dtype.ts";
import type { Value } from "../written_model.ts";
import { literalOf } from "./broadcast.ts";
import type { NodeContext, Translation, Translations } from "./context.ts";
import { shortestNumber } from "./literal.ts";

/** Operands of one dimension are a row and a column, which are not left in the result. */
const matrixProduct: Translation = (context) => {
  const { builder } = context;
  const [left, right] = [context.shape(0), context.shape(1)];
  const a = left.length === 1 ? context.reshaped(0, [0], [1, left[0] ?? 1]) : context.use(0);
  const b = right.length === 1 ? context.reshaped(1, [0], [right[0] ?? 1, 1]) : context.use(1);
  const isInteger = !isFloat(context.dtype(0));
  const product = isInteger ? builder.call("matmul_integer", [a, b]) : builder.call("matmul", [a, b]);
  const axes = [...(left.length === 1 ? [-2] : []), ...(right.length === 1 ? [-1] : [])];
  context.define(axes.length > 0 ? builder.call("squeeze", [product], { axes }) : product);
  return undefined;
};

/** alpha A B + beta C. */
const generalProduct: Translation = (context) => {
  const { builder } = context;
  const operand = (i: number, flag: string) => context.use(i, context.number(flag, 0) ? [1, 0] : [0, 1]);
  if (context.rank(0) !== 2 || context.rank(1) !== 2) return "multiplies tensors of other than two dimensions";
  const product = builder.call("matmul", [operand(0, "transA"), operand(1, "transB")]);
  const alpha = shortestNumber(context.number("alpha", 1));
  const scaled = alpha === 1 ? product : builder.call("mul", [product, alpha]);
  context.define(added(context, scaled));
  return undefined;
};

function added(context: NodeContext, product: Value): Value {
  const { builder } = context;
  const beta = shortestNumber(context.number("beta", 1));
  if (!context.has(2) || beta === 0) return product;
  const single = literalOf(context, 2);
  if (single !== undefined) return builder.call("add", [product, single * beta]);
  const c = context.use(2);
  const scaled = beta === 1 ? c : builder.call("mul", [c, beta]);
  return builder.call("add", [product, scaled]);
}

export const linearTranslations: Translations = { Gemm: generalProduct, MatMul: matrixProduct };
