/** Cases for the operators of ONNX that its own suites have none for, or none that is not computed at once. */
import { encodeElements } from "../../../src/cli/io/element_types.ts";
import { attributeTypes, type Message, tensorTypes } from "../../../src/formats/onnx.ts";
import { onnx } from "../../../src/importers/onnx/importer.ts";
import { reduced } from "../../operators/definitions.ts";
import { type Tensor, tensor } from "../../operators/tensors.ts";
import { fileBytes, info, int } from "../onnx_files.ts";
import { channels, convolution, convolved, filters, height, image as integerImage, nearest, width } from "../onnx_integer_files.ts";
import { constant, type ImportCase, type Operand } from "./case.ts";
import { unaries } from "./scalars.ts";
import { mapped, random, zipped } from "./tensorflow_calls.ts";

type OnnxNodeCase = {
  readonly operator: string;
  readonly of?: string;
  readonly operands: readonly Operand[];
  readonly attributes?: readonly Message[];
  readonly result: Tensor;
  readonly opset?: number;
};

function onnxCase({ operator, of, operands, attributes = [], result, opset = 17 }: OnnxNodeCase): ImportCase {
  const name = (operand: Operand, i: number) => (operand.constant ? `c${i}` : `x${i}`);
  const codeOf = ({ dtype }: Tensor) => dtype as keyof typeof tensorTypes;
  const stored = (operand: Operand, i: number): Message => ({
    name: name(operand, i),
    dims: operand.shape.map(BigInt),
    dataType: tensorTypes[codeOf(operand)],
    rawData: encodeElements(operand.data, operand.dtype),
  });
  const bytes = fileBytes({
    opset,
    nodes: [{ operator, inputs: operands.map(name), outputs: ["y"], attributes }],
    inputs: operands.flatMap((operand, i) => (operand.constant ? [] : [info(name(operand, i), operand.shape, codeOf(operand))])),
    outputs: [info("y", result.shape, codeOf(result))],
    initializers: operands.flatMap((operand, i) => (operand.constant ? [stored(operand, i)] : [])),
  });
  return {
    name: of === undefined ? operator : `${operator}, ${of}`,
    operators: [operator],
    importer: onnx,
    file: { path: "one.onnx", bytes },
    inputs: new Map(operands.flatMap((operand, i) => (operand.constant ? [] : [[name(operand, i), operand] as const]))),
    expected: [result],
  };
}

const float = (name: string, value: number): Message => ({ name, type: attributeTypes.float, f: value });
const text = (name: string, value: string): Message => ({ name, type: attributeTypes.string, s: new TextEncoder().encode(value) });
const numbers = (name: string, values: readonly number[]): Message => ({ name, type: attributeTypes.floats, floats: [...values] });

const functions = "Acos Acosh Asin Asinh Atan Atanh Cos Cosh Sin Sinh Tan".split(" ");
const elementwise = functions.map((operator): OnnxNodeCase => {
  const { of = Number, from: [low, high] = [-3, 3] } = unaries[operator] ?? {};
  const x = tensor(
    [2, 8],
    Array.from({ length: 16 }, (_, i) => Math.fround(low + ((high - low) * i) / 15)),
  );
  return { operator, operands: [x], result: mapped(x, of) };
});

const [i, j] = [tensor([4], [5, -1, 12, 6], "i32"), tensor([4], [3, 7, 10, 6], "i32")];
const [some, other] = [tensor([4], [0, 0, 1, 1], "bool"), tensor([4], [0, 1, 0, 1], "bool")];
const bytes = tensor([3], [1, 6, 200], "u8");
const special = tensor([4], [1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
const [x, image] = [random("x", 2, 3), random("planes", 1, 2, 3, 4)];
const square = tensor([3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9]);

const others: readonly OnnxNodeCase[] = [
  {
    operator: "BitShift",
    operands: [bytes, tensor([3], [1, 2, 0], "u8")],
    attributes: [text("direction", "LEFT")],
    result: tensor([3], [2, 24, 200], "u8"),
  },
  {
    operator: "BitShift",
    of: "right",
    operands: [bytes, tensor([3], [1, 2, 3], "u8")],
    attributes: [text("direction", "RIGHT")],
    result: tensor([3], [0, 1, 25], "u8"),
  },
  { operator: "BitwiseAnd", opset: 18, operands: [i, j], result: zipped(i, j, (a, b) => a & b) },
  { operator: "BitwiseOr", opset: 18, operands: [i, j], result: zipped(i, j, (a, b) => a | b) },
  { operator: "BitwiseXor", opset: 18, operands: [i, j], result: zipped(i, j, (a, b) => a ^ b) },
  { operator: "BitwiseNot", opset: 18, operands: [i], result: mapped(i, (a) => ~a) },
  { operator: "Xor", operands: [some, other], result: tensor([4], [0, 1, 1, 0], "bool") },
  { operator: "IsNaN", operands: [special], result: tensor([4], [0, 1, 0, 0], "bool") },
  { operator: "IsInf", operands: [special], result: tensor([4], [0, 0, 1, 1], "bool") },
  {
    operator: "IsInf",
    of: "above",
    operands: [special],
    attributes: [int("detect_negative", 0)],
    result: tensor([4], [0, 0, 1, 0], "bool"),
  },
  {
    operator: "IsInf",
    of: "below",
    operands: [special],
    attributes: [int("detect_positive", 0)],
    result: tensor([4], [0, 0, 0, 1], "bool"),
  },
  { operator: "EyeLike", operands: [x], attributes: [int("k", 1)], result: tensor([2, 3], [0, 1, 0, 0, 0, 1]) },
  {
    operator: "GlobalLpPool",
    operands: [image],
    attributes: [int("p", 2)],
    result: reduced(image, [2, 3], true, (values) => Math.hypot(...values)),
  },
  { operator: "Hardmax", operands: [tensor([2, 3], [1, 5, 5, 3, 2, 1])], result: tensor([2, 3], [0, 1, 0, 1, 0, 0]) },
  {
    operator: "ImageScaler",
    opset: 9,
    operands: [image],
    attributes: [float("scale", 0.5), numbers("bias", [1, -2])],
    result: zipped(image, tensor([2, 1, 1], [1, -2]), (a, b) => 0.5 * a + b),
  },
  { operator: "NonZero", operands: [constant(tensor([2, 2], [1, 0, 3, 4]))], result: tensor([2, 3], [0, 1, 1, 0, 0, 1], "i64") },
  {
    operator: "OneHot",
    operands: [tensor([2], [2, 0], "i32"), constant(tensor([1], [3], "i64")), constant(tensor([2], [-1, 4]))],
    attributes: [int("axis", 0)],
    result: tensor([3, 2], [-1, 4, -1, -1, 4, -1]),
  },
  {
    operator: "Scatter",
    opset: 9,
    operands: [tensor([2, 3], [1, 2, 3, 4, 5, 6]), constant(tensor([1, 2], [1, 0], "i64")), tensor([1, 2], [9, 8])],
    result: tensor([2, 3], [1, 8, 3, 9, 5, 6]),
  },
  {
    operator: "Shrink",
    operands: [tensor([5], [-2, -0.5, 0, 1, 2])],
    attributes: [float("lambd", 0.75), float("bias", 0.5)],
    result: tensor([5], [-1.5, 0, 0, 0.5, 1.5]),
  },
  { operator: "Trilu", operands: [square], result: tensor([3, 3], [1, 2, 3, 0, 5, 6, 0, 0, 9]) },
  {
    operator: "Trilu",
    of: "below",
    operands: [square, constant(tensor([], [-1], "i64"))],
    attributes: [int("upper", 0)],
    result: tensor([3, 3], [0, 0, 0, 4, 0, 0, 7, 8, 0]),
  },
];

/** A convolution between integers, which the importer makes one of integers. */
const meanings = [
  { scale: 8, zero: -3, dtype: "i8" },
  { scale: 2, zero: 90, dtype: "u8" },
] as const;
const ofIntegers = meanings.map((y): ImportCase => {
  const result = tensor(
    [1, filters, height, width],
    convolved().map((value) => nearest(value, y.scale, y.zero, y.dtype)),
    y.dtype,
  );
  return {
    name: `Conv, between ${y.dtype}`,
    operators: ["Conv", "DequantizeLinear", "QuantizeLinear"],
    importer: onnx,
    file: { path: "integers.onnx", bytes: fileBytes(convolution([], y)) },
    inputs: new Map([["x", tensor([1, channels, height, width], integerImage, "i8")]]),
    expected: [result],
  };
});

export const onnxCases: readonly ImportCase[] = [...[...elementwise, ...others].map(onnxCase), ...ofIntegers];
