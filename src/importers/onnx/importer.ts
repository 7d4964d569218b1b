/**
 * ONNX (onnx.ai): a file's graph, node by node, as calls of the library's operators. Images are channels first there and last
 * here; a value keeps the layout of the operator that gives it (layout.ts), so that only the interface and what mixes dimensions
 * transposes.
 */
import { type Diagnostic, errorDiagnostic, hasErrors } from "../../support/diagnostic.ts";
import type { Importer, ImportOptions } from "../importer.ts";
import { shownName } from "../limits.ts";
import { createModelBuilder } from "../model_builder.ts";
import { type Refused, unsupportedDiagnostics } from "../unsupported.ts";
import { checkAxes } from "./axes.ts";
import { createContext, type Operand, type Refusal, type Scope, type Translation } from "./context.ts";
import { foldNode, isFoldable } from "./fold.ts";
import { newestOpset, type OnnxGraph, oldestOpset, readGraph } from "./graph.ts";
import { withIntegerProducts } from "./integer_products.ts";
import { openInputs, readInputs, writeOutputs } from "./interface.ts";
import type { OnnxNode } from "./node.ts";
import { missingOperand, outside, translations } from "./translations.ts";
import { wideIntegers } from "./wide_integers.ts";

export const onnx: Importer = {
  name: "ONNX",
  extensions: [".onnx"],
  async read(file, options) {
    const read = readGraph(file);
    if (!("graph" in read)) return read;
    const problems = [...checkGraph(read.graph), ...unknownOperators(read.graph)];
    if (problems.length > 0) return { diagnostics: problems };
    const graph = withIntegerProducts(read.graph);
    const base = file.path.replace(/^.*[\\/]/, "");
    const origin = `Imported from ${shownName(base)} (ONNX, operator set ${graph.opset}${graph.producer === "" ? "" : `, by ${shownName(graph.producer)}`}).`;
    const builder = createModelBuilder({ name: base.replace(/\.onnx$/i, ""), origin, library: options.library, blocks: options.blocks });
    const scope: Scope = { builder, opset: graph.opset, operands: new Map(), arranged: new Map(), wide: false };
    const found = readInputs(graph, options, scope);
    if (hasErrors(found)) return { diagnostics: found };
    for (const [source, tensor] of graph.initializers)
      scope.operands.set(source, { kind: "constant", source, shape: tensor.type.shape, inputs: [], tensor });
    const refused = translateNodes(graph, scope, options);
    if (refused.length > 0) return { diagnostics: [...found, ...refused] };
    found.push(...wideIntegers(graph, scope.operands));
    builder.enter(undefined);
    const { unknown } = writeOutputs(graph, scope);
    for (const name of unknown) builder.refuse(`nothing computes the output \`${shownName(name)}\``);
    const model = builder.finish();
    return { ...model, diagnostics: [...found, ...model.diagnostics] };
  },
};

/** What holds of every graph: operands are given before they are used, and names once. */
function checkGraph({ opset, nodes, inputs, outputs, initializers }: OnnxGraph): Diagnostic[] {
  const found: Diagnostic[] = [];
  if (opset < oldestOpset || opset > newestOpset) {
    const message = `operator set ${opset} is outside ${oldestOpset} to ${newestOpset}`;
    if (opset > newestOpset) found.push(errorDiagnostic("onnx", message, { help: "convert the file with onnx.version_converter" }));
  }
  const given = new Set([...inputs.map(({ name }) => name), ...initializers.keys()]);
  for (const { operator, name, inputs: operands, outputs: results } of nodes) {
    const of = `the node \`${shownName(name)}\` (${shownName(operator)})`;
    const missing = operands.filter((operand) => operand !== "" && !given.has(operand));
    for (const operand of missing.slice(0, 1))
      found.push(errorDiagnostic("onnx", `${of} reads \`${shownName(operand)}\`, which nothing before it gives`));
    for (const result of results) {
      if (result !== "" && given.has(result))
        found.push(errorDiagnostic("onnx", `${of} gives \`${shownName(result)}\`, which is given already`));
      given.add(result);
    }
  }
  if (outputs.length === 0) found.push(errorDiagnostic("onnx", "the graph has no outputs"));
  return found;
}

function unknownOperators({ nodes }: OnnxGraph): Diagnostic[] {
  const refused = nodes.flatMap(({ operator, name }): Refused[] => {
    if (translationOf(operator)) return [];
    const reason = Object.hasOwn(outside, operator) ? `is not supported: ${outside[operator]}` : "is not supported";
    return [{ operator, reason, node: name }];
  });
  return unsupportedDiagnostics("ONNX", refused);
}

function translationOf(operator: string): Translation | undefined {
  return Object.hasOwn(translations, operator) ? translations[operator] : undefined;
}

/** Every node in order. What is refused is collected; nodes that read what it would give are passed over. */
function translateNodes(graph: OnnxGraph, scope: Scope, options: ImportOptions): Diagnostic[] {
  const refused: Refused[] = [];
  const decided = new Map<string, Diagnostic>();
  for (const node of graph.nodes) {
    if (node.inputs.some((name) => name !== "" && !scope.operands.has(name))) continue;
    scope.builder.enter({ operator: node.operator, name: node.name });
    const refusal = translateNode(node, scope, options);
    if (scope.builder.failed) return [...(scope.builder.finish().diagnostics ?? [])];
    if (refusal === undefined) continue;
    if (typeof refusal === "string") {
      refused.push({ operator: node.operator, reason: refusal, node: node.name });
      continue;
    }
    const operand = scope.operands.get(node.inputs[refusal.operand] ?? "");
    const diagnostic = undecided(node, refusal.operand, operand, graph);
    decided.set(diagnostic.message, diagnostic);
  }
  return [...unsupportedDiagnostics("ONNX", refused), ...decided.values()];
}

function translateNode(node: OnnxNode, scope: Scope, options: ImportOptions): Refusal | undefined {
  const translate = translationOf(node.operator);
  if (!translate) return "is not supported";
  const problem = [...node.attributes].find(([, value]) => value.kind === "other");
  if (problem?.[1].kind === "other") return `has an attribute \`${shownName(problem[0])}\` that cannot be read: ${problem[1].problem}`;
  const missing = missingOperand(node);
  if (missing !== undefined) return `has no operand ${missing}`;
  const context = createContext(node, scope);
  const misplaced = checkAxes(context);
  if (misplaced !== undefined) return misplaced;
  if (isFoldable(node, scope.operands)) {
    const folded = foldNode(node, translate, scope, options.library);
    if (folded && "refusal" in folded) return folded.refusal;
    if (folded) {
      for (const result of folded.results) scope.operands.set(result.source, result);
      return undefined;
    }
  }
  return translate(context);
}

/** An operand decides a shape, and is known only when the model runs. */
function undecided(node: OnnxNode, position: number, operand: Operand | undefined, graph: OnnxGraph): Diagnostic {
  const of = `the node \`${shownName(node.name)}\` (${shownName(node.operator)}): its operand \`${shownName(node.inputs[position] ?? "")}\` decides a shape`;
  const inputs = operand?.inputs ?? [];
  const small = openInputs(graph).filter(({ name }) => inputs.includes(name));
  return errorDiagnostic(
    "undecided-shape",
    `${of}, and depends on ${inputs.map((name) => `the input \`${shownName(name)}\``).join(" and ") || "the data"}`,
    {
      help: small.map(({ name }) => `fix it with --fix ${name}=${name}.npy`).join(", or "),
    },
  );
}
