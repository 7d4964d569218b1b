/** Which values are known to be at least 0: zeros around them are then as good as the lowest number. */
import { expect, test } from "vitest";
import type { Call } from "../../src/exporters/exporter.ts";
import { nonNegativeValues } from "../../src/exporters/nonnegative.ts";

const calls = [
  call("conv2d", ["image", "k"], "signed"),
  call("relu", ["signed"], "positive"),
  call("concat", ["positive", "signed"], "mixed"),
  call("concat", ["positive", "moved"], "early"),
  call("reshape", ["positive"], "moved"),
  call("concat", ["positive", "moved"], "joined"),
  call("add", ["positive", "moved"], "sum"),
  { ...call("conv2d", ["joined", "k"], "fused"), activation: "relu6" as const },
];

test("values that cannot be negative", () => {
  expect([...nonNegativeValues({ calls })].sort()).toEqual(["fused", "joined", "moved", "positive"]);
});

function call(operator: string, operands: readonly string[], name: string): Call {
  return { operator, operands, attributes: {}, result: { name, type: { dtype: "f32", shape: [] } } };
}
