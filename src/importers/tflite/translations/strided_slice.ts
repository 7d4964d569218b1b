/** STRIDED_SLICE: NumPy's slicing, whose masks say which limits are left open and which dimensions are dropped. */
import { stridedPlaces } from "../../strided_places.ts";
import type { Value } from "../../written_model.ts";
import type { Translate } from "../net.ts";
import { sameScale } from "./same_scale.ts";

export const stridedSlice: Translate = (node, net) => {
  const [starts, ends, steps] = [1, 2, 3].map((place) => net.known(node.input(place))?.values);
  if (!starts || !ends || !steps) return "has a place that is computed";
  if (node.number("ellipsis_mask") !== 0 || node.number("new_axis_mask") !== 0) return "skips or inserts dimensions";
  const masks = { begin: node.number("begin_mask"), end: node.number("end_mask"), shrink: node.number("shrink_axis_mask") };
  const { attributes, drops } = stridedPlaces(net.shape(node.input(0)), [starts, ends, steps], masks);
  const move = (x: Value) => {
    const part = net.call("slice", [x], attributes);
    return drops.length === 0 ? part : net.call("squeeze", [part], { axes: drops });
  };
  const [x, y] = [node.input(0), node.output(0)];
  if (sameScale(net.tensor(x), net.tensor(y))) net.give(y, move(net.value(x)));
  else net.giveReal(y, move(net.real(x)));
  return undefined;
};
