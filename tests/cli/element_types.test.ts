/** Elements of files, against NumPy's bits. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { decodeElements, encodeElements, widens } from "../../src/cli/io/element_types.ts";
import { numberToHalf } from "../../src/ir/memory_element.ts";

/** np.float16(values), numpy 2.4.6. */
const half: { readonly values: readonly number[]; readonly bits: readonly number[] } = JSON.parse(
  readFileSync(new URL("numpy_half.json", import.meta.url), "utf8"),
);

test("half precision rounds as NumPy does", () => {
  expect(half.values.map(numberToHalf)).toEqual(half.bits);
});

test("every half that is no NaN comes back", () => {
  const bits = Array.from({ length: 65536 }, (_, i) => i).filter((i) => (i & 0x7fff) <= 0x7c00);
  const decoded = decodeElements(new Uint8Array(Uint16Array.from(bits).buffer), "f16", bits.length);
  if (!("values" in decoded)) throw new Error("halves do not decode");
  expect(Array.from(decoded.values, numberToHalf)).toEqual(bits);
  expect(encodeElements(decoded.values, "f16")).toEqual(new Uint8Array(Uint16Array.from(bits).buffer));
});

test("bf16 is the upper half of f32", () => {
  const values = [1, -2.5, 0.00390625, 3e38];
  const bits = values.map((value) => new Uint32Array(Float32Array.of(value).buffer)[0] as number);
  const decoded = decodeElements(new Uint8Array(Uint16Array.from(bits, (word) => word >>> 16).buffer), "bf16", 4);
  const wanted = bits.map((word) => new Float32Array(Uint32Array.of(word & 0xffff0000).buffer)[0] as number);
  expect(decoded).toEqual({ values: Float64Array.from(wanted) });
});

test("a type widens to those that hold all its values", () => {
  expect(widens("f16", "f32") && widens("bf16", "f32") && widens("u8", "f32") && widens("i8", "i32") && widens("i32", "i64")).toBe(true);
  expect(widens("f64", "f32") || widens("i32", "f32") || widens("f32", "i32") || widens("u8", "i8") || widens("bool", "u8")).toBe(false);
});
