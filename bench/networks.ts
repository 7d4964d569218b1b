/** The networks that are measured: the examples, compiled as `quern build` does, with seeded weights and a seeded image. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Compiled, compile } from "../src/compile.ts";
import { elementCount } from "../src/ir/dtype.ts";
import { initializeWeights } from "../src/ir/initialize.ts";
import { type Group, rootReduction } from "../src/ir/tensor.ts";
import type { Weights } from "../src/pipeline/execute.ts";
import { hasErrors, renderDiagnostic } from "../src/support/diagnostic.ts";
import { createRandom } from "../src/support/random.ts";

export const networkNames = ["resnet8", "mobilenet-v1", "vgg-cifar"] as const;

export type Network = {
  readonly name: string;
  readonly compiled: Compiled;
  readonly weights: Weights;
  /** Channels last, uniform in [0, 1). */
  readonly image: Float32Array;
  readonly multiplyAdds: number;
};

export function loadNetwork(name: string): Network {
  const file = fileURLToPath(new URL(`../examples/${name}/${name}.qn`, import.meta.url));
  const text = readFileSync(file, "utf8");
  const { value: compiled, diagnostics } = compile([{ file, text }]);
  if (!compiled || hasErrors(diagnostics))
    throw new Error(diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, new Map([[file, text]]))).join("\n"));
  const weights = initializeWeights(compiled.source.weights, 0);
  const random = createRandom("image");
  const image = Float32Array.from({ length: elementCount(onlyInput(compiled).type.shape) }, () => random.uniform());
  const groups = compiled.levels.layers().groups.filter((group) => group.phase === "run");
  const multiplyAdds = groups.reduce((sum, group) => sum + multiplyAddsOf(group), 0);
  return { name, compiled, weights, image, multiplyAdds };
}

export function onlyInput(compiled: Compiled): Compiled["inputs"][number] {
  const [input] = compiled.inputs;
  if (!input || compiled.inputs.length !== 1) throw new Error(`${compiled.name} has ${compiled.inputs.length} inputs, and one is measured`);
  return input;
}

/** Points of every sum of products in the group: what a direct evaluation multiplies and adds, padding included. */
export function multiplyAddsOf(group: Group): number {
  return group.computes.reduce((sum, compute) => {
    const reduction = rootReduction(compute);
    if (reduction?.op !== "sum" || reduction.body.kind !== "apply" || reduction.body.function !== "mul") return sum;
    const extents = [...compute.axes, ...reduction.axes].map((axis) => axis.extent);
    return sum + elementCount(extents);
  }, 0);
}
