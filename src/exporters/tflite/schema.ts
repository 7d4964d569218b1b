/**
 * The tables of a TensorFlow Lite file (schema version 3) as far as they are written: each field with its position in the
 * table, which is what a FlatBuffer stores it by. Source: schema.fbs of TensorFlow Lite.
 */

export type Scalar = "byte" | "ubyte" | "int" | "uint" | "float" | "bool";
export type FieldType =
  | { readonly kind: "scalar"; readonly of: Scalar }
  | { readonly kind: "string" }
  | { readonly kind: "scalars"; readonly of: "int" }
  /** Bytes at an address that a vector register can load from. */
  | { readonly kind: "bytes"; readonly alignment: number }
  | { readonly kind: "tables"; readonly table: TableName }
  /** A table whose kind another field tells. */
  | { readonly kind: "options"; readonly kindField: string };
export type Field = { readonly position: number; readonly type: FieldType };
export type Table = { readonly [field: string]: Field };

const scalar = (position: number, of: Scalar): Field => ({ position, type: { kind: "scalar", of } });
const text = (position: number): Field => ({ position, type: { kind: "string" } });
const ints = (position: number): Field => ({ position, type: { kind: "scalars", of: "int" } });
const tables = (position: number, table: TableName): Field => ({ position, type: { kind: "tables", table } });
const activation = (position: number): Field => scalar(position, "byte");

export type TableName = "Model" | "OperatorCode" | "SubGraph" | "Tensor" | "Operator" | "Buffer" | OptionsName;

export type OptionsName = keyof typeof optionsKinds;

/** The number of each kind of options in the union `BuiltinOptions`. */
export const optionsKinds = {
  Conv2DOptions: 1,
  DepthwiseConv2DOptions: 2,
  Pool2DOptions: 5,
  FullyConnectedOptions: 8,
  SoftmaxOptions: 9,
  ConcatenationOptions: 10,
  AddOptions: 11,
  ResizeBilinearOptions: 15,
  ReshapeOptions: 17,
  MulOptions: 21,
  PadOptions: 22,
  TransposeOptions: 26,
  ReducerOptions: 27,
  SubOptions: 28,
  DivOptions: 29,
  MaximumMinimumOptions: 39,
  PadV2Options: 43,
  SliceOptions: 48,
  TransposeConvOptions: 49,
  ResizeNearestNeighborOptions: 74,
  LeakyReluOptions: 75,
  HardSwishOptions: 91,
  DepthToSpaceOptions: 94,
  SpaceToDepthOptions: 19,
} as const;

export const schema: { readonly [table in TableName]: Table } = {
  Model: {
    version: scalar(0, "uint"),
    operator_codes: tables(1, "OperatorCode"),
    subgraphs: tables(2, "SubGraph"),
    description: text(3),
    buffers: tables(4, "Buffer"),
  },
  OperatorCode: { deprecated_builtin_code: scalar(0, "byte"), version: scalar(2, "int"), builtin_code: scalar(3, "int") },
  SubGraph: {
    tensors: tables(0, "Tensor"),
    inputs: ints(1),
    outputs: ints(2),
    operators: tables(3, "Operator"),
    name: text(4),
  },
  Tensor: { shape: ints(0), type: scalar(1, "byte"), buffer: scalar(2, "uint"), name: text(3) },
  Operator: {
    opcode_index: scalar(0, "uint"),
    inputs: ints(1),
    outputs: ints(2),
    builtin_options_type: scalar(3, "ubyte"),
    builtin_options: { position: 4, type: { kind: "options", kindField: "builtin_options_type" } },
  },
  Buffer: { data: { position: 0, type: { kind: "bytes", alignment: 16 } } },
  Conv2DOptions: {
    padding: scalar(0, "byte"),
    stride_w: scalar(1, "int"),
    stride_h: scalar(2, "int"),
    fused_activation_function: activation(3),
    dilation_w_factor: scalar(4, "int"),
    dilation_h_factor: scalar(5, "int"),
  },
  DepthwiseConv2DOptions: {
    padding: scalar(0, "byte"),
    stride_w: scalar(1, "int"),
    stride_h: scalar(2, "int"),
    depth_multiplier: scalar(3, "int"),
    fused_activation_function: activation(4),
    dilation_w_factor: scalar(5, "int"),
    dilation_h_factor: scalar(6, "int"),
  },
  Pool2DOptions: {
    padding: scalar(0, "byte"),
    stride_w: scalar(1, "int"),
    stride_h: scalar(2, "int"),
    filter_width: scalar(3, "int"),
    filter_height: scalar(4, "int"),
    fused_activation_function: activation(5),
  },
  TransposeConvOptions: {
    padding: scalar(0, "byte"),
    stride_w: scalar(1, "int"),
    stride_h: scalar(2, "int"),
    fused_activation_function: activation(3),
  },
  FullyConnectedOptions: { fused_activation_function: activation(0), weights_format: scalar(1, "byte"), keep_num_dims: scalar(2, "bool") },
  SoftmaxOptions: { beta: scalar(0, "float") },
  ConcatenationOptions: { axis: scalar(0, "int"), fused_activation_function: activation(1) },
  AddOptions: { fused_activation_function: activation(0) },
  MulOptions: { fused_activation_function: activation(0) },
  SubOptions: { fused_activation_function: activation(0) },
  DivOptions: { fused_activation_function: activation(0) },
  ReshapeOptions: { new_shape: ints(0) },
  ResizeBilinearOptions: { align_corners: scalar(2, "bool"), half_pixel_centers: scalar(3, "bool") },
  ResizeNearestNeighborOptions: { align_corners: scalar(0, "bool"), half_pixel_centers: scalar(1, "bool") },
  ReducerOptions: { keep_dims: scalar(0, "bool") },
  LeakyReluOptions: { alpha: scalar(0, "float") },
  DepthToSpaceOptions: { block_size: scalar(0, "int") },
  SpaceToDepthOptions: { block_size: scalar(0, "int") },
  PadOptions: {},
  PadV2Options: {},
  TransposeOptions: {},
  MaximumMinimumOptions: {},
  SliceOptions: {},
  HardSwishOptions: {},
};

/** The operators that are written: their numbers in `BuiltinOperator`. */
export const builtinOperators = {
  ADD: 0,
  AVERAGE_POOL_2D: 1,
  CONCATENATION: 2,
  CONV_2D: 3,
  DEPTHWISE_CONV_2D: 4,
  DEPTH_TO_SPACE: 5,
  FLOOR: 8,
  FULLY_CONNECTED: 9,
  LOGISTIC: 14,
  MAX_POOL_2D: 17,
  MUL: 18,
  RELU: 19,
  RELU6: 21,
  RESHAPE: 22,
  RESIZE_BILINEAR: 23,
  SOFTMAX: 25,
  SPACE_TO_DEPTH: 26,
  TANH: 28,
  PAD: 34,
  TRANSPOSE: 39,
  MEAN: 40,
  SUB: 41,
  DIV: 42,
  EXP: 47,
  MAXIMUM: 55,
  MINIMUM: 57,
  NEG: 59,
  PADV2: 60,
  SLICE: 65,
  TRANSPOSE_CONV: 67,
  LOG: 73,
  SUM: 74,
  SQRT: 75,
  RSQRT: 76,
  REDUCE_MAX: 82,
  REDUCE_MIN: 89,
  SQUARE: 92,
  RESIZE_NEAREST_NEIGHBOR: 97,
  LEAKY_RELU: 98,
  ABS: 101,
  CEIL: 104,
  ELU: 111,
  HARD_SWISH: 117,
} as const;

export type BuiltinOperator = keyof typeof builtinOperators;

export const tensorTypes = { f32: 0, i32: 2 } as const;
export const paddings = { same: 0, valid: 1 } as const;
export const activations = { none: 0, relu: 1, relu6: 3 } as const;
export const fileIdentifier = "TFL3";
export const schemaVersion = 3;
