/** Random models that say the same more than once, and almost the same. */
import type { ImportedModel } from "../../src/importers/importer.ts";
import { createModelBuilder, type ModelBuilder } from "../../src/importers/model_builder.ts";
import type { Value } from "../../src/importers/written_model.ts";
import { createRandom, type Random } from "../../src/support/random.ts";
import { library } from "./support.ts";

/** One call of a block: its operands are the block's input, earlier calls of it, and weights. */
type Step = {
  readonly operator: "conv2d" | "depthwise_conv2d" | "bias_add" | "relu" | "tanh" | "leaky_relu" | "add" | "mul" | "split";
  /** How many values back its operands lie; beyond the block's own it is the block's input. */
  readonly back: readonly number[];
  readonly slope: number;
  readonly size: number;
};

const operators = ["conv2d", "conv2d", "depthwise_conv2d", "bias_add", "relu", "tanh", "leaky_relu", "add", "mul", "split"] as const;

/** The same model with functions and without. */
export function randomModels(seed: number): { readonly flat: ImportedModel; readonly blocks: ImportedModel } {
  const [flat, blocks] = [false, true].map((withBlocks) => randomModel(createRandom(`blocks/${seed}`), withBlocks));
  if (!flat || !blocks) throw new Error("there are two");
  return { flat, blocks };
}

function randomModel(random: Random, blocks: boolean): ImportedModel {
  const builder = createModelBuilder({ name: "net", origin: "Made for a test.", library, blocks });
  const kinds = Array.from({ length: random.integer(1, 3) }, () => randomSteps(random));
  const style = random.integer(0, 3);
  const shared = builder.weight("shared", { type: { dtype: "f32", shape: [8] }, values: filled(8, 0.5) });
  let x = builder.input("image", { dtype: "f32", shape: [1, 6, 6, 8] });
  const outputs: Value[] = [];
  for (let i = random.integer(2, 9); i >= 0; i--) {
    const steps = random.pick(kinds);
    // Now and then one of them is another, reads what others do, or is seen from outside.
    const odd = random.integer(0, 5);
    const inner = writeSteps(odd === 0 ? steps.map((step) => ({ ...step, slope: 0.75 })) : steps, x, builder, random, nameIn(style, i));
    if (odd === 1) outputs.push(random.pick(inner));
    x = inner.at(-1) ?? x;
    const other = random.pick(inner);
    if (odd === 2 && other.type.shape.join() === x.type.shape.join()) x = builder.call("add", [x, other]);
    if (odd === 3 && x.type.shape[3] === 8) x = builder.call("mul", [x, shared]);
  }
  for (const [i, value] of [...new Set([x, ...outputs])].entries()) builder.output(`y${i}`, value);
  const { value, diagnostics } = builder.finish();
  if (!value) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  return value;
}

function randomSteps(random: Random): readonly Step[] {
  return Array.from({ length: random.integer(3, 9) }, (_, i) => ({
    operator: random.pick(operators),
    back: [random.integer(0, 3) === 0 ? random.integer(0, i) : 0, random.integer(0, i)],
    slope: random.pick([0.125, 0.25]),
    size: random.pick([1, 3]),
  }));
}

/** Names of a block's weights: in a folder, with a beginning in common, or only numbered. */
function nameIn(style: number, block: number): (step: number, kind: string) => string {
  return (step, kind) => {
    if (style === 0) return `stage/${block}/layer${step}/${kind}`;
    if (style === 1) return `unit_${block}_layer${step}/${kind}`;
    if (style === 2) return `conv_${block * 20 + step}.${kind}`;
    return `onnx::${block * 40 + step * 2 + (kind === "bias" ? 1 : 0)}`;
  };
}

function writeSteps(
  steps: readonly Step[],
  input: Value,
  builder: ModelBuilder,
  random: Random,
  name: (step: number, kind: string) => string,
): readonly Value[] {
  const values: Value[] = [];
  const at = (back: number) => values[values.length - 1 - back] ?? input;
  const weight = (i: number, kind: string, shape: readonly number[]) => {
    const count = shape.reduce((a, b) => a * b, 1);
    return builder.weight(name(i, kind), { type: { dtype: "f32", shape }, values: filled(count, random.uniform()) });
  };
  for (const [i, { operator, back, slope, size }] of steps.entries()) {
    const [x, y] = [at(back[0] ?? 0), at(back[1] ?? 0)];
    const channels = x.type.shape[3] ?? 1;
    builder.enter({ operator, name: name(i, "node") });
    const same = x.type.shape.join() === y.type.shape.join();
    if (operator === "conv2d") {
      // What another width flows into needs another width too: only some blocks stay the same then.
      const filters = random.integer(0, 4) === 0 ? 16 : channels;
      const dilation = random.integer(0, 3) === 0 ? [2, 2] : [1, 1];
      values.push(builder.call(operator, [x, weight(i, "kernel", [size, size, channels, filters])], { pad: "same", dilation }));
    } else if (operator === "depthwise_conv2d")
      values.push(builder.call(operator, [x, weight(i, "kernel", [3, 3, channels, 1])], { pad: "same" }));
    else if (operator === "bias_add") values.push(builder.call(operator, [x, weight(i, "bias", [channels])], {}, name(i, "sum")));
    else if (operator === "leaky_relu") values.push(builder.call(operator, [x], { slope }));
    else if (operator === "split") {
      const [first, second] = [0, 1].map((part) => builder.call("split", [x], { parts: 2, part, axis: 3 }));
      if (first && second) values.push(builder.call("concat", slope === 0.25 ? [second, first] : [first, first], { axis: 3 }));
    } else if ((operator === "add" || operator === "mul") && same) values.push(builder.call(operator, [x, y]));
    else values.push(builder.call(operator === "relu" ? "relu" : "tanh", [x]));
  }
  return values;
}

function filled(count: number, first: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => first + i / 64);
}
