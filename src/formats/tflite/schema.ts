/**
 * The tables of a TensorFlow Lite file (schema version 3) as far as they are written or read: each field with its position in
 * the table, which is what a FlatBuffer stores it by. Source: schema.fbs of TensorFlow Lite.
 */

export type Scalar = "byte" | "ubyte" | "int" | "uint" | "float" | "bool";
export type FieldType =
  | { readonly kind: "scalar"; readonly of: Scalar }
  | { readonly kind: "string" }
  | { readonly kind: "scalars"; readonly of: "int" | "long" | "float" }
  /** Bytes at an address that a vector register can load from. */
  | { readonly kind: "bytes"; readonly alignment: number }
  | { readonly kind: "tables"; readonly table: TableName }
  | { readonly kind: "table"; readonly table: TableName }
  /** A table whose kind another field tells. */
  | { readonly kind: "options"; readonly kindField: string };
/** `otherwise` is what a scalar that is not written means; 0 where it is missing. */
export type Field = { readonly position: number; readonly type: FieldType; readonly otherwise?: number };
export type Table = { readonly [field: string]: Field };

const scalar = (position: number, of: Scalar): Field => ({ position, type: { kind: "scalar", of } });
const factor = (position: number): Field => ({ ...scalar(position, "int"), otherwise: 1 });
const text = (position: number): Field => ({ position, type: { kind: "string" } });
const ints = (position: number): Field => ({ position, type: { kind: "scalars", of: "int" } });
const longs = (position: number): Field => ({ position, type: { kind: "scalars", of: "long" } });
const floats = (position: number): Field => ({ position, type: { kind: "scalars", of: "float" } });
const tables = (position: number, table: TableName): Field => ({ position, type: { kind: "tables", table } });
const activation = (position: number): Field => scalar(position, "byte");

export type TableName = "Model" | "OperatorCode" | "SubGraph" | "Tensor" | "Quantization" | "Operator" | "Buffer" | OptionsName;

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
  L2NormOptions: 12,
  LocalResponseNormalizationOptions: 13,
  ResizeBilinearOptions: 15,
  ReshapeOptions: 17,
  SpaceToDepthOptions: 19,
  MulOptions: 21,
  PadOptions: 22,
  GatherOptions: 23,
  TransposeOptions: 26,
  ReducerOptions: 27,
  SubOptions: 28,
  DivOptions: 29,
  SqueezeOptions: 30,
  StridedSliceOptions: 32,
  SplitOptions: 35,
  CastOptions: 37,
  MaximumMinimumOptions: 39,
  PadV2Options: 43,
  SliceOptions: 48,
  TransposeConvOptions: 49,
  PackOptions: 59,
  OneHotOptions: 61,
  UnpackOptions: 64,
  ResizeNearestNeighborOptions: 74,
  LeakyReluOptions: 75,
  MirrorPadOptions: 77,
  SplitVOptions: 79,
  HardSwishOptions: 91,
  DepthToSpaceOptions: 94,
  BatchMatMulOptions: 101,
  CumsumOptions: 102,
  Conv3DOptions: 106,
  GeluOptions: 116,
} as const;

export const schema: { readonly [table in TableName]: Table } = {
  Model: {
    version: scalar(0, "uint"),
    operator_codes: tables(1, "OperatorCode"),
    subgraphs: tables(2, "SubGraph"),
    description: text(3),
    buffers: tables(4, "Buffer"),
  },
  OperatorCode: {
    deprecated_builtin_code: scalar(0, "byte"),
    custom_code: text(1),
    version: scalar(2, "int"),
    builtin_code: scalar(3, "int"),
  },
  SubGraph: {
    tensors: tables(0, "Tensor"),
    inputs: ints(1),
    outputs: ints(2),
    operators: tables(3, "Operator"),
    name: text(4),
  },
  Tensor: {
    shape: ints(0),
    type: scalar(1, "byte"),
    buffer: scalar(2, "uint"),
    name: text(3),
    quantization: { position: 4, type: { kind: "table", table: "Quantization" } },
    is_variable: scalar(5, "bool"),
    sparsity: scalar(6, "uint"),
  },
  Quantization: { scale: floats(2), zero_point: longs(3), details_type: scalar(4, "ubyte"), quantized_dimension: scalar(6, "int") },
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
    dilation_w_factor: factor(4),
    dilation_h_factor: factor(5),
  },
  Conv3DOptions: {
    padding: scalar(0, "byte"),
    stride_d: scalar(1, "int"),
    stride_w: scalar(2, "int"),
    stride_h: scalar(3, "int"),
    fused_activation_function: activation(4),
    dilation_d_factor: factor(5),
    dilation_w_factor: factor(6),
    dilation_h_factor: factor(7),
  },
  DepthwiseConv2DOptions: {
    padding: scalar(0, "byte"),
    stride_w: scalar(1, "int"),
    stride_h: scalar(2, "int"),
    depth_multiplier: scalar(3, "int"),
    fused_activation_function: activation(4),
    dilation_w_factor: factor(5),
    dilation_h_factor: factor(6),
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
  L2NormOptions: { fused_activation_function: activation(0) },
  LocalResponseNormalizationOptions: {
    radius: scalar(0, "int"),
    bias: scalar(1, "float"),
    alpha: scalar(2, "float"),
    beta: scalar(3, "float"),
  },
  GatherOptions: { axis: scalar(0, "int"), batch_dims: scalar(1, "int") },
  SqueezeOptions: { squeeze_dims: ints(0) },
  StridedSliceOptions: {
    begin_mask: scalar(0, "int"),
    end_mask: scalar(1, "int"),
    ellipsis_mask: scalar(2, "int"),
    new_axis_mask: scalar(3, "int"),
    shrink_axis_mask: scalar(4, "int"),
  },
  SplitOptions: { num_splits: scalar(0, "int") },
  SplitVOptions: { num_splits: scalar(0, "int") },
  CastOptions: { in_data_type: scalar(0, "byte"), out_data_type: scalar(1, "byte") },
  PackOptions: { values_count: scalar(0, "int"), axis: scalar(1, "int") },
  UnpackOptions: { num: scalar(0, "int"), axis: scalar(1, "int") },
  OneHotOptions: { axis: scalar(0, "int") },
  MirrorPadOptions: { mode: scalar(0, "byte") },
  BatchMatMulOptions: { adj_x: scalar(0, "bool"), adj_y: scalar(1, "bool") },
  CumsumOptions: { exclusive: scalar(0, "bool"), reverse: scalar(1, "bool") },
  GeluOptions: { approximate: scalar(0, "bool") },
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

export const tensorTypes = { f32: 0, f16: 1, i32: 2, u8: 3, i64: 4, bool: 6, i16: 7, i8: 9, f64: 10 } as const;
export const paddings = { same: 0, valid: 1 } as const;
export const activations = { none: 0, relu: 1, relu_n1_to_1: 2, relu6: 3, tanh: 4, sign_bit: 5 } as const;
export const fileIdentifier = "TFL3";
export const schemaVersion = 3;
