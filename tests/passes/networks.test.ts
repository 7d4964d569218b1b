/** What the passes make of whole networks: nothing that could be folded, fused or shared is left. */
import { describe, expect, test } from "vitest";
import { bytesOf, rootReduction } from "../../src/ir/tensor.ts";
import { compileExample, compileText } from "../support.ts";

describe.each(["resnet8", "mobilenet-v1", "vww"])("%s", (name) => {
  const { levels } = compileExample(name, { algorithm: "direct" });

  test("batch normalisation is in the weights", () => {
    const program = levels.nn();
    const weights = new Set([...program.weights, ...program.constants].map((value) => value.name));
    for (const node of program.nodes) if (node.operands.every((operand) => weights.has(operand))) weights.add(node.results[0]?.name ?? "");
    // What is left at run time on images: convolutions, additions and activations, and no scaling.
    const images = program.nodes.filter((node) => node.results[0]?.type.shape.length === 4 && !weights.has(node.results[0].name));
    expect(images.length).toBeGreaterThan(5);
    expect(images.filter((node) => ["mul", "div", "sub", "sqrt"].includes(node.operator))).toEqual([]);
  });

  test("bias, activation and residual addition run in the convolution's kernel", () => {
    const groups = levels.tensor().groups.filter((group) => group.phase === "run");
    const images = groups.filter((group) => group.computes.at(-1)?.axes.length === 4);
    // A group without a reduction only moves the input into a buffer with a border.
    const maps = images.filter((group) => !group.computes.some((compute) => rootReduction(compute)));
    expect(maps.map((group) => group.name)).toEqual(["image.padded"]);
  });
});

test("a network carries the declarations that it calls, and no others of the library", () => {
  const { levels, module } = compileText("model m(x: f32[1, 3]) -> y { relu(x * 2) }");
  expect(levels.nn("rewrite").operators.size).toBe(module.operators.size);
  const { operators, definitions } = levels.nn();
  expect([...operators.keys()].sort()).toEqual(["mul", "relu"]);
  expect([...definitions.keys()].sort()).toEqual(["aligned", "broadcast", "broadcasts", "extended", "larger_rank"]);
});

test("residual additions of ResNet-8 are epilogues", () => {
  const { levels } = compileExample("resnet8", { algorithm: "direct" });
  for (const name of ["b", "c", "d"]) {
    const group = levels.layers().groups.find((candidate) => candidate.computes.at(-1)?.name === name);
    expect(group?.computes.length, name).toBe(2);
  }
});

describe("memory", () => {
  // Some step holds its operands and its result at once: no plan is smaller than the largest such step.
  test.each([
    ["direct", 1.1],
    ["winograd_4x4", 1.25],
  ])("the arena of ResNet-8 is about as small as its largest step: %s", (algorithm, most) => {
    const { levels } = compileExample("resnet8", { algorithm });
    const { arenaBytes } = levels.loop();
    const peak = largestStep(levels.tensor());
    expect(arenaBytes).toBeGreaterThanOrEqual(peak);
    expect(arenaBytes).toBeLessThanOrEqual(most * peak);
  });

  test("an elementwise chain that cannot be fused runs in place", () => {
    const { levels } = compileText(
      "model m(x: f32[64]) -> y: f32[64] { let s = exp(x)\n let t = s * (reduce_sum(s, axes: [0], keep: true))\n t }",
    );
    const program = levels.loop();
    const temporaries = program.buffers.filter((buffer) => buffer.role.kind === "temporary" && buffer.shape[0] === 64);
    expect(new Set(temporaries.map((buffer) => buffer.offset)).size).toBe(1);
  });
});

/** Bytes of what is alive at the busiest step: read here or later, and made here or before. */
function largestStep(program: ReturnType<ReturnType<typeof compileExample>["levels"]["tensor"]>): number {
  const groups = program.groups.filter((group) => group.phase === "run");
  const root = (name: string) => program.buffers.find((buffer) => buffer.name === name)?.aliasOf ?? name;
  const reads = groups.map((group) => JSON.stringify(group.computes.map((compute) => compute.value)));
  const planned = program.buffers.filter(({ role, aliasOf }) => (role.kind === "input" || role.kind === "temporary") && !aliasOf);
  return Math.max(
    ...groups.map((_, step) =>
      planned
        .filter((buffer) => {
          const made = program.inputs.includes(buffer.name) ? -1 : groups.findIndex((group) => root(group.name) === buffer.name);
          const names = program.buffers.filter((other) => root(other.name) === buffer.name).map((other) => other.name);
          const isOutput = program.outputs.some((output) => names.includes(output.value));
          const last = isOutput ? groups.length : reads.findLastIndex((text) => names.some((name) => text.includes(`"tensor":"${name}"`)));
          return made <= step && last >= step;
        })
        .reduce((sum, buffer) => sum + Math.ceil(bytesOf(buffer) / 16) * 16, 0),
    ),
  );
}
