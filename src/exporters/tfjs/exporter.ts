/** TensorFlow.js: a graph model (`model.json`) and its weights beside it, channels last, in the fused operators of its converter. */
import { type Exporter, translateAll } from "../exporter.ts";
import { createModel } from "./model.ts";
import { translations } from "./translations.ts";

export const tfjs: Exporter = {
  name: "tfjs",
  operators: new Set(Object.keys(translations)),
  biased: new Set(["conv2d", "conv", "depthwise_conv2d", "conv_transpose2d", "matmul"]),
  activated: new Set(["conv2d", "conv", "depthwise_conv2d", "matmul"]),
  write(graph, file) {
    const model = createModel(graph);
    const diagnostics = translateAll("TensorFlow.js", graph, (call) => {
      const translate = translations[call.operator];
      return translate ? translate(call, model) : "(it has no such operator)";
    });
    return diagnostics.length > 0 ? { diagnostics } : { value: model.files(file), diagnostics };
  },
};
