/** ONNX's resizing and sampling of images in this library's terms. */
import {
  channelsFirst,
  channelsLast,
  dimsOf,
  elements,
  float,
  integer,
  integers,
  range,
  type Translation,
  type Translations,
  text,
  word,
  wrapped,
} from "./onnx_translation.ts";

const roundings: { readonly [mode: string]: string } = {
  round_prefer_floor: "round_half_down",
  round_prefer_ceil: "round_half_up",
  floor: "floor",
  ceil: "ceil",
};

const resize: Translation = (node) => {
  const dims = dimsOf(node, 0);
  if (dims.length !== 4) return "resizing of other dimensions than height and width";
  const coordinates = word(node, "coordinate_transformation_mode", "half_pixel");
  const axes = (integers(node, "axes") ?? range(4)).map((axis) => wrapped(axis, 4));
  const along = (i: number): readonly (number | undefined)[] | undefined => {
    const given = elements(node, i);
    return given?.length ? [2, 3].map((d) => given[axes.indexOf(d)]) : undefined;
  };
  const input = dims.slice(2);
  const [scales, sizes] = [along(2), along(3)];
  let scale = scales ?? input.map((extent, d) => (sizes?.[d] ?? extent) / extent);
  let size = sizes ?? input.map((extent, d) => Math.floor(extent * (scale[d] ?? 1)));
  const policy = word(node, "keep_aspect_ratio_policy", "stretch");
  if (sizes && policy !== "stretch") {
    const both = (policy === "not_larger" ? Math.min : Math.max)(...scale.map((each) => each ?? 1));
    scale = [both, both];
    size = input.map((extent) => Math.floor(extent * both + 0.5));
  }
  const mode = word(node, "mode", "nearest");
  if (coordinates === "tf_crop_and_resize") {
    if (mode !== "linear") return "cropping with another mode than linear";
    const region = elements(node, 1) ?? [];
    const [starts, ends] = [0, axes.length].map((from) => [2, 3].map((d) => region[from + axes.indexOf(d)]));
    const call = `crop_and_resize(${channelsLast(text(node, 0), 4)}, size: [${size}], region: [${starts}, ${ends}], outside: ${float(node, "extrapolation_value", 0)})`;
    return { operator: "crop_and_resize", text: channelsFirst(call, 4) };
  }
  const more = {
    nearest: `, rounding: ${roundings[word(node, "nearest_mode", "round_prefer_floor")]}`,
    linear: "",
    cubic: `, coefficient: ${float(node, "cubic_coeff_a", -0.75)}`,
  }[mode];
  const outside = integer(node, "exclude_outside", 0) ? ", exclude_outside: true" : "";
  const antialias = integer(node, "antialias", 0) ? ", antialias: true" : "";
  const attributes = `size: [${size}], scale: [${scale}], coordinates: ${coordinates}${more}${outside}${antialias}`;
  return { operator: `resize_${mode}`, text: channelsFirst(`resize_${mode}(${channelsLast(text(node, 0), 4)}, ${attributes})`, 4) };
};

/** The older operator: its coordinates begin with the first element, and nearest is the one before. */
const upsample: Translation = (node) => {
  const [, , h = 1, w = 1] = dimsOf(node, 0);
  const [batch = 1, channels = 1, vertical = 1, horizontal = 1] = integers(node, "scales") ?? elements(node, 1) ?? [];
  if (dimsOf(node, 0).length !== 4 || batch * channels !== 1) return "resizing of other dimensions than height and width";
  const size = `size: [${Math.floor(h * vertical)}, ${Math.floor(w * horizontal)}], scale: [${vertical}, ${horizontal}]`;
  const [operator, more] = word(node, "mode", "nearest") === "nearest" ? ["resize_nearest", ", rounding: floor"] : ["resize_linear", ""];
  const call = `${operator}(${channelsLast(text(node, 0), 4)}, ${size}, coordinates: asymmetric${more})`;
  return { operator, text: channelsFirst(call, 4) };
};

const gridSample: Translation = (node) => {
  if (dimsOf(node, 0).length !== 4) return "sampling of volumes";
  const mode = { bilinear: "linear", bicubic: "cubic" }[word(node, "mode", "linear")] ?? word(node, "mode", "linear");
  const attributes = `mode: ${mode}, padding: ${word(node, "padding_mode", "zeros")}, align_corners: ${integer(node, "align_corners", 0) === 1}`;
  return {
    operator: "grid_sample",
    text: channelsFirst(`grid_sample(${channelsLast(text(node, 0), 4)}, ${text(node, 1)}, ${attributes})`, 4),
  };
};

export const resamplingTranslations: Translations = { Resize: resize, Upsample: upsample, GridSample: gridSample };
