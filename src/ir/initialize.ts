/** Seeded values for weights that no file gives. The same path, shape and seed give the same numbers everywhere. */
import { createRandom } from "../support/random.ts";
import { elementCount, isFloat } from "./dtype.ts";
import { roundToDType } from "./memory_element.ts";
import type { Initializer, NnWeight } from "./nn.ts";

type Weight = Pick<NnWeight, "path" | "type" | "initializer">;

/** Float weights are rounded to f32, integer ones to whole numbers. Weights without an initialiser are left out. */
export function initializeWeights(weights: readonly Weight[], seed: number | string): Map<string, Float64Array> {
  const values = new Map<string, Float64Array>();
  for (const weight of weights) {
    if (weight.initializer) values.set(weight.path, initialize(weight, weight.initializer, seed));
  }
  return values;
}

function initialize(weight: Weight, initializer: Initializer, seed: number | string): Float64Array {
  const values = new Float64Array(elementCount(weight.type.shape));
  const draw = drawFrom(initializer, weight, seed);
  const { dtype } = weight.type;
  const round = isFloat(dtype) ? (value: number) => roundToDType(value, dtype) : Math.round;
  for (let i = 0; i < values.length; i++) values[i] = round(draw());
  return values;
}

function drawFrom(initializer: Initializer, weight: Weight, seed: number | string): () => number {
  const random = createRandom(`${seed}/${weight.path}`);
  const { fanIn, fanOut } = fans(weight.type.shape);
  switch (initializer.kind) {
    case "zeros":
      return () => 0;
    case "ones":
      return () => 1;
    case "constant":
      return () => initializer.value;
    case "uniform":
      return () => initializer.low + (initializer.high - initializer.low) * random.uniform();
    case "he_normal":
      return () => random.normal() * Math.sqrt(2 / fanIn);
    case "glorot_uniform": {
      const limit = Math.sqrt(6 / (fanIn + fanOut));
      return () => limit * (2 * random.uniform() - 1);
    }
  }
}

/** Channels-last kernels [..., in, out]: what an output sums over, and what an input reaches. */
function fans(shape: readonly number[]): { fanIn: number; fanOut: number } {
  if (shape.length < 2) return { fanIn: Math.max(1, elementCount(shape)), fanOut: Math.max(1, elementCount(shape)) };
  const field = elementCount(shape.slice(0, -2));
  return { fanIn: Math.max(1, field * (shape.at(-2) ?? 1)), fanOut: Math.max(1, field * (shape.at(-1) ?? 1)) };
}
