/** Pictures as tensors: decoded and resized by the optional package sharp, then normalised as the flags say. */
import { dtypes, elementCount, formatType, type TensorType } from "../../ir/dtype.ts";
import { type Checked, errorDiagnostic } from "../../support/diagnostic.ts";

export type ImageOptions = {
  /** To the input's height and width; otherwise the picture must have them. */
  readonly resize: boolean;
  readonly layout: "nhwc" | "nchw";
  /** What the pixel values 0..255 become, before mean and std. */
  readonly scale: "0..1" | "0..255";
  /** One number per channel, or one for all: (value - mean) / std. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
};

export const defaultImageOptions: ImageOptions = { resize: true, layout: "nhwc", scale: "0..255", mean: [0], std: [1] };

/** Rows of pixels, channels last, 0..255. */
export type Pixels = { readonly height: number; readonly width: number; readonly channels: number; readonly data: ArrayLike<number> };
export type DecodeRequest = { readonly channels: 1 | 3 | 4; readonly size?: { readonly height: number; readonly width: number } };
export type Decoder = { decode(bytes: Uint8Array, request: DecodeRequest): Promise<Pixels> };

/** `load` gives the decoder, or nothing where the package is not installed. */
export async function readImage(
  bytes: Uint8Array,
  type: TensorType,
  options: ImageOptions,
  file: string,
  load: () => Promise<Decoder | undefined> = loadSharp,
): Promise<Checked<Float64Array>> {
  const layout = layoutOf(type, options.layout);
  if (typeof layout === "string") return fail(`${file}: ${layout}`);
  const problem = checkChannelNumbers(options, layout.channels);
  if (problem) return fail(problem);
  const decoder = await load();
  if (!decoder) {
    return fail(
      `${file}: reading pictures needs the package sharp, which is not installed`,
      "install it with `npm install sharp`, or give the input as .npy",
    );
  }
  let pixels: Pixels;
  try {
    const { height, width, channels } = layout;
    pixels = await decoder.decode(bytes, { channels, ...(options.resize ? { size: { height, width } } : {}) });
  } catch (error) {
    return fail(`${file} cannot be read as a picture: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (pixels.height !== layout.height || pixels.width !== layout.width) {
    const found = `${pixels.height}x${pixels.width}`;
    return fail(
      `${file} is ${found} pixels and the input ${formatType(type)} takes ${layout.height}x${layout.width}`,
      "leave out --no-resize",
    );
  }
  if (pixels.channels !== layout.channels)
    return fail(`${file} has ${pixels.channels} channels and the input ${formatType(type)} takes ${layout.channels}`);
  return toTensor(pixels, type, options, file);
}

type Layout = { readonly height: number; readonly width: number; readonly channels: 1 | 3 | 4 };

/** What the input wants of a picture; a text says why it wants none. */
function layoutOf(type: TensorType, layout: ImageOptions["layout"]): Layout | string {
  const shape = type.shape.length === 4 && type.shape[0] === 1 ? type.shape.slice(1) : type.shape;
  const [first = 0, second = 0, third = 0] = shape;
  const named = `the input ${formatType(type)}`;
  if (shape.length !== 3) return `${named} takes no picture: it should be [1, height, width, channels]`;
  if (type.dtype === "bool") return `${named} takes no picture: its elements are truth values`;
  const [height, width, channels] = layout === "nhwc" ? [first, second, third] : [second, third, first];
  if (channels !== 1 && channels !== 3 && channels !== 4) {
    const other = layout === "nhwc" ? first : third;
    const isOther = other === 1 || other === 3 || other === 4;
    const hint = isOther ? `; is it --layout ${layout === "nhwc" ? "nchw" : "nhwc"}?` : "";
    return `${named} has ${channels} channels, and a picture has 1, 3 or 4${hint}`;
  }
  if (height === 0 || width === 0) return `${named} takes no picture: it is empty`;
  return { height, width, channels };
}

function checkChannelNumbers(options: ImageOptions, channels: number): string | undefined {
  for (const [flag, numbers] of [
    ["--mean", options.mean],
    ["--std", options.std],
  ] as const) {
    if (numbers.length !== 1 && numbers.length !== channels)
      return `${flag} gives ${numbers.length} numbers, and the input has ${channels} channels`;
  }
  return options.std.includes(0) ? "--std holds a 0, and values are divided by it" : undefined;
}

function toTensor(pixels: Pixels, type: TensorType, options: ImageOptions, file: string): Checked<Float64Array> {
  const { height, width, channels, data } = pixels;
  const { kind, low, high } = dtypes[type.dtype];
  const divisor = options.scale === "0..1" ? 255 : 1;
  const values = new Float64Array(elementCount(type.shape));
  const at = (numbers: readonly number[], channel: number) => (numbers.length === 1 ? numbers[0] : numbers[channel]) as number;
  for (let i = 0; i < values.length; i++) {
    const channel = i % channels;
    const value = ((data[i] as number) / divisor - at(options.mean, channel)) / at(options.std, channel);
    const place = options.layout === "nhwc" ? i : channel * height * width + Math.floor(i / channels);
    values[place] = kind === "float" ? Math.fround(value) : Math.round(value);
  }
  const outside = values.find((value) => value < low || value > high);
  if (outside === undefined) return { value: values, diagnostics: [] };
  const help = type.dtype === "i8" ? "--mean 128 moves 0..255 to -128..127" : undefined;
  return fail(`${file}: the value ${outside} does not fit the input ${formatType(type)}`, help);
}

/** The part of sharp's interface that is used here. */
type Sharp = {
  (bytes: Uint8Array, options: { readonly failOn: "error" }): Sharp;
  rotate(): Sharp;
  resize(size: { readonly width: number; readonly height: number; readonly fit: "fill" }): Sharp;
  toColourspace(space: "srgb" | "b-w"): Sharp;
  removeAlpha(): Sharp;
  ensureAlpha(): Sharp;
  raw(): Sharp;
  toBuffer(options: { readonly resolveWithObject: true }): Promise<{
    readonly data: Uint8Array;
    readonly info: { readonly width: number; readonly height: number; readonly channels: number };
  }>;
};

/** Only when a picture is read: everything else works without the package. */
async function loadSharp(): Promise<Decoder | undefined> {
  const name = "sharp";
  let sharp: Sharp;
  try {
    sharp = (await import(name)).default;
  } catch {
    return undefined;
  }
  return {
    async decode(bytes, { channels, size }) {
      // Without arguments, rotate() turns the picture as its EXIF orientation says.
      const upright = sharp(bytes, { failOn: "error" }).rotate();
      const sized = size ? upright.resize({ ...size, fit: "fill" }) : upright;
      const coloured = channels === 4 ? sized.ensureAlpha() : sized.removeAlpha();
      const space = coloured.toColourspace(channels === 1 ? "b-w" : "srgb");
      const { data, info } = await space.raw().toBuffer({ resolveWithObject: true });
      return { height: info.height, width: info.width, channels: info.channels, data };
    },
  };
}

function fail(message: string, help?: string): { readonly diagnostics: ReturnType<typeof errorDiagnostic>[] } {
  return { diagnostics: [errorDiagnostic("image", message, { help })] };
}
