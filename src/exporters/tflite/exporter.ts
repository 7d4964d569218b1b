/** TensorFlow Lite, for LiteRT: one file, channels last, with activations and biases in the operators that take them. */
import { type Exporter, translateAll } from "../exporter.ts";
import { createModel } from "./model.ts";
import { translations } from "./translations.ts";

export const tflite: Exporter = {
  name: "tflite",
  operators: new Set(Object.keys(translations)),
  biased: new Set(["conv2d", "conv", "depthwise_conv2d", "conv_transpose2d", "matmul"]),
  activated: new Set(["conv2d", "conv", "depthwise_conv2d", "matmul", "add", "sub", "mul", "div", "max_pool2d", "avg_pool2d"]),
  write(graph, file) {
    const model = createModel(graph);
    const diagnostics = translateAll("TensorFlow Lite", graph, (call) => {
      const translate = translations[call.operator];
      return translate ? translate(call, model) : "(it has no such operator)";
    });
    return diagnostics.length > 0 ? { diagnostics } : { value: [{ name: file, contents: model.bytes() }], diagnostics };
  },
};
