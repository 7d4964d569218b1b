/** ONNX's resizing and sampling of images. */
import { elementCount } from "../../ir/dtype.ts";
import type { Attributes } from "../../ir/nn.ts";
import type { Value } from "../written_model.ts";
import type { NodeContext, Refusal, Translation, Translations } from "./context.ts";
import { channelsLast, type Layout, range, wrapAxis } from "./layout.ts";
import { shortestNumber } from "./literal.ts";

const roundings: { readonly [mode: string]: string } = {
  round_prefer_floor: "round_half_down",
  round_prefer_ceil: "round_half_up",
  floor: "floor",
  ceil: "ceil",
};

const coordinateModes = ["half_pixel", "asymmetric", "align_corners", "half_pixel_symmetric", "pytorch_half_pixel", "tf_half_pixel_for_nn"];

/** What is asked for of every dimension: its extent and the factor by which places are found. */
type Resizing = { readonly size: readonly number[]; readonly scale: readonly number[] };

const resize: Translation = (context) => {
  const isOld = context.opset < 11;
  const shape = context.shape(0);
  const asked = resizing(context, shape, isOld ? 1 : 2);
  if (!("size" in asked)) return asked.refusal;
  const mode = context.text("mode", "nearest");
  const coordinates = isOld ? "asymmetric" : context.text("coordinate_transformation_mode", "half_pixel");
  const changed = range(shape.length).filter((d) => asked.scale[d] !== 1 || asked.size[d] !== shape[d]);
  if (coordinates === "tf_crop_and_resize") return cropped(context, asked, mode);
  if (!coordinateModes.includes(coordinates)) return `places elements by \`${coordinates}\``;
  const operator = { nearest: "resize_nearest", linear: "resize_linear", cubic: "resize_cubic" }[mode];
  if (!operator) return `interpolates by \`${mode}\``;
  const rounding = roundings[isOld ? "floor" : context.text("nearest_mode", "round_prefer_floor")];
  if (rounding === undefined) return `rounds places by \`${context.text("nearest_mode", "")}\``;
  const attributes = {
    coordinates: coordinates === "tf_half_pixel_for_nn" ? "tf_half_pixel" : coordinates,
    ...(mode === "nearest" ? { rounding } : {}),
    ...(mode === "cubic" ? { coefficient: shortestNumber(context.number("cubic_coeff_a", -0.75)) } : {}),
    ...(context.number("exclude_outside", 0) && mode === "cubic" ? { exclude_outside: true } : {}),
    ...(context.number("antialias", 0) && mode !== "nearest" ? { antialias: true } : {}),
  };
  return pairByPair(context, changed, (x, places) => context.builder.call(operator, [x], { ...along(places, asked), ...attributes }));
};

/** Extents and factors of two dimensions; one that is missing stays 1. */
function along(places: readonly (number | undefined)[], { size, scale }: Resizing): Attributes {
  return {
    size: places.map((place) => (place === undefined ? 1 : (size[place] ?? 1))),
    scale: places.map((place) => (place === undefined ? 1 : (scale[place] ?? 1))),
  };
}

/** Interpolation goes along each dimension by itself: two at a time, as the library has images. */
function pairByPair(
  context: NodeContext,
  changed: readonly number[],
  write: (x: Value, places: readonly (number | undefined)[]) => Value,
): undefined {
  const rank = context.rank(0);
  let layout = context.layout(0);
  let value = context.use(0, layout);
  for (let first = 0; first < changed.length; first += 2) {
    const pair = changed.slice(first, first + 2);
    const others = range(rank).filter((d) => !pair.includes(d));
    const wanted: Layout = [...others.slice(0, -1), ...pair, ...others.slice(-1)];
    const x = arranged(context, value, layout, wanted);
    const stored = x.type.shape;
    const before = stored.slice(0, Math.max(0, others.length - 1));
    const after = others.length > 0 ? stored.slice(-1) : [1];
    const size = [...(pair.length === 1 ? [1] : []), ...stored.slice(before.length, before.length + pair.length)];
    const image = context.builder.reshape(x, [elementCount(before), ...size, ...after]);
    const result = write(image, pair.length === 1 ? [undefined, ...pair] : pair);
    const resized = result.type.shape.slice(3 - pair.length, 3);
    value = context.builder.reshape(result, [...before, ...resized, ...(others.length > 0 ? after : [])]);
    layout = wanted;
  }
  context.define(value, { layout });
  return undefined;
}

/** The operand as it is wanted, or what has been computed of it so far. */
function arranged(context: NodeContext, value: Value, layout: Layout, wanted: Layout): Value {
  if (value.id === context.use(0, layout).id) return context.use(0, wanted);
  return context.builder.call("transpose", [value], { order: wanted.map((dimension) => layout.indexOf(dimension)) });
}

function cropped(context: NodeContext, { size }: Resizing, mode: string): Refusal | undefined {
  const rank = context.rank(0);
  if (mode !== "linear" || rank !== 4) return "crops with other interpolation than linear, or other images than of four dimensions";
  const region = context.numbers(1);
  if (!region) return { operand: 1 };
  const axes = (context.integers("axes") ?? range(rank)).map((axis) => wrapAxis(axis, rank));
  const corner = (from: number) => [2, 3].map((d) => shortestNumber(region[from + axes.indexOf(d)] ?? 0));
  const layout = channelsLast(4);
  const attributes = {
    size: size.slice(2),
    region: [...corner(0), ...corner(axes.length)],
    outside: shortestNumber(context.number("extrapolation_value", 0)),
  };
  context.define(context.builder.call("crop_and_resize", [context.use(0, layout)], attributes), { layout });
  return undefined;
}

/** By scales or sizes, of all dimensions or of those that `axes` names. */
function resizing(context: NodeContext, shape: readonly number[], scalesAt: number): Resizing | { readonly refusal: Refusal } {
  for (const i of [scalesAt, scalesAt + 1]) if (context.has(i) && !context.constant(i)) return { refusal: { operand: i } };
  const rank = shape.length;
  const axes = (context.integers("axes") ?? range(rank)).map((axis) => wrapAxis(axis, rank));
  const along = (i: number) => {
    const given = context.numbers(i);
    return given?.length ? range(rank).map((d) => (axes.includes(d) ? given[axes.indexOf(d)] : undefined)) : undefined;
  };
  const [scales, sizes] = [along(scalesAt), scalesAt === 1 ? undefined : along(scalesAt + 1)];
  if (!scales && !sizes) return { refusal: "has neither scales nor sizes" };
  if (scales?.some((scale) => scale !== undefined && !(scale > 0))) return { refusal: "has a scale that is not positive" };
  const policy = context.text("keep_aspect_ratio_policy", "stretch");
  if (sizes && policy !== "stretch") {
    const factors = axes.map((d) => (sizes[d] ?? 1) / (shape[d] ?? 1));
    const both = (policy === "not_larger" ? Math.min : Math.max)(...factors);
    const scale = shape.map((_, d) => (axes.includes(d) ? both : 1));
    return { scale, size: shape.map((extent, d) => (axes.includes(d) ? Math.floor(extent * both + 0.5) : extent)) };
  }
  if (sizes) return { size: shape.map((extent, d) => sizes[d] ?? extent), scale: shape.map((extent, d) => (sizes[d] ?? extent) / extent) };
  const scale = shape.map((_, d) => scales?.[d] ?? 1);
  return { scale, size: shape.map((extent, d) => Math.floor(extent * (scale[d] ?? 1))) };
}

/** The older operator: its coordinates begin with the first element, and nearest is the one before. */
const upsample: Translation = (context) => {
  const shape = context.shape(0);
  const scale = context.listed("scales", 1);
  if (!scale) return { operand: 1 };
  if (scale.some((factor) => !(factor > 0))) return "has a scale that is not positive";
  const size = shape.map((extent, d) => Math.floor(extent * (scale[d] ?? 1)));
  const changed = range(shape.length).filter((d) => scale[d] !== 1);
  const isNearest = context.text("mode", "nearest") === "nearest";
  const attributes = { coordinates: "asymmetric", ...(isNearest ? { rounding: "floor" } : {}) };
  return pairByPair(context, changed, (x, places) =>
    context.builder.call(isNearest ? "resize_nearest" : "resize_linear", [x], { ...along(places, { size, scale }), ...attributes }),
  );
};

const gridModes: { readonly [mode: string]: string } = {
  bilinear: "linear",
  linear: "linear",
  bicubic: "cubic",
  cubic: "cubic",
  nearest: "nearest",
};

const gridSample: Translation = (context) => {
  const rank = context.rank(0);
  const mode = gridModes[context.text("mode", "linear")];
  if (mode === undefined) return `interpolates by \`${context.text("mode", "")}\``;
  if (rank !== 4 && !(rank === 5 && mode !== "cubic")) return `samples ${rank} dimensions by \`${mode}\``;
  const layout = channelsLast(rank);
  const attributes = { mode, padding: context.text("padding_mode", "zeros"), align_corners: context.number("align_corners", 0) === 1 };
  const operator = rank === 4 ? "grid_sample" : "grid_sample3d";
  context.define(context.builder.call(operator, [context.use(0, layout), context.use(1)], attributes), { layout });
  return undefined;
};

/** Regions of one size; without a number of samples it would depend on the regions, and so on the data. */
const regionAlign: Translation = (context) => {
  const samples = context.number("sampling_ratio", 0);
  if (samples < 1) return "takes as many samples as a region is large, which depends on the data";
  const layout = channelsLast(4);
  const mode = context.text("coordinate_transformation_mode", context.opset < 16 ? "output_half_pixel" : "half_pixel");
  const attributes = {
    size: [context.number("output_height", 1), context.number("output_width", 1)],
    samples,
    scale: shortestNumber(context.number("spatial_scale", 1)),
    mode: context.text("mode", "avg") === "avg" ? "mean" : "largest",
    half_pixel: mode === "half_pixel",
  };
  context.define(context.builder.call("roi_align", [context.use(0, layout), context.use(1), context.use(2)], attributes), { layout });
  return undefined;
};

export const resamplingTranslations: Translations = { GridSample: gridSample, Resize: resize, RoiAlign: regionAlign, Upsample: upsample };
