/** STRIDED_SLICE: NumPy's slicing, whose masks say which limits are left open and which dimensions are dropped. */
import type { Value } from "../../written_model.ts";
import type { Translate } from "../net.ts";
import { sameScale } from "./same_scale.ts";

export const stridedSlice: Translate = (node, net) => {
  const [starts, ends, steps] = [1, 2, 3].map((place) => net.known(node.input(place))?.values);
  if (!starts || !ends || !steps) return "has a place that is computed";
  if (node.number("ellipsis_mask") !== 0 || node.number("new_axis_mask") !== 0) return "skips or inserts dimensions";
  const shape = net.shape(node.input(0));
  const has = (mask: string, d: number) => ((node.number(mask) >> d) & 1) === 1;
  const drops = shape.flatMap((_, d) => (has("shrink_axis_mask", d) ? [d] : []));
  const places = shape.map((extent, d) => {
    const [start = 0, end = extent, step = 1] = [starts[d], ends[d], steps[d]];
    // A dropped dimension is read at its start alone.
    if (drops.includes(d)) return { start, end: start === -1 ? extent : start + 1, step: 1 };
    return {
      start: has("begin_mask", d) ? (step > 0 ? 0 : extent - 1) : start,
      end: has("end_mask", d) ? (step > 0 ? extent : -extent - 1) : end,
      step,
    };
  });
  const attributes = {
    starts: places.map(({ start }) => start),
    ends: places.map(({ end }) => end),
    ...(places.some(({ step }) => step !== 1) ? { steps: places.map(({ step }) => step) } : {}),
  };
  const move = (x: Value) => {
    const part = net.call("slice", [x], attributes);
    return drops.length === 0 ? part : net.call("squeeze", [part], { axes: drops });
  };
  const [x, y] = [node.input(0), node.output(0)];
  if (sameScale(net.tensor(x), net.tensor(y))) net.give(y, move(net.value(x)));
  else net.giveReal(y, move(net.real(x)));
  return undefined;
};
