/** layout: a tensor between nests lies in memory in another order of its dimensions, for all that touch it. */
import { readsOf } from "../../ir/loop_accesses.ts";
import type { Buffer } from "../../ir/tensor.ts";
import { accept, clause, type Primitive, refuse } from "../primitive.ts";

type Plan = { readonly buffer: Buffer; readonly order: readonly number[] };

export const layout: Primitive<Plan> = {
  name: "layout",
  summary:
    "Puts a tensor that the program computes for itself into memory in another order of its dimensions, which are numbered from 0, outermost first (layout transformation). Indices stay as they are; every nest that touches the tensor finds its elements there. Later nests' sketches see the new strides, so that the step belongs to the nest that computes the tensor.",
  syntax: "layout TENSOR by DIMENSION, DIMENSION, ...",
  refusals: {
    "bad-step": "the step is not written as its syntax says, or does not name every dimension once",
    "layout-unknown": "the nest neither computes nor reads the tensor",
    "layout-place": "the caller reads or writes the tensor, it is constant, or it shares its memory under another name or as a part",
  },
  examples: [
    {
      title: "channels first",
      source:
        "model m(x: f32[1, 4, 4, 8]) -> z: f32[1, 4, 4, 8] {\n  let y = conv2d(x, @k: [1, 1, 8, 8] = he_normal)\n  avg_pool2d(y, window: [3, 3], stride: [1, 1], pad: same)\n}",
      prepare: "",
      step: "layout y by 0, 3, 1, 2",
    },
  ],

  check(step, context) {
    const { nest, buffers, outputs } = context;
    const [named] = clause(step, "layout")?.arguments ?? [];
    const order = clause(step, "by")?.arguments ?? [];
    const name = named === "result" ? nest.result : String(named);
    const buffer = buffers.get(name);
    if (named !== undefined && (!buffer || (nest.result !== name && !readsOf(nest.body).has(name))))
      return refuse(step, context, {
        code: "layout-unknown",
        message: `${nest.name} neither computes nor reads \`${name}\``,
        help: `it computes \`${nest.result}\``,
      });
    const dimensions = order.filter((d): d is number => typeof d === "number" && d >= 0 && d < (buffer?.shape.length ?? 0));
    if (!buffer || dimensions.length !== buffer.shape.length || new Set(order).size !== buffer.shape.length)
      return refuse(step, context, {
        code: "bad-step",
        message: "`layout` names a tensor, and by their numbers all of its dimensions",
        help: "write `layout y by 0, 3, 1, 2`",
      });
    const isShared = buffer.aliasOf !== undefined || [...buffers.values()].some((other) => other.aliasOf === name);
    if (buffer.role.kind !== "temporary" || outputs.has(name) || isShared)
      return refuse(step, context, {
        code: "layout-place",
        message: `\`${name}\` ${isShared ? "shares its memory under other names" : "is not the program's own to arrange"}`,
        help: buffer.role.kind === "temporary" ? "leave this step out" : `write \`stage ${name} packed by LOOPS\` for a constant`,
      });
    return accept({ buffer, order: dimensions });
  },

  apply({ buffer, order }, { nest, buffers }) {
    const { overwrites: _, layout: __, ...plain } = buffer;
    const isOwn = order.every((d, place) => d === place);
    // What is in place lies alike: each gets memory of its own.
    const apart = [...buffers.values()].flatMap(({ overwrites, ...other }) => (overwrites === buffer.name ? [other] : []));
    return { nest, buffers: [isOwn ? plain : { ...plain, layout: order }, ...apart], nests: [] };
  },

  neighbours: () => [],
};
