/** The networks that are measured: the examples, compiled as `quern build` does, with seeded weights and a seeded image. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Compiled, compile } from "../src/compile.ts";
import { parseTuned } from "../src/frontend/parse_tuned.ts";
import { elementCount } from "../src/ir/dtype.ts";
import { initializeWeights } from "../src/ir/initialize.ts";
import { type Group, rootReduction } from "../src/ir/tensor.ts";
import type { TunedSection } from "../src/ir/tuned.ts";
import { createWasm, type Weights } from "../src/pipeline/execute.ts";
import { hasErrors, renderDiagnostic } from "../src/support/diagnostic.ts";
import { createRandom } from "../src/support/random.ts";

export const networkNames = [
  "vgg-cifar",
  "resnet8",
  "vww",
  "squeezenet",
  "mobilenet-v2",
  "resnet18",
  "resnet50",
  "mobilenet-v1",
  "mobilenet-v3-small",
  "unet",
  "efficientnet-lite0",
  "shufflenet-v2",
] as const;

export type Variants = Pick<Network, "compiled" | "forSimd" | "gpu">;

export type Network = {
  readonly name: string;
  readonly sources: readonly { readonly file: string; readonly text: string }[];
  readonly compiled: Compiled;
  /** What engines without relaxed SIMD get, where that is tuned apart. */
  readonly forSimd?: Compiled;
  /** The same for WebGPU, where that is measured. */
  readonly gpu?: Compiled;
  /** With the default schedules, beside a tuned one. */
  readonly byDefault?: Variants;
  readonly weights: Weights;
  /** Channels last, uniform in [0, 1). */
  readonly image: Float32Array;
  readonly multiplyAdds: number;
};

export type LoadOptions = {
  /** That engine's section of `NAME.schedule` beside the model gives the schedules. */
  readonly tuned?: string;
  /** Another file than that. */
  readonly schedule?: string;
  /** Whether it is compiled for WebGPU as well. */
  readonly gpu?: boolean;
};

export function loadNetwork(name: string, { tuned, schedule, gpu = false }: LoadOptions = {}): Network {
  const place = (file: string) => fileURLToPath(new URL(`../examples/${name}/${file}`, import.meta.url));
  const file = place(`${name}.qn`);
  const sources = [{ file, text: readFileSync(file, "utf8") }];
  const all = tuned === undefined ? [] : sectionsIn(schedule ?? place(`${name}.schedule`), tuned);
  const sections = tuned === undefined ? undefined : all.filter(({ engine }) => engine === tuned);
  const texts = new Map(sources.map((source) => [source.file, source.text]));
  const compiledFor = (target: Compiled["target"], tuned = sections): Compiled => {
    const { value, diagnostics } = compile(sources, { target, ...(tuned ? { tuned } : {}) });
    if (!value || hasErrors(diagnostics)) throw new Error(diagnostics.map((each) => renderDiagnostic(each, texts)).join("\n"));
    for (const each of diagnostics) console.error(renderDiagnostic(each, texts));
    return value;
  };
  const compiled = compiledFor("wasm");
  const forSimd = compiled.tuned?.relaxed ? { forSimd: compiled.withTuned(all.filter(({ relaxed }) => !relaxed)) } : {};
  const random = createRandom("image");
  const image = Float32Array.from({ length: elementCount(onlyInput(compiled).type.shape) }, () => random.uniform());
  const groups = compiled.levels.layers().groups.filter((group) => group.phase === "run");
  const multiplyAdds = groups.reduce((sum, group) => sum + multiplyAddsOf(group), 0);
  const forGpu = (tuned = sections) => (gpu ? { gpu: compiledFor("webgpu", tuned) } : {});
  const loaded = { name, sources, compiled, ...forSimd, ...forGpu(), weights: telling(compiled, image), image, multiplyAdds };
  return sections ? { ...loaded, byDefault: { compiled: compiled.withTuned([]), ...forGpu([]) } } : loaded;
}

/** All sections, of which some are the engine's. */
function sectionsIn(path: string, engine: string): readonly TunedSection[] {
  if (!existsSync(path)) throw new Error(`there is no ${path}: tune the network first, or leave out --tuned`);
  const text = readFileSync(path, "utf8");
  const { value, diagnostics } = parseTuned(text, path);
  const sections = value?.sections ?? [];
  if (diagnostics.length > 0) throw new Error(diagnostics.map((each) => renderDiagnostic(each, new Map([[path, text]]))).join("\n"));
  if (!sections.some((section) => section.engine === engine))
    throw new Error(`${path} has no section for ${engine}: tune the network there first, or leave out --tuned`);
  return sections;
}

/** The initialisers' values, with the last layer's scaled until the outputs differ, but none drowns in a saturated softmax. */
function telling(compiled: Compiled, image: Float32Array): Weights {
  const weights = initializeWeights(compiled.source.weights, 0);
  const last = lastKernel(compiled);
  const inputs = new Map([[onlyInput(compiled).name, Float64Array.from(image)]]);
  for (let attempt = 0; attempt < 12; attempt++) {
    const [output] = createWasm(compiled, weights).run(inputs).values();
    const values = [...(output ?? [])].map(Math.abs);
    const spread =
      values.reduce((a, b) => Math.max(a, b), 0) /
      Math.max(
        Number.MIN_VALUE,
        values.reduce((a, b) => Math.min(a, b), Infinity),
      );
    if (spread > 1.1 && spread < 1e5) return weights;
    const kernel = weights.get(last);
    if (kernel)
      weights.set(
        last,
        kernel.map((value) => value * (spread <= 1.1 ? 4 : 0.5)),
      );
  }
  throw new Error(`the outputs of ${compiled.name} say nothing: they are all alike, or one is all there is`);
}

/** The key of the weight of two or more dimensions that the program reads last. */
function lastKernel({ source }: Compiled): string {
  const kernels = new Map(source.weights.filter(({ type }) => type.shape.length > 1).map(({ name, path }) => [name, path]));
  const read = source.nodes.flatMap((node) => node.operands).filter((name) => kernels.has(name));
  return kernels.get(read.at(-1) ?? "") ?? "";
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
