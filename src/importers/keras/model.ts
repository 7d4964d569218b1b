/** A Keras model as calls of the library: its graph walked from the inputs, layer by layer, models within models as if they were written out. */
import type { DType } from "../../ir/dtype.ts";
import { type Checked, type Diagnostic, errorDiagnostic } from "../../support/diagnostic.ts";
import type { ImportedModel, ImportOptions } from "../importer.ts";
import { checkShape, shownName } from "../limits.ts";
import { createModelBuilder, type ModelBuilder } from "../model_builder.ts";
import { type Refused, unsupportedDiagnostics } from "../unsupported.ts";
import type { Value } from "../written_model.ts";
import { type Config, isRecord, type KerasGraph, type KerasLayer, modelKinds, type Reference, readGraph, shapeIn } from "./config.ts";
import { createLayer, type StoredWeight } from "./layer.ts";
import { outside, translations } from "./layers.ts";

export type KerasModel = {
  /** From the file's name, and how messages and comments speak of it. */
  readonly name: string;
  readonly file: string;
  readonly origin: string;
  /** `model_config`: a kind and its configuration. */
  readonly config: unknown;
  readonly version: number;
  readonly weights: readonly StoredWeight[];
};

type Walk = {
  readonly builder: ModelBuilder;
  readonly model: KerasModel;
  readonly refused: Refused[];
  /** What is wrong with the file itself. */
  readonly problems: string[];
};

/** Models within models. */
const deepest = 8;

export function importKeras(model: KerasModel, options: ImportOptions): Checked<ImportedModel> {
  const fail = (message: string) => ({ diagnostics: [errorDiagnostic("keras", `${model.file}: ${message}`)] });
  const { config } = model;
  if (!isRecord(config) || typeof config.class_name !== "string") return fail("its configuration is no model");
  if (!modelKinds.has(config.class_name)) return fail(`a model of the kind ${shownName(config.class_name)} is not known`);
  const graph = readGraph(config.class_name, config.config);
  if (typeof graph === "string") return fail(graph);
  const builder = createModelBuilder({ name: model.name, origin: model.origin, library: options.library, blocks: options.blocks });
  const walk: Walk = { builder, model, refused: [], problems: [] };
  const unknown = unknownLayers(graph, 0);
  if (unknown.length > 0) return { diagnostics: unsupportedDiagnostics("Keras", unknown) };
  const inputs = giveInputs(graph, builder, options, model.file);
  if (!inputs.value) return { diagnostics: inputs.diagnostics };
  const outputs = walkGraph(graph, inputs.value, walk, 0);
  const [problem] = walk.problems;
  if (problem !== undefined) return fail(problem);
  if (walk.refused.length > 0) return { diagnostics: unsupportedDiagnostics("Keras", walk.refused) };
  builder.enter(undefined);
  for (const [i, value] of outputs.entries()) builder.output(outputName(graph, i), value);
  return builder.finish();
}

/** Several outputs of one layer are told apart by their places. */
function outputName({ outputs }: KerasGraph, i: number): string {
  const { layer = "output" } = outputs[i] ?? {};
  return outputs.filter((other) => other.layer === layer).length > 1 ? `${layer}_${i}` : layer;
}

function unknownLayers({ layers }: KerasGraph, depth: number): Refused[] {
  return layers.flatMap(({ kind, name, config }): Refused[] => {
    if (kind === "InputLayer" || Object.hasOwn(translations, kind)) return [];
    const reason = Object.hasOwn(outside, kind) ? `is not supported: ${outside[kind]}` : "is not supported";
    if (!modelKinds.has(kind)) return [{ operator: kind, reason, node: name }];
    const inner = depth < deepest ? readGraph(kind, innerConfig(kind, config)) : "it holds models within models without end";
    return typeof inner === "string" ? [{ operator: kind, reason: inner, node: name }] : unknownLayers(inner, depth + 1);
  });
}

function innerConfig(kind: string, config: Config): unknown {
  return kind === "Sequential" && Array.isArray(config.layers) ? config.layers : config;
}

const elementTypes: { readonly [name: string]: DType } = {
  float32: "f32",
  float16: "f32",
  int32: "i32",
  uint8: "u8",
  int8: "i8",
  bool: "bool",
};

function giveInputs(graph: KerasGraph, builder: ModelBuilder, { shapes, fixed }: ImportOptions, file: string): Checked<readonly Value[]> {
  const found: Diagnostic[] = [];
  const values = graph.inputs.map(({ layer: name }): Value => {
    const layer = graph.layers.find((other) => other.name === name);
    const open = (layer && shapeIn(layer.config)) ?? [];
    const constant = fixed?.get(name);
    if (constant) return builder.weight(name, constant);
    const given = shapes?.get(name) ?? open.map((extent, d) => extent ?? (d === 0 ? 1 : Number.NaN));
    const isWrong = given.length !== open.length || open.some((extent, d) => extent !== null && extent !== given[d]);
    const shape = checkShape(given);
    if (open.length === 0) found.push(errorDiagnostic("keras", `${file}: nothing tells the shape of the input \`${shownName(name)}\``));
    else if (given.some(Number.isNaN)) {
      found.push(
        errorDiagnostic(
          "open-shape",
          `${file}: the input \`${shownName(name)}\` has open dimensions: [${open.map((extent) => extent ?? "?").join(", ")}]`,
          {
            help: `say them with --shape ${shownName(name)}=${open.map((extent, d) => extent ?? (d === 0 ? 1 : 224)).join("x")}`,
          },
        ),
      );
    } else if (isWrong || typeof shape === "string")
      found.push(
        errorDiagnostic(
          "shape",
          `${file}: the input \`${shownName(name)}\` is [${open.map((e) => e ?? "?").join(", ")}], not [${given.join(", ")}]`,
        ),
      );
    const dtype = elementTypes[typeof layer?.config.dtype === "string" ? layer.config.dtype : "float32"] ?? "f32";
    return builder.input(name, { dtype, shape: found.length > 0 || typeof shape === "string" ? [] : shape });
  });
  for (const name of shapes?.keys() ?? []) {
    if (!graph.inputs.some(({ layer }) => layer === name))
      found.push(
        errorDiagnostic("shape", `${file}: there is no input \`${shownName(name)}\``, {
          help: `inputs are ${graph.inputs.map(({ layer }) => shownName(layer)).join(", ")}`,
        }),
      );
  }
  return found.length > 0 ? { diagnostics: found } : { value: values, diagnostics: [] };
}

/** Layers may be listed in any order: each is translated once its operands are. */
function walkGraph(graph: KerasGraph, inputs: readonly Value[], walk: Walk, depth: number): readonly Value[] {
  const results = new Map<string, readonly Value[]>();
  const key = ({ layer, node }: Reference) => JSON.stringify([layer, node]);
  for (const [i, input] of graph.inputs.entries()) {
    const value = inputs[i];
    if (value) results.set(key(input), [value]);
  }
  let waiting = graph.layers.flatMap((layer) => layer.calls.map((operands, node) => ({ layer, operands, node })));
  waiting = waiting.filter(({ layer, node }) => !results.has(key({ layer: layer.name, node, place: 0 })));
  while (waiting.length > 0) {
    const ready = waiting.filter(({ operands }) => operands.every((operand) => results.has(key(operand))));
    if (ready.length === 0) {
      const [stuck] = waiting;
      walk.problems.push(`the layer \`${shownName(stuck?.layer.name ?? "")}\` reads what nothing gives, or what it gives itself`);
      return [];
    }
    for (const { layer, operands, node } of ready) {
      const values = operands.flatMap((operand) => results.get(key(operand))?.[operand.place] ?? []);
      results.set(key({ layer: layer.name, node, place: 0 }), translateLayer(layer, values, walk, depth));
      if (walk.problems.length > 0) return [];
    }
    const done = new Set(ready);
    waiting = waiting.filter((call) => !done.has(call));
  }
  return graph.outputs.flatMap((output) => {
    const value = results.get(key(output))?.[output.place];
    if (!value) walk.problems.push(`nothing gives the output \`${shownName(output.layer)}\``);
    return value ?? [];
  });
}

function translateLayer({ kind, name, config }: KerasLayer, inputs: readonly Value[], walk: Walk, depth: number): readonly Value[] {
  const { builder, model, refused, problems } = walk;
  if (kind === "InputLayer") return inputs;
  if (modelKinds.has(kind)) {
    const inner = readGraph(kind, innerConfig(kind, config));
    if (typeof inner !== "string") return walkGraph(inner, inputs, walk, depth + 1);
    problems.push(`the model \`${shownName(name)}\` within it: ${inner}`);
    return [];
  }
  const [first] = inputs;
  const translate = translations[kind];
  if (!first || !translate) {
    problems.push(`the layer \`${shownName(name)}\` reads nothing`);
    return [];
  }
  builder.enter({ operator: kind, name });
  const value = translate(createLayer({ kind, name, config, inputs, builder, version: model.version, weights: model.weights }));
  if (typeof value === "string") {
    refused.push({ operator: kind, reason: value, node: name });
    return [first];
  }
  builder.rename(value, name);
  return [value];
}
