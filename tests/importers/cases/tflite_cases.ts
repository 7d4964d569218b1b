/** A case for each operator of TensorFlow Lite on real numbers; those on quantised ones are in tflite_quantised_cases.ts. */
import { type BuiltinOperator, operatorNames } from "../../../src/formats/tflite/operators.ts";
import { activations, type OptionsName, optionsKinds, paddings, schema, tensorTypes } from "../../../src/formats/tflite/schema.ts";
import {
  at,
  averagePool,
  concatenated,
  convolution,
  depthwise,
  fill,
  matrixProduct,
  maxPool,
  samePadding,
  softmaxAlong,
  transposed,
} from "../../operators/definitions.ts";
import { transposedConvolution } from "../../operators/image_definitions.ts";
import { type Tensor, tensor } from "../../operators/tensors.ts";
import { constant, type ImportCase, list } from "./case.ts";
import { erf, unaries } from "./scalars.ts";
import { type Attribute, type Call, cube, image, mapped, random, rows, sharedCalls, zipped } from "./tensorflow_calls.ts";
import { type TfliteNode, tfliteCase } from "./tflite_file.ts";
import { quantisedCases } from "./tflite_quantised_cases.ts";

/** TensorFlow's operators that TensorFlow Lite calls otherwise than their words in capitals. */
const renamed: { readonly [operator: string]: BuiltinOperator } = {
  AddV2: "ADD",
  RealDiv: "DIV",
  Sigmoid: "LOGISTIC",
  Max: "REDUCE_MAX",
  Min: "REDUCE_MIN",
  Prod: "REDUCE_PROD",
  Any: "REDUCE_ANY",
  All: "REDUCE_ALL",
  TopKV2: "TOPK_V2",
  LRN: "LOCAL_RESPONSE_NORMALIZATION",
  PadV2: "PADV2",
  Relu6: "RELU6",
  Atan2: "ATAN2",
};

function builtin(operator: string): BuiltinOperator | undefined {
  const words = renamed[operator] ?? operator.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
  return operatorNames.find((name) => name === words);
}

const reducer: OptionsName = "ReducerOptions";
/** Tables that are not named after their operator. */
const tables: { readonly [operator in BuiltinOperator]?: OptionsName } = {
  MEAN: reducer,
  SUM: reducer,
  REDUCE_MAX: reducer,
  REDUCE_MIN: reducer,
  REDUCE_PROD: reducer,
  REDUCE_ANY: reducer,
  REDUCE_ALL: reducer,
  LOCAL_RESPONSE_NORMALIZATION: "LocalResponseNormalizationOptions",
};
const attributeNames: { readonly [name: string]: string } = {
  depth_radius: "radius",
  SrcT: "in_data_type",
  DstT: "out_data_type",
  num_split: "num_splits",
};

function optionsOf(operator: BuiltinOperator, call: Call): TfliteNode["options"] {
  const squashed = operator.replaceAll("_", "").toLowerCase();
  const known = (Object.keys(optionsKinds) as OptionsName[]).find((name) => name.toLowerCase() === `${squashed}options`);
  const table = tables[operator] ?? known;
  if (!table) return undefined;
  const value = (given: Attribute) => {
    if (given === "REFLECT") return 0;
    return typeof given === "string" ? tensorTypes[given as keyof typeof tensorTypes] : given;
  };
  const named = Object.entries(call.attributes).map(([name, given]) => [attributeNames[name] ?? name, value(given)] as const);
  return { table, value: Object.fromEntries(named.filter(([name]) => schema[table][name] !== undefined)) };
}

const shared: readonly TfliteNode[] = sharedCalls.flatMap((call) => {
  const operator = builtin(call.operator);
  const options = operator && optionsOf(operator, call);
  const of = call.of === undefined ? {} : { of: call.of };
  return operator ? [{ operator, ...of, operands: call.operands, results: call.results, ...(options ? { options } : {}) }] : [];
});

const bias = constant(tensor([3], [0.5, -1, 0.25]));
/** [h, w, c, f] as the definitions have it, and in the order of the file. */
const kernel = random("kernel", 3, 2, 4, 3);
const filters = constant(transposed(kernel, [3, 0, 1, 2]));
const window = { stride: [2, 1], dilation: [1, 2], pad: samePadding([4, 6], [3, 2], [2, 1], [1, 2], "after") };
const plain = { stride: [1, 1], dilation: [1, 1], pad: [0, 0, 0, 0] };
const biased = (x: Tensor) => zipped(x, bias, (a, b) => a + b);
const grouped = random("grouped", 2, 2, 2, 6);
const deep = random("deep", 3, 3, 4, 2);
const deepBias = constant(random("deep bias", 8));

const convolutions: readonly TfliteNode[] = [
  {
    operator: "CONV_2D",
    operands: [image, filters, bias],
    results: [mapped(biased(convolution(image, kernel, window)), (x) => Math.max(x, 0))],
    options: {
      table: "Conv2DOptions",
      value: {
        padding: paddings.same,
        stride_w: 1,
        stride_h: 2,
        dilation_w_factor: 2,
        dilation_h_factor: 1,
        fused_activation_function: activations.relu,
      },
    },
  },
  {
    operator: "CONV_2D",
    of: "groups",
    operands: [image, constant(transposed(grouped, [3, 0, 1, 2])), undefined],
    results: [convolution(image, grouped, plain, 2)],
    options: { table: "Conv2DOptions", value: { padding: paddings.valid, stride_w: 1, stride_h: 1 } },
  },
  {
    operator: "DEPTHWISE_CONV_2D",
    operands: [image, constant(tensor([1, 3, 3, 8], deep.data)), deepBias],
    results: [zipped(depthwise(image, deep, { ...plain, pad: [1, 1, 1, 1] }), deepBias, (a, b) => Math.min(Math.max(a + b, -1), 1))],
    options: {
      table: "DepthwiseConv2DOptions",
      value: { padding: paddings.same, stride_w: 1, stride_h: 1, depth_multiplier: 2, fused_activation_function: activations.relu_n1_to_1 },
    },
  },
  ...transposedConvolutions(),
  ...volumes(),
  ...products(),
];

function transposedConvolutions(): TfliteNode[] {
  const k = random("turned", 3, 2, 3, 4);
  const stored = constant(transposed(k, [2, 0, 1, 3]));
  const spread = { stride: [2, 3], dilation: [1, 1] };
  const whole = transposedConvolution(image, k, { ...spread, pad: [0, 0, 0, 0] }, [0, 0], 1);
  // SAME gives 8 rows of 9, from the first on, and 18 columns of 17.
  const same = transposedConvolution(image, k, { ...spread, pad: [0, 0, 1, 0] }, [0, 1], 1);
  const options = (padding: number) => ({ table: "TransposeConvOptions", value: { padding, stride_w: 3, stride_h: 2 } }) as const;
  return [
    {
      operator: "TRANSPOSE_CONV",
      operands: [list(...whole.shape), stored, image, bias],
      results: [biased(whole)],
      options: options(paddings.valid),
    },
    {
      operator: "TRANSPOSE_CONV",
      of: "same",
      operands: [list(...same.shape), stored, image],
      results: [same],
      options: options(paddings.same),
    },
  ];
}

function volumes(): TfliteNode[] {
  const [x, k] = [random("volume", 1, 3, 4, 5, 2), random("kernel3", 2, 3, 2, 2, 3)];
  const stride = [1, 2, 1];
  const dilation = [1, 1, 2];
  const pad = samePadding([3, 4, 5], [2, 3, 2], stride, dilation, "after");
  const t = random("turned3", 2, 3, 2, 3, 2);
  const whole = transposedConvolution(x, t, { stride, dilation: [1, 1, 1], pad: [0, 0, 0, 0, 0, 0] }, [0, 0, 0], 1);
  const steps = { stride_d: 1, stride_h: 2, stride_w: 1 };
  return [
    {
      operator: "CONV_3D",
      operands: [x, constant(k), bias],
      results: [mapped(biased(convolution(x, k, { stride, dilation, pad })), (v) => Math.max(v, 0))],
      options: {
        table: "Conv3DOptions",
        value: {
          padding: paddings.same,
          ...steps,
          dilation_d_factor: 1,
          dilation_h_factor: 1,
          dilation_w_factor: 2,
          fused_activation_function: activations.relu,
        },
      },
    },
    {
      operator: "CONV_3D_TRANSPOSE",
      operands: [list(...whole.shape), constant(t), x, bias],
      results: [biased(whole)],
      options: { table: "Conv3DOptions", value: { padding: paddings.valid, ...steps } },
    },
  ];
}

function products(): TfliteNode[] {
  const k = random("matrix", 4, 3);
  const stored = constant(transposed(k, [1, 0]));
  const flat = tensor([6, 4], cube.data);
  const product = biased(matrixProduct(flat, k));
  const batch = random("batch", 2, 4, 5);
  const turned = transposed(batch, [0, 2, 1]);
  return [
    {
      operator: "FULLY_CONNECTED",
      operands: [flat, stored, bias],
      results: [mapped(product, (x) => Math.min(Math.max(x, 0), 6))],
      options: { table: "FullyConnectedOptions", value: { fused_activation_function: activations.relu6 } },
    },
    {
      operator: "FULLY_CONNECTED",
      of: "keeps dimensions",
      operands: [cube, stored, bias],
      results: [tensor([2, 3, 3], product.data)],
      options: { table: "FullyConnectedOptions", value: { keep_num_dims: 1 } },
    },
    {
      operator: "FULLY_CONNECTED",
      of: "flattens",
      operands: [cube, stored],
      results: [matrixProduct(flat, k)],
      options: { table: "FullyConnectedOptions", value: {} },
    },
    {
      operator: "BATCH_MATMUL",
      operands: [cube, batch],
      results: [matrixProduct(cube, batch)],
      options: { table: "BatchMatMulOptions", value: {} },
    },
    {
      operator: "BATCH_MATMUL",
      of: "transposed",
      operands: [cube, turned],
      results: [matrixProduct(cube, batch)],
      options: { table: "BatchMatMulOptions", value: { adj_y: 1 } },
    },
    {
      operator: "BATCH_MATMUL",
      of: "the first transposed",
      operands: [transposed(cube, [0, 2, 1]), batch],
      results: [matrixProduct(cube, batch)],
      options: { table: "BatchMatMulOptions", value: { adj_x: 1 } },
    },
  ];
}

const size = [3, 2];
const spaced = { stride: [1, 2], dilation: [1, 1], pad: samePadding([4, 6], size, [1, 2], [1, 1], "after") };
const poolOptions = (activation: number) =>
  ({
    table: "Pool2DOptions",
    value: { padding: paddings.same, stride_w: 2, stride_h: 1, filter_width: 2, filter_height: 3, fused_activation_function: activation },
  }) as const;
const squares = mapped(image, (x) => x * x);

const pools: readonly TfliteNode[] = [
  {
    operator: "AVERAGE_POOL_2D",
    operands: [image],
    results: [averagePool(image, size, spaced, false)],
    options: poolOptions(activations.none),
  },
  {
    operator: "MAX_POOL_2D",
    operands: [image],
    results: [mapped(maxPool(image, size, spaced), (x) => Math.min(Math.max(x, 0), 6))],
    options: poolOptions(activations.relu6),
  },
  {
    operator: "L2_POOL_2D",
    operands: [image],
    results: [mapped(averagePool(squares, size, spaced, false), Math.sqrt)],
    options: poolOptions(activations.none),
  },
];

const line = tensor([9], [-4, -3, -1.5, -0.5, 0, 0.5, 1.5, 3, 7]);
const elementwise = (operator: BuiltinOperator, f: (x: number) => number, rest: Partial<TfliteNode> = {}): TfliteNode => ({
  operator,
  operands: [line],
  results: [mapped(line, f)],
  ...rest,
});
const clipped = (low: number, high: number) => (x: number) => Math.min(Math.max(x, low), high);
const added = (activation: number, f: (x: number) => number, of: string): TfliteNode => ({
  operator: "ADD",
  of,
  operands: [line, line],
  results: [mapped(line, (x) => f(2 * x))],
  options: { table: "AddOptions", value: { fused_activation_function: activation } },
});

const others: readonly TfliteNode[] = [
  added(activations.relu, unaries.Relu?.of ?? Number, "relu"),
  added(activations.relu6, clipped(0, 6), "relu6"),
  added(activations.relu_n1_to_1, clipped(-1, 1), "relu_n1_to_1"),
  added(activations.tanh, Math.tanh, "tanh"),
  elementwise("HARD_SWISH", (x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6, { options: { table: "HardSwishOptions", value: {} } }),
  elementwise("RELU_0_TO_1", clipped(0, 1)),
  elementwise("RELU_N1_TO_1", clipped(-1, 1)),
  elementwise("GELU", (x) => (x / 2) * (1 + Math.max(-1, Math.min(1, erf(x / Math.SQRT2)))), {
    options: { table: "GeluOptions", value: { approximate: 0 } },
  }),
  elementwise("GELU", (x) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))), {
    of: "approximate",
    options: { table: "GeluOptions", value: { approximate: 1 } },
  }),
  {
    operator: "SOFTMAX",
    of: "beta",
    operands: [cube],
    results: [
      softmaxAlong(
        mapped(cube, (x) => 0.5 * x),
        2,
      ),
    ],
    options: { table: "SoftmaxOptions", value: { beta: 0.5 } },
  },
  {
    operator: "CONCATENATION",
    operands: [cube, mapped(cube, (x) => -x)],
    results: [mapped(concatenated([cube, mapped(cube, (x) => -x)], 1), (x) => Math.max(x, 0))],
    options: { table: "ConcatenationOptions", value: { axis: -2, fused_activation_function: activations.relu } },
  },
  {
    operator: "GATHER",
    operands: [rows, constant(tensor([3], [2, 0, 2], "i32"))],
    results: [tensor([2, 3], [3, 1, 3, 6, 4, 6])],
    options: { table: "GatherOptions", value: { axis: 1 } },
  },
  {
    operator: "L2_NORMALIZATION",
    operands: [cube],
    results: [
      fill(
        cube.shape,
        (point) => at(cube, point) / Math.sqrt([0, 1, 2, 3].reduce((sum, c) => sum + at(cube, [...point.slice(0, 2), c]) ** 2, 0)),
      ),
    ],
    options: { table: "L2NormOptions", value: {} },
  },
  {
    operator: "BITWISE_XOR",
    operands: [tensor([3], [5, -1, 12], "i32"), tensor([3], [3, 7, 12], "i32")],
    results: [tensor([3], [6, -8, 0], "i32")],
  },
  {
    operator: "RIGHT_SHIFT",
    operands: [tensor([3], [5, -8, 12], "i32"), tensor([3], [1, 2, 0], "i32")],
    results: [tensor([3], [2, -2, 12], "i32")],
  },
  { operator: "ARG_MAX", of: "as i64", operands: [rows, list(1)], results: [tensor([2], [2, 2], "i64")] },
];

export const tfliteCases: readonly ImportCase[] = [...shared, ...convolutions, ...pools, ...others, ...quantisedCases].map(tfliteCase);
