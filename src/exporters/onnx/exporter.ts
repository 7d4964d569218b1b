/** ONNX, for ONNX Runtime: one file, channels first; the runtime fuses activations into what gives them by itself. */
import { type Exporter, translateAll } from "../exporter.ts";
import { elementwiseTranslations } from "./elementwise.ts";
import { createModel, type Translate } from "./model.ts";
import { movementTranslations } from "./movement.ts";
import { windowTranslations } from "./windowed.ts";

const translations: { readonly [operator: string]: Translate } = {
  ...elementwiseTranslations,
  ...windowTranslations,
  ...movementTranslations,
};

export const onnx: Exporter = {
  name: "onnx",
  operators: new Set(Object.keys(translations)),
  biased: new Set(["conv2d", "conv", "depthwise_conv2d", "conv_transpose2d", "conv_transpose", "matmul"]),
  activated: new Set(),
  write(graph, file) {
    const model = createModel(graph);
    const diagnostics = translateAll("ONNX", graph, (call) => {
      const translate = translations[call.operator];
      return translate ? translate(call, model) : "(it has no such operator)";
    });
    return diagnostics.length > 0 ? { diagnostics } : { value: [{ name: file, contents: model.bytes() }], diagnostics };
  },
};
