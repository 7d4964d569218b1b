/** All formats that a model is exported to, by the name that the command line gives them. */
import type { Exporter } from "./exporter.ts";
import { onnx } from "./onnx/exporter.ts";
import { tfjs } from "./tfjs/exporter.ts";
import { tflite } from "./tflite/exporter.ts";

export const exporters: { readonly [format: string]: Exporter } = { onnx, tflite, tfjs };
