/** A TensorFlow graph as calls of the library, node by node; what depends on constants alone is computed at once where it is small. */
import { dtypes, elementCount } from "../../ir/dtype.ts";
import { type Checked, errorDiagnostic } from "../../support/diagnostic.ts";
import type { ImportedModel, ImportedTensor, ImportOptions } from "../importer.ts";
import { isRecord } from "../keras/config.ts";
import { createLayerNames } from "../layer_names.ts";
import { checkShape, shownName } from "../limits.ts";
import { createModelBuilder } from "../model_builder.ts";
import { type Refused, unsupportedDiagnostics } from "../unsupported.ts";
import type { Value } from "../written_model.ts";
import { type GraphNode, type Reference, readNodes, referenceOf } from "./graph.ts";
import { createGraphNet, dtypeOf, type GraphState, keyOf } from "./net.ts";
import { outside, translations } from "./translations.ts";

export type GraphModel = {
  readonly name: string;
  readonly file: string;
  readonly origin: string;
  readonly topology: unknown;
  /** Names of the interface, where the file has one. */
  readonly signature: unknown;
  readonly weights: ReadonlyMap<string, ImportedTensor>;
};

/** Elements of what is computed at import. */
const largestFolded = 4096;

export function importGraphModel(model: GraphModel, options: ImportOptions): Checked<ImportedModel> {
  const fail = (message: string) => ({ diagnostics: [errorDiagnostic("tfjs", `${model.file}: ${message}`)] });
  const nodes = readNodes(model.topology);
  if (typeof nodes === "string") return fail(nodes);
  const unknown = nodes.filter(({ op }) => op !== "Const" && op !== "Placeholder" && !Object.hasOwn(translations, op));
  if (unknown.length > 0) {
    const refused = unknown.map(
      ({ op, name }): Refused => ({
        operator: op,
        reason: Object.hasOwn(outside, op) ? `is not supported: ${outside[op]}` : "is not supported",
        node: name,
      }),
    );
    return { diagnostics: unsupportedDiagnostics("TensorFlow.js", refused) };
  }
  const builder = createModelBuilder({ name: model.name, origin: model.origin, library: options.library, blocks: options.blocks });
  const names = createLayerNames(nodes.filter(({ op }) => op !== "Const" && op !== "Placeholder").map(({ name }) => name));
  const state: GraphState = { builder, names, values: new Map(), constants: new Map(model.weights) };
  const placeholders = nodes.filter(({ op }) => op === "Placeholder");
  for (const node of inOrder(placeholders, referencesOf(model.signature, "inputs"))) {
    const problem = giveInput(node, state, options);
    if (problem !== undefined) return { diagnostics: [problem(model.file)] };
  }
  for (const name of options.shapes?.keys() ?? [])
    if (!placeholders.some((node) => node.name === name))
      return fail(`there is no input \`${shownName(name)}\` whose shape could be fixed`);
  const refused: Refused[] = [];
  for (const node of nodes) {
    if (node.op === "Placeholder") continue;
    if (node.op === "Const") {
      if (!state.constants.has(node.name)) return fail(`the constant \`${shownName(node.name)}\` is not among the weights`);
      continue;
    }
    builder.enter({ operator: node.op, name: node.name });
    const reason = translateNode(node, state, options);
    if (reason !== undefined) refused.push({ operator: node.op, reason, node: node.name });
  }
  if (refused.length > 0) return { diagnostics: unsupportedDiagnostics("TensorFlow.js", refused) };
  builder.enter(undefined);
  const outputs = referencesOf(model.signature, "outputs");
  for (const output of outputs.length > 0 ? outputs : unread(nodes)) {
    const value = outputOf(output, state);
    if (!value) return fail(`nothing gives the output \`${shownName(keyOf(output))}\``);
    builder.output(keyOf(output), value);
  }
  return builder.finish();
}

function outputOf(output: Reference, { builder, values, constants }: GraphState): Value | undefined {
  const constant = constants.get(keyOf(output));
  return values.get(keyOf(output)) ?? (constant && builder.weight(output.node, constant));
}

/** A refusal is a diagnostic of the file. */
function giveInput(node: GraphNode, { builder, values, constants }: GraphState, { shapes, fixed }: ImportOptions) {
  const refuse = (message: string, help?: string) => (file: string) =>
    errorDiagnostic("open-shape", `${file}: the input \`${shownName(node.name)}\` ${message}`, { help });
  const constant = fixed?.get(node.name);
  if (constant) {
    constants.set(node.name, constant);
    return undefined;
  }
  const dtype = dtypeOf(node.type("dtype"));
  if (!(dtype in dtypes)) return refuse(dtype);
  const declared = node.shape("shape");
  const given = shapes?.get(node.name) ?? declared?.map((extent, d) => (extent === -1 && d === 0 ? 1 : extent));
  if (!given) return refuse("has a shape that the file leaves open", `say it with --shape ${shownName(node.name)}=1x224x224x3`);
  if (declared && (declared.length !== given.length || declared.some((extent, d) => extent !== -1 && extent !== given[d])))
    return refuse(`is [${declared.join(", ")}], not [${given.join(", ")}]`);
  if (given.includes(-1))
    return refuse(
      "has open dimensions",
      `say them with --shape ${shownName(node.name)}=${given.map((e) => (e === -1 ? 224 : e)).join("x")}`,
    );
  const shape = checkShape(given);
  if (typeof shape === "string") return refuse(`has no shape: ${shape}`);
  values.set(node.name, builder.input(node.name, { dtype: dtype as keyof typeof dtypes, shape }));
  return undefined;
}

function translateNode(node: GraphNode, state: GraphState, options: ImportOptions): string | undefined {
  const translate = translations[node.op];
  if (!translate) return "is not supported";
  const constants = node.inputs.map((reference) => state.constants.get(keyOf(reference)));
  const isSmall = constants.every(
    (tensor) => tensor && elementCount(tensor.type.shape) <= largestFolded && dtypes[tensor.type.dtype].kind === "integer",
  );
  const isShape = node.op === "Shape" || node.op === "Rank";
  const scratch =
    (node.inputs.length > 0 && isSmall) || isShape
      ? createModelBuilder({ name: "constants", origin: "", library: options.library })
      : undefined;
  const inner = scratch ? { ...state, builder: scratch, values: new Map(isShape ? state.values : []) } : state;
  const result = translate(node, createGraphNet(inner));
  if (typeof result === "string") return result;
  const values = "id" in result ? [result] : result;
  // A shape may ask for any number of elements: only few are computed here.
  const isLarge = values.some(({ type }) => elementCount(type.shape) > largestFolded);
  if (!scratch) return keepResult(values, node, state);
  if (isLarge) return keepResult(translate(node, createGraphNet(state)), node, state);
  if (scratch.failed) return "cannot be computed from its constants";
  for (const [place, numbers] of scratch.evaluate(values).entries()) {
    const { dtype, shape } = (values[place] as Value).type;
    const elements = dtype === "f32" ? Float32Array.from(numbers) : Int32Array.from(numbers);
    state.constants.set(keyOf({ node: node.name, place }), { type: { dtype, shape }, values: elements });
  }
  return undefined;
}

function keepResult(result: ReturnType<(typeof translations)[string]>, node: GraphNode, state: GraphState): string | undefined {
  if (typeof result === "string") return result;
  const values = "id" in result ? [result] : result;
  for (const [place, value] of values.entries()) state.values.set(keyOf({ node: node.name, place }), value);
  if (values[0]) state.builder.rename(values[0], state.names.layer(node.name));
  return undefined;
}

/** What the signature names, in its order: a tensor's own name, or the key where it has none. */
function referencesOf(signature: unknown, side: "inputs" | "outputs"): Reference[] {
  const entries = isRecord(signature) ? signature[side] : undefined;
  if (!isRecord(entries)) return [];
  return Object.entries(entries).map(([key, entry]) => referenceOf(isRecord(entry) && typeof entry.name === "string" ? entry.name : key));
}

function inOrder(nodes: readonly GraphNode[], references: readonly Reference[]): readonly GraphNode[] {
  const named = references.flatMap(({ node }) => nodes.filter(({ name }) => name === node));
  return [...named, ...nodes.filter((node) => !named.includes(node))];
}

/** Results that no node reads. */
function unread(nodes: readonly GraphNode[]): Reference[] {
  const read = new Set(nodes.flatMap(({ inputs }) => inputs.map(({ node }) => node)));
  return nodes.filter(({ name, op }) => !read.has(name) && op !== "Const").map(({ name }) => ({ node: name, place: 0 }));
}
