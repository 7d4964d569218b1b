/** Element types. `f64` is the reference's own; `i64` exists at interfaces and in constants only. */
export type DType = "f32" | "f64" | "f16" | "i8" | "u8" | "i32" | "i64" | "bool";

type DTypeRecord = { readonly bytes: number; readonly kind: "float" | "integer" | "bool"; readonly low: number; readonly high: number };

export const dtypes: { readonly [name in DType]: DTypeRecord } = {
  f32: { bytes: 4, kind: "float", low: -Infinity, high: Infinity },
  f64: { bytes: 8, kind: "float", low: -Infinity, high: Infinity },
  f16: { bytes: 2, kind: "float", low: -Infinity, high: Infinity },
  i8: { bytes: 1, kind: "integer", low: -128, high: 127 },
  u8: { bytes: 1, kind: "integer", low: 0, high: 255 },
  i32: { bytes: 4, kind: "integer", low: -(2 ** 31), high: 2 ** 31 - 1 },
  i64: { bytes: 8, kind: "integer", low: -(2 ** 63), high: 2 ** 63 },
  bool: { bytes: 1, kind: "bool", low: 0, high: 1 },
};

export function isDType(name: string): name is DType {
  return Object.hasOwn(dtypes, name);
}

/** Whether a program may name it: `f64` is the reference's, and no kernel computes in it. */
export function isSourceDType(name: string): name is Exclude<DType, "f64"> {
  return name !== "f64" && isDType(name);
}

export function isFloat(dtype: DType): boolean {
  return dtypes[dtype].kind === "float";
}

/** A tensor's element type and extents; extents are static and may be 0. */
export type TensorType = { readonly dtype: DType; readonly shape: readonly number[] };

export function formatType(type: TensorType): string {
  return `${type.dtype}[${type.shape.join(", ")}]`;
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

export function typeBytes({ dtype, shape }: TensorType): number {
  return elementCount(shape) * dtypes[dtype].bytes;
}

/** Bytes that WebAssembly addresses: no program holds more at once. */
export const memoryLimit = 2 ** 32;

export function gibibytes(bytes: number): string {
  return `${Number((bytes / 2 ** 30).toPrecision(3))} GiB`;
}

/** Row-major strides, in elements. */
export function rowMajorStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let d = shape.length - 2; d >= 0; d--) strides[d] = (strides[d + 1] ?? 1) * (shape[d + 1] ?? 1);
  return strides;
}
