/** NaN and infinities go where the definition puts them: in the reference, and in WebAssembly without relaxed instructions. */
import { expect, test } from "vitest";
import { createReference, createWasm } from "../../src/pipeline/execute.ts";
import { compileText } from "../support.ts";

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

const cases: readonly { body: string; type?: string; input: number[]; wanted: number[] }[] = [
  { body: "relu(x)", input: [nan, -inf, inf, -1], wanted: [nan, 0, inf, 0] },
  { body: "1 / relu(x)", input: [-0, 0, nan, -1], wanted: [inf, inf, nan, inf] },
  { body: "relu6(x)", input: [nan, inf, -inf, 7], wanted: [nan, 6, 0, 6] },
  { body: "clip(x, low: -1, high: 2)", input: [nan, inf, -inf, -0.5], wanted: [nan, 2, -1, -0.5] },
  { body: "maximum(x, @w: [4] = zeros)", input: [nan, -inf, inf, -1], wanted: [nan, 0, inf, 0] },
  { body: "argmax(x)", type: "i32[]", input: [1, nan, 3, nan], wanted: [1] },
  { body: "argmax(x)", type: "i32[]", input: [-inf, -inf, -inf, -inf], wanted: [0] },
  { body: "reduce_max(x, axes: [0])", type: "f32[]", input: [1, nan, 3, 0], wanted: [nan] },
  { body: "reduce_min(x, axes: [0])", type: "f32[]", input: [inf, inf, 3, inf], wanted: [3] },
  { body: "reduce_sum(x, axes: [0])", type: "f32[]", input: [inf, -inf, 3, 0], wanted: [nan] },
  { body: "softmax(x)", input: [-inf, 0, 0, -inf], wanted: [0, 0.5, 0.5, 0] },
  { body: "sigmoid(x)", input: [-inf, inf, nan, 0], wanted: [0, 1, nan, 0.5] },
  { body: "exp(x)", input: [-inf, inf, nan, -200], wanted: [0, inf, nan, 0] },
  { body: "log(x)", input: [0, inf, -1, nan], wanted: [-inf, inf, nan, nan] },
  { body: "tanh(x)", input: [-inf, inf, nan, 0], wanted: [-1, 1, nan, 0] },
];

test.each(cases)("$body of $input", ({ body, type = "f32[4]", input, wanted }) => {
  const compiled = compileText(`model m(x: f32[4]) -> y: ${type} { ${body} }`);
  const weights = new Map(compiled.weights.map((weight) => [weight.path, new Float64Array(weight.type.shape[0] ?? 1)]));
  for (const create of [createReference, createWasm]) {
    const result = [
      ...(create(compiled, weights)
        .run(new Map([["x", Float64Array.from(input)]]))
        .get("y") ?? []),
    ];
    expect(result.map((value) => Math.round(value * 1e6) / 1e6)).toEqual(wanted);
  }
});
