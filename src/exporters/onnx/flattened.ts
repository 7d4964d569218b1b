/** An image that is flattened for a matrix product: its rows may stay in ONNX's order where the matrix's rows follow them. */

import { isIdentity } from "../../ir/permute.ts";
import type { ExportGraph } from "../exporter.ts";
import type { Layout, Model } from "./model.ts";

export type FlattenedRows = { readonly stored: string; readonly shape: readonly number[]; readonly layout: Layout };

/** Whether all that read the value multiply it by a constant matrix, so that nobody sees the order of its rows. */
export function isOnlyMultiplied(value: string, { calls, constants, outputs }: ExportGraph): boolean {
  const readers = calls.filter((call) => call.operands.includes(value));
  const multiplies = readers.every(
    ({ operator, operands }) => operator === "matmul" && operands[0] === value && constants.has(operands[1] ?? ""),
  );
  return multiplies && readers.length > 0 && !outputs.some((output) => output.value === value);
}

/** The rows of a flattened image in its stored order; undefined where the value is no such image, or lies as in the program. */
export function flattenedRows(value: string, model: Model): FlattenedRows | undefined {
  const flatten = model.graph.calls.find((call) => call.result.name === value);
  const [image = ""] = flatten?.operands ?? [];
  if (flatten?.operator !== "flatten" || flatten.attributes.axis !== 1 || !isOnlyMultiplied(value, model.graph)) return undefined;
  const layout = model.layout(image);
  return isIdentity(layout) ? undefined : { stored: value, shape: model.shape(image), layout };
}
