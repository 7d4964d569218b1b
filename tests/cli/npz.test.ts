/** .npz files: what NumPy wrote, as weights, and every way of being damaged. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { formatNpy, parseNpy } from "../../src/cli/io/npy.ts";
import { parseNpz } from "../../src/cli/io/npz.ts";
import { matchWeights } from "../../src/cli/io/weights.ts";
import type { DType } from "../../src/ir/dtype.ts";
import { quern } from "./quern.ts";

/** Python's own bytes: base64 of np.savez and np.savez_compressed, numpy 2.4.6. */
const archives: readonly { readonly how: string; readonly base64: string }[] = JSON.parse(
  readFileSync(new URL("numpy_archives.json", import.meta.url), "utf8"),
);
const bytesOf = (base64: string) => new Uint8Array(Buffer.from(base64, "base64"));
const [plain = new Uint8Array(), packed = new Uint8Array()] = archives.map(({ base64 }) => bytesOf(base64));
const problem = (bytes: Uint8Array) => parseNpz(bytes, "w.npz").diagnostics.map(({ message }) => message);

/** The archive with a number of the directory's first entry, or its end, changed. */
function changed(bytes: Uint8Array, place: { readonly entry?: number; readonly end?: number }, value: number, size: 2 | 4): Uint8Array {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  const end = copy.length - 22;
  const at = place.end === undefined ? view.getUint32(end + 16, true) + (place.entry ?? 0) : end + place.end;
  if (size === 2) view.setUint16(at, value, true);
  else view.setUint32(at, value, true);
  return copy;
}

describe("npz", () => {
  test.each(archives)("what np.$how wrote is read", ({ base64 }) => {
    const { value, diagnostics } = parseNpz(bytesOf(base64), "w.npz");
    expect(diagnostics).toEqual([]);
    expect([...(value ?? [])]).toEqual([
      ["conv.kernel", { dtype: "f32", shape: [3, 4], values: Float64Array.from({ length: 12 }, (_, i) => i / 8) }],
      ["conv.bias", { dtype: "f64", shape: [4], values: Float64Array.of(1.5, -2, 0.25, 1e30) }],
      ["scale", { dtype: "i8", shape: [2], values: Float64Array.of(-128, 127) }],
    ]);
  });

  test("a weight that is missing or of another shape is named", () => {
    const { value } = parseNpz(packed, "w.npz");
    const weight = (path: string, shape: readonly number[], dtype: DType = "f32") => ({ path, type: { dtype, shape } });
    const wanted = [weight("conv.kernel", [4, 3]), weight("conv.biases", [4]), weight("scale", [2], "i8")];
    const { diagnostics } = matchWeights(value ?? new Map(), wanted, "w.npz");
    expect(diagnostics.map(({ message }) => message)).toEqual([
      "w.npz: the tensor `conv.kernel` should be f32[4, 3] and is f32[3, 4]",
      "w.npz: there is no tensor `conv.biases`; the model needs it as f32[4]",
      "w.npz: the model has no weight `@conv.bias`, so this tensor is not used",
    ]);
  });

  test("a model runs with them", () => {
    const model = "model m(x: f32[1, 3]) -> y: f32[1, 4] { matmul(x, @conv.kernel: [3, 4]) }";
    const folder = mkdtempSync(join(tmpdir(), "quern-npz-"));
    afterAll(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, "m.qn"), model);
    writeFileSync(join(folder, "w.npz"), packed);
    writeFileSync(join(folder, "x.npy"), formatNpy({ dtype: "f32", shape: [1, 3] }, [1, 0, 2]));
    const { code, err } = quern(["run", "m.qn", "--weights", "w.npz", "--input", "x.npy", "--output", "y.npy"], { cwd: folder });
    const unused = ["conv.bias", "scale"].map(
      (name) => `warning[extra-tensor]: w.npz: the model has no weight \`@${name}\`, so this tensor is not used\n`,
    );
    expect([code, err]).toEqual([0, unused.join("")]);
    // Rows of 0, 1, ... 11 eighths: the first and twice the third.
    expect(parseNpy(readFileSync(join(folder, "y.npy")), "y.npy").value?.values).toEqual(Float64Array.of(2, 2.375, 2.75, 3.125));
  });

  test("damage is told with the byte", () => {
    const start = new DataView(plain.buffer, plain.byteOffset).getUint32(plain.length - 6, true);
    expect(problem(plain.subarray(0, plain.length - 1))).toEqual([
      `w.npz: byte ${plain.length - 1}: the directory of the archive is missing: is the file truncated?`,
    ]);
    expect(problem(new Uint8Array(0))).toEqual(["w.npz: byte 0: the directory of the archive is missing: is the file truncated?"]);
    expect(problem(changed(plain, { end: 16 }, plain.length, 4))[0]).toContain("does not fit before here");
    expect(problem(changed(plain, { end: 10 }, 2, 2))).toEqual([
      `w.npz: byte ${plain.length - 22}: the archive is spread over several files`,
    ]);
    expect(problem(changed(plain, { entry: 0 }, 0, 4))).toEqual([`w.npz: byte ${start}: entry 0 of the directory is missing`]);
    expect(problem(changed(plain, { entry: 28 }, 60_000, 2))[0]).toContain(`byte ${start}: the name of entry 0`);
    expect(problem(changed(plain, { entry: 8 }, 1, 2))).toEqual(["w.npz: byte 0: `conv.kernel.npy` is encrypted"]);
    expect(problem(changed(plain, { entry: 10 }, 14, 2))).toEqual([
      "w.npz: byte 0: `conv.kernel.npy` is packed by method 14; stored and deflated members are read",
    ]);
    expect(problem(changed(plain, { entry: 42 }, 5, 4))).toEqual(["w.npz: byte 5: `conv.kernel.npy` is not there"]);
    expect(problem(changed(plain, { entry: 20 }, 1 << 30, 4))[0]).toContain("takes 1073741824 bytes from byte");
    expect(problem(changed(packed, { entry: 24 }, 0xfffffff0, 4))[0]).toContain("is said to be 4294967280 bytes, more than");
    expect(problem(changed(packed, { entry: 24 }, 20, 4))[0]).toContain("cannot be inflated to 20 bytes");
    expect(problem(changed(plain, { entry: 16 }, 7, 4))).toEqual([
      "w.npz: byte 0: `conv.kernel.npy` is damaged: its sum is not the one that the archive gives",
    ]);
  });

  test("no file makes it throw", () => {
    for (const bytes of [plain, packed])
      for (let i = 0; i < bytes.length; i++) {
        expect(parseNpz(bytes.subarray(0, i), "x").diagnostics.length).toBe(1);
        for (const bit of [1, 0x15, 0x80]) {
          const flipped = bytes.slice();
          flipped[i] = (flipped[i] as number) ^ bit;
          expect(() => parseNpz(flipped, "x")).not.toThrow();
        }
      }
  });
});
