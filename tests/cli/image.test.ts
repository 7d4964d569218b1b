/** Pictures as tensors, with a decoder that stands in for sharp. */
import { expect, test } from "vitest";
import {
  type DecodeRequest,
  type Decoder,
  defaultImageOptions,
  type ImageOptions,
  type Pixels,
  readImage,
} from "../../src/cli/io/image.ts";
import type { DType, TensorType } from "../../src/ir/dtype.ts";

/** A picture whose pixel p has the values 10p, 10p + 1, ... */
function picture(height: number, width: number, channels: number): Pixels {
  const data = Array.from({ length: height * width * channels }, (_, i) => 10 * Math.floor(i / channels) + (i % channels));
  return { height, width, channels, data };
}

/** Resizes by making another picture: what is asked of the decoder is what counts here. */
function fakeDecoder(natural: { height: number; width: number }, requests: DecodeRequest[] = []): () => Promise<Decoder> {
  return async () => ({
    async decode(_bytes, request) {
      requests.push(request);
      const { height, width } = request.size ?? natural;
      return picture(height, width, request.channels);
    },
  });
}

const type = (shape: readonly number[], dtype: DType = "f32"): TensorType => ({ dtype, shape });
const read = (
  of: TensorType,
  options: Partial<ImageOptions> = {},
  load: Parameters<typeof readImage>[4] = fakeDecoder({ height: 2, width: 2 }),
) => readImage(new Uint8Array(), of, { ...defaultImageOptions, ...options }, "cat.jpg", load);
const problem = async (...args: Parameters<typeof read>) =>
  (await read(...args)).diagnostics.map(({ message, help }) => (help ? `${message} (${help})` : message));

test("pixels as they are, channels last", async () => {
  const requests: DecodeRequest[] = [];
  const { value, diagnostics } = await read(type([1, 2, 2, 3]), {}, fakeDecoder({ height: 99, width: 5 }, requests));
  expect(diagnostics).toEqual([]);
  expect([...(value ?? [])]).toEqual([0, 1, 2, 10, 11, 12, 20, 21, 22, 30, 31, 32]);
  expect(requests).toEqual([{ channels: 3, size: { height: 2, width: 2 } }]);
});

test("channels first", async () => {
  const { value } = await read(type([1, 3, 2, 2]), { layout: "nchw" });
  expect([...(value ?? [])]).toEqual([0, 10, 20, 30, 1, 11, 21, 31, 2, 12, 22, 32]);
});

test("scale, then mean, then std, for each channel or all", async () => {
  const scaled = await read(type([2, 2, 1]), { scale: "0..1" });
  expect([...(scaled.value ?? [])]).toEqual([0, 10, 20, 30].map((value) => Math.fround(value / 255)));
  const each = await read(type([1, 1, 1, 3]), { mean: [1, 2, 3], std: [2, 4, 8], scale: "0..255" });
  expect([...(each.value ?? [])]).toEqual([-1 / 2, -1 / 4, -1 / 8]);
  const torch = await read(type([1, 2, 2, 3]), { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], scale: "0..1" });
  expect(torch.value?.[11]).toBe(Math.fround((32 / 255 - 0.406) / 0.225));
});

test("whole numbers must fit", async () => {
  expect([...((await read(type([2, 2, 1], "u8"))).value ?? [])]).toEqual([0, 10, 20, 30]);
  expect([...((await read(type([2, 2, 1], "i8"), { mean: [128] })).value ?? [])]).toEqual([-128, -118, -108, -98]);
  expect(await problem(type([4, 4, 1], "i8"))).toEqual([
    "cat.jpg: the value 130 does not fit the input i8[4, 4, 1] (--mean 128 moves 0..255 to -128..127)",
  ]);
});

test("inputs that take no picture", async () => {
  expect(await problem(type([10]))).toEqual(["cat.jpg: the input f32[10] takes no picture: it should be [1, height, width, channels]"]);
  expect(await problem(type([2, 8, 8, 3]))).toEqual([
    "cat.jpg: the input f32[2, 8, 8, 3] takes no picture: it should be [1, height, width, channels]",
  ]);
  expect(await problem(type([1, 3, 8, 8]))).toEqual([
    "cat.jpg: the input f32[1, 3, 8, 8] has 8 channels, and a picture has 1, 3 or 4; is it --layout nchw?",
  ]);
  expect(await problem(type([1, 8, 8, 3], "bool"))).toEqual([
    "cat.jpg: the input bool[1, 8, 8, 3] takes no picture: its elements are truth values",
  ]);
});

test("flags that do not fit", async () => {
  expect(await problem(type([1, 2, 2, 3]), { mean: [1, 2] })).toEqual(["--mean gives 2 numbers, and the input has 3 channels"]);
  expect(await problem(type([1, 2, 2, 3]), { std: [1, 0, 1] })).toEqual(["--std holds a 0, and values are divided by it"]);
});

test("a picture of another size, where it is not resized", async () => {
  expect(await problem(type([1, 2, 3, 3]), { resize: false })).toEqual([
    "cat.jpg is 2x2 pixels and the input f32[1, 2, 3, 3] takes 2x3 (leave out --no-resize)",
  ]);
});

test("without sharp", async () => {
  expect(await problem(type([1, 2, 2, 3]), {}, async () => undefined)).toEqual([
    "cat.jpg: reading pictures needs the package sharp, which is not installed (install it with `npm install sharp`, or give the input as .npy)",
  ]);
});

test("a file that is no picture", async () => {
  const broken = async (): Promise<Decoder> => ({
    decode: () => Promise.reject(new Error("Input buffer contains unsupported image format")),
  });
  expect(await problem(type([1, 2, 2, 3]), {}, broken)).toEqual([
    "cat.jpg cannot be read as a picture: Input buffer contains unsupported image format",
  ]);
});
