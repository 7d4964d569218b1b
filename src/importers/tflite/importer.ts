/** TensorFlow Lite: one file, channels last; quantised networks become the library's integer operators. */
import { dtypes, elementCount } from "../../ir/dtype.ts";
import { type Checked, errorDiagnostic } from "../../support/diagnostic.ts";
import type { ForeignFile, ImportedModel, Importer, ImportOptions } from "../importer.ts";
import { shownName } from "../limits.ts";
import { createModelBuilder } from "../model_builder.ts";
import { type Refused, unsupportedDiagnostics } from "../unsupported.ts";
import { arrayOf, createNet, type Net, type Node, nodeOf, standIn, type Translate } from "./net.ts";
import { readTflite, type TfliteModel } from "./read.ts";
import { outside, translations } from "./translations.ts";

/** Elements of what is computed at import from constants alone: shapes and the like. */
const largestFolded = 4096;

export const tflite: Importer = {
  name: "TensorFlow Lite",
  extensions: [".tflite"],
  async read(file, options) {
    const { value: model, diagnostics } = readTflite(file.bytes, file.path);
    return model ? importModel(model, file, options) : { diagnostics };
  },
};

function importModel(model: TfliteModel, file: ForeignFile, options: ImportOptions): Checked<ImportedModel> {
  const base = file.path.replace(/^.*[\\/]/, "");
  const origin = `Imported from ${shownName(base)} (TensorFlow Lite).`;
  const builder = createModelBuilder({ name: base.replace(/\.tflite$/i, ""), origin, library: options.library, blocks: options.blocks });
  const net = createNet(model, builder);
  const refused: Refused[] = [];
  for (const position of model.inputs) {
    const problem = giveInput(position, net, options);
    if (problem !== undefined) return { diagnostics: [errorDiagnostic("tflite", `${file.path}: ${problem}`)] };
  }
  for (const operator of model.operators) {
    const node = nodeOf(operator);
    const label = net.part(node.output(0));
    builder.enter({ operator: operator.name, name: label });
    const reason = translate(node, model, net, options);
    if (reason === undefined) continue;
    refused.push({ operator: operator.name, reason, node: label });
    for (const output of operator.outputs) net.give(output, standIn(net.tensor(output)));
  }
  if (refused.length > 0) return { diagnostics: unsupportedDiagnostics("TensorFlow Lite", refused) };
  for (const position of model.outputs) builder.output(net.tensor(position).name, net.value(position));
  return builder.finish();
}

function giveInput(position: number, net: Net, { shapes, fixed }: ImportOptions): string | undefined {
  const { name, type, shape } = net.tensor(position);
  if (type === "i16" || type === "f64") return `the input \`${name}\` has elements of type ${type}`;
  const constant = fixed?.get(name);
  if (constant) net.giveKnown(position, { dtype: constant.type.dtype, shape: constant.type.shape, values: constant.values });
  else net.give(position, net.builder.input(name, { dtype: type, shape: shapes?.get(name) ?? shape }));
  return undefined;
}

function translate(node: Node, model: TfliteModel, net: Net, options: ImportOptions): string | undefined {
  const { name, inputs } = node.operator;
  const rule: Translate | undefined = Object.hasOwn(translations, name) ? translations[name] : undefined;
  if (!rule) return Object.hasOwn(outside, name) ? `is not supported: ${outside[name]}` : "is not supported";
  const given = inputs.filter((input) => input >= 0);
  const knowns = given.map(net.known);
  const isShape = knowns.every(
    (known) => known !== undefined && elementCount(known.shape) <= largestFolded && dtypes[known.dtype].kind === "integer",
  );
  return given.length > 0 && isShape ? fold(node, model, net, rule, options) : rule(node, net);
}

/** Computes a node whose operands are known, as in the arithmetic of shapes, in a model of its own. */
function fold(node: Node, model: TfliteModel, net: Net, rule: Translate, { library }: ImportOptions): string | undefined {
  const scratch = createModelBuilder({ name: "constants", origin: "", library });
  const inner = createNet(model, scratch);
  for (const input of node.operator.inputs) {
    const known = net.known(input);
    if (known) inner.giveKnown(input, known);
  }
  const reason = rule(node, inner);
  if (reason !== undefined || scratch.failed) return reason ?? "cannot be computed from its constants";
  for (const output of node.operator.outputs) {
    const known = inner.known(output);
    const value = known ? undefined : inner.value(output);
    if (known) net.giveKnown(output, known);
    if (!value) continue;
    // A shape may ask for any number of elements: only few are computed here.
    if (elementCount(value.type.shape) > largestFolded) return rule(node, net);
    const [numbers = []] = scratch.evaluate([value]);
    const values = arrayOf(value.type.dtype, numbers.length);
    values.set(numbers);
    net.giveKnown(output, { dtype: value.type.dtype, shape: value.type.shape, values });
  }
  return undefined;
}
