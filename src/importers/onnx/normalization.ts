/** ONNX's normalisations. */
import type { Attributes } from "../../ir/nn.ts";
import type { Translation, Translations } from "./context.ts";
import { channelsLast, type Layout, range, wrapAxis } from "./layout.ts";
import { shortestNumber } from "./literal.ts";

/** A normalisation whose parameters are one for each channel. */
function perChannel(operator: string, operands: number, more: Attributes = {}): Translation {
  return (context) => {
    if (context.number("training_mode", 0) || context.node.outputs.slice(1).some((name) => name !== "" && operator !== "batch_norm"))
      return "normalises by statistics of its own, as in training";
    if (context.node.outputs.length > 1 && context.opset >= 14) return "gives statistics of its own, as in training";
    const layout = channelsLast(context.rank(0));
    const parameters = range(operands, 1).map((i) => context.use(i));
    const attributes = { epsilon: shortestNumber(context.number("epsilon", 1e-5)), ...more };
    context.define(context.builder.call(operator, [context.use(0, layout), ...parameters], attributes), { layout });
    return undefined;
  };
}

const layerNorm: Translation = (context) => {
  const { builder } = context;
  const rank = context.rank(0);
  const axis = wrapAxis(context.number("axis", -1), rank);
  const axes = range(rank - axis, axis);
  const epsilon = shortestNumber(context.number("epsilon", 1e-5));
  const x = context.use(0);
  const beta = context.has(2) ? context.use(2) : builder.call("full", [], { shape: context.shape(1), value: 0 });
  context.define(builder.call("layer_norm", [x, context.use(1), beta], { axis, epsilon }));
  if (!context.wants(1) && !context.wants(2)) return undefined;
  const mean = builder.call("reduce_mean", [x], { axes, keep: true });
  context.define(mean, { result: 1 });
  const centered = builder.call("sub", [x, mean]);
  const variance = builder.call("reduce_mean", [builder.call("mul", [centered, centered])], { axes, keep: true });
  context.define(builder.call("rsqrt", [builder.call("add", [variance, epsilon])]), { result: 2 });
  return undefined;
};

const rmsNorm: Translation = (context) => {
  const attributes = {
    axis: wrapAxis(context.number("axis", -1), context.rank(0)),
    epsilon: shortestNumber(context.number("epsilon", 1e-5)),
  };
  context.define(context.builder.call("rms_norm", [context.use(0), context.use(1)], attributes));
  return undefined;
};

/** (x - mean) / (standard deviation + 1e-9), as ONNX's function does it. */
const meanVarianceNorm: Translation = (context) => {
  const { builder } = context;
  const layout = context.layout(0);
  const axes = (context.integers("axes") ?? [0, 2, 3]).map((axis) => layout.indexOf(wrapAxis(axis, layout.length)));
  const x = context.use(0, layout);
  const centered = builder.call("sub", [x, builder.call("reduce_mean", [x], { axes, keep: true })]);
  const variance = builder.call("reduce_mean", [builder.call("mul", [centered, centered])], { axes, keep: true });
  const deviation = builder.call("add", [builder.call("sqrt", [variance]), 1e-9]);
  context.define(builder.call("div", [centered, deviation]), { layout });
  return undefined;
};

const responseNorm: Translation = (context) => {
  const layout = channelsLast(context.rank(0));
  const numbers = {
    size: context.number("size", 1),
    alpha: shortestNumber(context.number("alpha", 1e-4)),
    beta: shortestNumber(context.number("beta", 0.75)),
    k: shortestNumber(context.number("bias", 1)),
  };
  context.define(context.builder.call("local_response_norm", [context.use(0, layout)], numbers), { layout });
  return undefined;
};

/** x / its norm along an axis; ONNX divides nothing by nothing to 0. */
const normalization: Translation = (context) => {
  const { builder } = context;
  const layout: Layout = context.layout(0);
  const axes = [layout.indexOf(wrapAxis(context.number("axis", -1), layout.length))];
  const x = context.use(0, layout);
  const norm = builder.call(context.number("p", 2) === 1 ? "reduce_l1" : "reduce_l2", [x], { axes, keep: true });
  context.define(builder.call("select", [builder.call("equal", [norm, 0]), 0, builder.call("div", [x, norm])]), { layout });
  return undefined;
};

/** An early operator, which no operator set kept: x scale + a bias for each channel. */
const imageScaler: Translation = (context) => {
  const { builder } = context;
  const layout = channelsLast(context.rank(0));
  const bias = context.integers("bias") ?? [];
  const scaled = builder.call("mul", [context.use(0, layout), shortestNumber(context.number("scale", 1))]);
  const values = builder.weight(`${context.node.name} bias`, {
    type: { dtype: "f32", shape: [bias.length] },
    values: Float32Array.from(bias),
  });
  context.define(builder.call("add", [scaled, values]), { layout });
  return undefined;
};

/** Until version 21 a scale and a bias stand for a group of channels. */
const groupNorm: Translation = (context) => {
  const groups = context.number("num_groups", 1);
  const channels = context.shape(0)[1] ?? 1;
  const isPerChannel = context.opset >= 21 || context.shape(1)[0] === channels;
  if (isPerChannel) return perChannel("group_norm", 2, { groups })(context);
  const { builder } = context;
  const layout = channelsLast(context.rank(0));
  const parameters = [1, 2].map((i) => {
    const wide = builder.call("expand", [context.reshaped(i, [0], [groups, 1])], { to: [groups, channels / groups] });
    return builder.reshape(wide, [channels]);
  });
  const attributes = { groups, epsilon: shortestNumber(context.number("epsilon", 1e-5)) };
  context.define(builder.call("group_norm", [context.use(0, layout), ...parameters], attributes), { layout });
  return undefined;
};

export const normalizationTranslations: Translations = {
  BatchNormalization: perChannel("batch_norm", 4),
  GroupNormalization: groupNorm,
  ImageScaler: imageScaler,
  InstanceNormalization: perChannel("instance_norm", 2),
  LRN: responseNorm,
  LayerNormalization: layerNorm,
  LpNormalization: normalization,
  MeanVarianceNormalization: meanVarianceNorm,
  RMSNormalization: rmsNorm,
};
