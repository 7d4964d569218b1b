/** The model's inputs and outputs: those of the graph, with open dimensions fixed and i64 narrowed within. */
import { dtypes, formatType, type TensorType } from "../../ir/dtype.ts";
import { type Diagnostic, errorDiagnostic, warningDiagnostic } from "../../support/diagnostic.ts";
import { nearest } from "../../support/nearest.ts";
import type { ImportOptions } from "../importer.ts";
import { checkShape, shownName } from "../limits.ts";
import type { ModelBuilder } from "../model_builder.ts";
import { type Operand, type Scope, useOperand } from "./context.ts";
import type { OnnxGraph, OnnxValueInfo } from "./graph.ts";
import { identity } from "./layout.ts";
import { elementTypeOf } from "./tensor.ts";

/** Inputs that no initialiser gives. */
export function openInputs(graph: OnnxGraph): readonly OnnxValueInfo[] {
  return graph.inputs.filter(({ name }) => !graph.initializers.has(name));
}

/** Puts the inputs among the operands; says which shapes and element types are missing. */
export function readInputs(graph: OnnxGraph, options: ImportOptions, scope: Scope): Diagnostic[] {
  const found: Diagnostic[] = [...strangers("--shape", options.shapes, graph), ...strangers("--fix", options.fixed, graph)];
  for (const info of openInputs(graph)) {
    const source = info.name;
    const element = elementTypeOf(info.elementType);
    const name = `the input \`${shownName(source)}\``;
    if (!element) {
      found.push(errorDiagnostic("unsupported-type", `${name} is no tensor of numbers (ONNX's element type ${info.elementType})`));
      continue;
    }
    const shape = shapeOf(info, options.shapes?.get(source) ?? options.fixed?.get(source)?.type.shape);
    if ("problem" in shape) {
      found.push(errorDiagnostic("open-shape", `${name} ${shape.problem}`, { help: shape.help }));
      continue;
    }
    const type: TensorType = { dtype: element.dtype, shape: shape.extents };
    const fixed = options.fixed?.get(source);
    if (fixed) {
      if (dtypes[fixed.type.dtype].kind !== dtypes[type.dtype].kind)
        found.push(errorDiagnostic("fixed-type", `${name} is ${formatType(type)}, and it is fixed to ${formatType(fixed.type)}`));
      const tensor = { type: { ...type, dtype: type.dtype }, values: fixed.values };
      scope.operands.set(source, { kind: "constant", source, shape: shape.extents, inputs: [], tensor });
      continue;
    }
    if (!element.exact)
      found.push(
        warningDiagnostic("narrowed-type", `${name} is ${element.name}, which the language lacks: it is taken as ${element.dtype}`),
      );
    scope.operands.set(source, inputOperand(source, type, scope.builder));
  }
  return found;
}

function inputOperand(source: string, type: TensorType, builder: ModelBuilder): Operand {
  const input = builder.input(source, type);
  const value = type.dtype === "i64" ? builder.call("cast", [input], { to: "i32" }, `${source} narrowed`) : input;
  return { kind: "computed", source, value, layout: identity(type.shape.length), shape: type.shape, inputs: [source] };
}

type Shape = { readonly extents: readonly number[] } | { readonly problem: string; readonly help?: string };

/** The extents that the file gives, the option's where they are open; an open batch is 1. */
function shapeOf({ name, dimensions }: OnnxValueInfo, given: readonly number[] | undefined): Shape {
  const help = (extents: readonly (number | string)[]) => `write, for example, --shape ${name}=${extents.join("x")}`;
  if (!dimensions && !given) return { problem: "has no shape", help: help([1, 3, 224, 224]) };
  if (!dimensions || !given) {
    const open = (dimensions ?? []).flatMap((extent, d) =>
      typeof extent === "string" && d > 0 ? [extent === "" ? `dimension ${d}` : shownName(extent)] : [],
    );
    const example = (dimensions ?? []).map((extent, d) => (typeof extent === "number" ? extent : d === 0 ? 1 : 224));
    if (!given && open.length > 0) return { problem: `leaves ${open.join(" and ")} open`, help: help(example) };
    return checked((given ?? dimensions ?? []).map((extent) => (typeof extent === "number" ? extent : 1)));
  }
  const fits = given.length === dimensions.length && dimensions.every((extent, d) => typeof extent === "string" || extent === given[d]);
  if (fits) return checked(given);
  const shown = dimensions.map((extent) => (extent === "" ? "?" : extent)).join("x");
  return {
    problem: `is ${shownName(shown)} in the file, and ${given.join("x")} is asked for`,
    help: "leave it out, or give what the file leaves open",
  };
}

function checked(extents: readonly number[]): Shape {
  const shape = checkShape(extents);
  return typeof shape === "string" ? { problem: `has no usable shape: ${shape}` } : { extents: shape };
}

function strangers(option: string, given: ReadonlyMap<string, unknown> | undefined, graph: OnnxGraph): Diagnostic[] {
  const names = openInputs(graph).map(({ name }) => name);
  return [...(given?.keys() ?? [])]
    .filter((name) => !names.includes(name))
    .map((name) => {
      const similar = nearest(name, names);
      return errorDiagnostic("unknown-input", `${option} names the input \`${shownName(name)}\`, and there is none`, {
        help: similar ? `did you mean \`${similar}\`?` : `the inputs are ${names.map(shownName).join(", ")}`,
      });
    });
}

/** Gives the outputs to the builder, in the graph's order; `unknown` are those that nothing computes. */
export function writeOutputs(graph: OnnxGraph, scope: Scope): { readonly unknown: readonly string[] } {
  const unknown: string[] = [];
  for (const { name, elementType } of graph.outputs) {
    const operand = scope.operands.get(name);
    if (!operand) {
      unknown.push(name);
      continue;
    }
    const value = useOperand(operand, identity(operand.shape.length), scope);
    const declared = elementTypeOf(elementType);
    const isWide = declared?.dtype === "i64" && value.type.dtype === "i32";
    scope.builder.output(name, isWide ? scope.builder.call("cast", [value], { to: "i64" }, name) : value);
  }
  return { unknown };
}
