/** .npy files: there and back, what NumPy wrote, and every way of being broken. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { formatNpy, parseNpy } from "../../src/cli/io/npy.ts";
import type { DType } from "../../src/ir/dtype.ts";
import { sharedFile } from "../support.ts";

/** A file by hand: `header` as given, without padding. */
function npy(header: string, data: ArrayLike<number> = [], version: readonly [number, number] = [1, 0]): Uint8Array {
  const text = new TextEncoder().encode(header);
  const length = version[0] === 1 ? [text.length & 255, text.length >> 8] : [text.length & 255, text.length >> 8, 0, 0];
  return Uint8Array.from([0x93, ...new TextEncoder().encode("NUMPY"), ...version, ...length, ...text, ...Array.from(data)]);
}

const header = (descr: string, shape: string, order = "False") => `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`;
const problem = (bytes: Uint8Array) =>
  parseNpy(bytes, "x.npy").diagnostics.map(({ message, help }) => (help ? `${message} (${help})` : message));

/** Python's own bytes: base64 of np.save, numpy 2.4.6. */
const fromNumpy: readonly {
  readonly dtype: DType;
  readonly values: readonly number[];
  readonly shape: readonly number[];
  readonly base64: string;
}[] = JSON.parse(readFileSync(new URL("numpy.json", import.meta.url), "utf8"));

describe("npy", () => {
  const samples: { readonly [dtype in DType]: readonly number[] } = {
    f32: [0, -1.5, Math.fround(0.1), Infinity, Number.NaN, Math.fround(3e38)],
    f64: [0, -1.5, 0.1, -Infinity, Number.NaN, 1e300],
    f16: [0, -1.5, 65504, Infinity, Number.NaN, 2 ** -24],
    i8: [0, -128, 127, 1, 2, 3],
    u8: [0, 255, 127, 1, 2, 3],
    i32: [0, -(2 ** 31), 2 ** 31 - 1, 1, 2, 3],
    i64: [0, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 1, 2, 3],
    bool: [0, 1, 1, 0, 1, 0],
  };
  test.each(Object.entries(samples))("%s comes back as it was written", (name, values) => {
    const dtype = name as DType;
    for (const shape of [[6], [2, 3], [1, 6, 1]]) {
      const bytes = formatNpy({ dtype, shape }, values);
      expect(parseNpy(bytes, "x.npy")).toEqual({ value: { dtype, shape, values: Float64Array.from(values) }, diagnostics: [] });
      expect((bytes.length - values.length * (dtype === "bool" ? 1 : bytesOf(dtype))) % 64).toBe(0);
    }
  });

  test("numbers, empty arrays and large ranks", () => {
    for (const shape of [[], [0], [3, 0, 2], [1, 1, 1, 1, 1, 1, 1]]) {
      const values = shape.includes(0) ? [] : [7];
      expect(parseNpy(formatNpy({ dtype: "f32", shape }, values), "x").value).toEqual({
        dtype: "f32",
        shape,
        values: Float64Array.from(values),
      });
    }
  });

  test("what NumPy itself wrote is read, and written to the same bytes", () => {
    expect(fromNumpy.length).toBeGreaterThanOrEqual(9);
    for (const { dtype, shape, values, base64 } of fromNumpy) {
      const bytes = new Uint8Array(Buffer.from(base64, "base64"));
      expect(parseNpy(bytes, "x").value).toEqual({ dtype, shape, values: Float64Array.from(values) });
      expect(formatNpy({ dtype, shape }, values)).toEqual(bytes);
    }
  });

  test("all three versions of the header", () => {
    for (const version of [
      [1, 0],
      [2, 0],
      [3, 0],
    ] as const) {
      expect(parseNpy(npy(header("|u1", "(2,)"), [5, 6], version), "x").value?.values).toEqual(Float64Array.of(5, 6));
    }
  });

  test("an array that starts at an odd offset of its memory", () => {
    const bytes = formatNpy({ dtype: "f64", shape: [2] }, [1, 2]);
    const moved = new Uint8Array(bytes.length + 3);
    moved.set(bytes, 3);
    expect(parseNpy(moved.subarray(3), "x").value?.values).toEqual(Float64Array.of(1, 2));
  });

  test("what cannot be read is said in a sentence", () => {
    expect(problem(new Uint8Array(0))).toEqual(["x.npy: this is no .npy file: it does not begin with \\x93NUMPY"]);
    expect(problem(new TextEncoder().encode("PK\u0003\u0004 a zip file"))).toEqual([
      "x.npy: this is no .npy file: it does not begin with \\x93NUMPY",
    ]);
    expect(problem(npy("", [], [4, 0]))).toEqual(["x.npy: version 4.0 of the format is not 1.0, 2.0 or 3.0"]);
    expect(problem(npy(header("<f4", "(1,)")).subarray(0, 9))).toEqual(["x.npy: the file ends inside its header"]);
    expect(problem(npy(header("<f4", "(1,)")).subarray(0, 20))).toEqual([
      "x.npy: the file ends inside its header: 57 bytes are announced and 10 are there",
    ]);
    expect(problem(npy("[1, 2]"))).toEqual(["x.npy: the header is no Python dictionary"]);
    expect(problem(npy("{'descr': '<f4', 'shape': (1,), }"))).toEqual(["x.npy: the header gives no fortran_order"]);
    expect(problem(npy(header("<f4", "(2, x)")))).toEqual(["x.npy: (2, x) is no shape"]);
    expect(problem(npy(header("<f4", "(-1,)")))).toEqual(["x.npy: (-1,) is no shape"]);
    expect(problem(npy(header("<f4", "(99999999999, 99999999999)")))).toEqual(["x.npy: (99999999999, 99999999999) is no shape"]);
    expect(problem(npy(header("<f4", "(2, 2)", "True"), new Uint8Array(16)))).toEqual([
      "x.npy: the array is in Fortran order (save it in C order: np.save(path, np.ascontiguousarray(x)))",
    ]);
    expect(problem(npy(header(">f4", "(1,)"), new Uint8Array(4)))[0]).toContain("big-endian");
    expect(problem(npy(header("<U3", "(1,)"), new Uint8Array(12)))[0]).toBe(
      "x.npy: elements of type <U3 cannot be read (save numbers: np.save(path, x.astype(np.float32)))",
    );
    expect(problem(npy(header("<c8", "(1,)"), new Uint8Array(8)))[0]).toContain("readable are f32, f64, f16, i8, u8, i32, i64, bool");
    expect(problem(npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }"))).toEqual([
      "x.npy: the array has named fields; save one plain array",
    ]);
    expect(problem(npy(header("<f4", "(2,)"), new Uint8Array(7)))).toEqual([
      "x.npy: the file is truncated: f32[2] takes 8 bytes and 7 follow the header",
    ]);
    expect(problem(npy(header("<f4", "(2,)"), new Uint8Array(9)))).toEqual([
      "x.npy: the file is longer than its array: f32[2] takes 8 bytes and 9 follow the header",
    ]);
    expect(problem(npy(header("|b1", "(2,)"), [1, 2]))).toEqual(["x.npy: element 1 is 2, and a bool is 0 or 1"]);
    expect(problem(npy(header("<i8", "(1,)"), [0, 0, 0, 0, 0, 0, 0, 64]))[0]).toContain("element 0 is 4611686018427387904, beyond 2^53");
  });

  test("no file makes it throw", () => {
    const bytes = formatNpy({ dtype: "f32", shape: [2, 3] }, [1, 2, 3, 4, 5, 6]);
    for (let i = 0; i < bytes.length; i++) {
      const cut = parseNpy(bytes.subarray(0, i), "x");
      expect(cut.value === undefined && cut.diagnostics.length === 1).toBe(true);
      const flipped = bytes.slice();
      flipped[i] = (flipped[i] as number) ^ 0x15;
      expect(() => parseNpy(flipped, "x")).not.toThrow();
    }
  });

  const shared = sharedFile("vectors/resnet8-cifar10-test_1000.npy");
  test.skipIf(!shared)("the reference's probabilities", () => {
    const { value } = parseNpy(readFileSync(shared ?? ""), "x");
    expect(value?.shape).toEqual([1000, 10]);
    for (let row = 0; row < 1000; row++) expect(value?.values.subarray(row * 10, row * 10 + 10).reduce((a, b) => a + b)).toBeCloseTo(1, 5);
  });
});

function bytesOf(dtype: DType): number {
  return { f32: 4, f64: 8, f16: 2, i8: 1, u8: 1, i32: 4, i64: 8, bool: 1 }[dtype];
}
