/** The vectors that are the project's own: numbers worked out by hand, and what plain loops compute. */
import { literalImages } from "./literal_images.ts";
import { literalLayers } from "./literal_layers.ts";
import { literalMovement } from "./literal_movement.ts";
import { literalRegions } from "./literal_regions.ts";
import { literalVectors } from "./literal_vectors.ts";
import { loopVectors } from "./loop_vectors.ts";
import { literalQuantized } from "./quantized_vectors.ts";
import { scalarVectors } from "./scalar_vectors.ts";
import type { Vector } from "./tensors.ts";

/** With so many random cases of each operator that has loops. */
export function ownVectors(count: number): { readonly literal: readonly Vector[]; readonly loops: readonly Vector[] } {
  return {
    literal: [...literalVectors, ...literalMovement, ...literalLayers, ...literalImages, ...literalRegions, ...literalQuantized],
    loops: [...scalarVectors, ...loopVectors(count)],
  };
}
