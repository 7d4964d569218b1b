/**
 * Integers of 64 bits that the network computes: the model computes them in 32. Here it is proved that they fit, from the ranges of what
 * they are computed from; where that does not follow, a warning names the nodes. Inputs are i32 already, which is checked when they
 * are given, and a conversion from a float ends where i32 does.
 */
import { dtypes, elementCount } from "../../ir/dtype.ts";
import { type Diagnostic, warningDiagnostic } from "../../support/diagnostic.ts";
import type { ImportedTensor } from "../importer.ts";
import { listedNodes } from "../unsupported.ts";
import type { Operand } from "./context.ts";
import type { OnnxGraph } from "./graph.ts";
import { openInputs } from "./interface.ts";
import { wrapAxis } from "./layout.ts";
import type { OnnxNode } from "./node.ts";
import { elementTypeOf } from "./tensor.ts";

/** Every element lies between the two, both included. */
type Range = readonly [low: number, high: number];

const narrow: Range = [dtypes.i32.low, dtypes.i32.high];

/** After translation: `operands` are the values of the whole graph. */
export function wideIntegers(graph: OnnxGraph, operands: ReadonlyMap<string, Operand>): Diagnostic[] {
  const ranges = new Map<string, Range>();
  for (const { name, elementType } of openInputs(graph)) if (elementTypeOf(elementType)?.dtype === "i64") ranges.set(name, narrow);
  const unproved: string[] = [];
  for (const node of graph.nodes) {
    // What is known now was checked by its values.
    const computed = node.outputs.filter((name) => operands.get(name)?.kind === "computed");
    if (computed.length === 0) continue;
    const rangeOf = (i: number) => rangeOfValue(node.inputs[i] ?? "", ranges, operands);
    const shapeOf = (i: number) => operands.get(node.inputs[i] ?? "")?.shape ?? [];
    const found = rangeAfter(node, rangeOf, shapeOf, operands.get(node.outputs[0] ?? "")?.shape ?? []);
    if (!found) continue;
    const [low, high] = found;
    if (!(low >= narrow[0] && high <= narrow[1])) unproved.push(node.name);
    const fitting: Range = [Math.max(low, narrow[0]), Math.min(high, narrow[1])];
    // Of an operator that gives positions beside floats, the positions are the integers.
    for (const name of positionsBeside.has(node.operator) ? node.outputs.slice(1) : node.outputs) ranges.set(name, fitting);
  }
  if (unproved.length === 0) return [];
  const what = unproved.length === 1 ? "a computed integer of 64 bits" : "computed integers of 64 bits";
  return [
    warningDiagnostic("wide-integers", `${what} may leave the 32 in which the model computes`, {
      notes: [{ message: listedNodes(unproved) }],
      help: "results are right as long as they stay within 32 bits",
    }),
  ];
}

/** Of a computed value whose elements are integers of 64 bits, or of a constant of integers; undefined of others. */
function rangeOfValue(name: string, ranges: ReadonlyMap<string, Range>, operands: ReadonlyMap<string, Operand>): Range | undefined {
  const operand = operands.get(name);
  return operand?.kind === "constant" ? rangeOfConstant(operand.tensor) : ranges.get(name);
}

function rangeOfConstant({ type, values }: ImportedTensor): Range | undefined {
  if (dtypes[type.dtype].kind !== "integer") return undefined;
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return values.length === 0 ? [0, 0] : [low, high];
}

const positionsBeside: ReadonlySet<string> = new Set(["MaxPool", "TopK"]);

/** Elements of the results are elements of the first operand. */
const moving: ReadonlySet<string> = new Set(
  [
    "Gather GatherElements GatherND Slice Reshape Squeeze Unsqueeze Transpose Identity Flatten Expand Tile Split DepthToSpace",
    "SpaceToDepth ReverseSequence ReduceMax ReduceMin",
  ].flatMap((names) => names.split(" ")),
);

/** Of an operator's results; undefined where they are no integers of 64 bits. */
function rangeAfter(
  { operator, inputs, attributes }: OnnxNode,
  rangeOf: (i: number) => Range | undefined,
  shapeOf: (i: number) => readonly number[],
  result: readonly number[],
): Range | undefined {
  const axis = attributes.get("axis");
  const extent = (otherwise: number) =>
    shapeOf(0)[wrapAxis(axis?.kind === "number" ? axis.value : otherwise, shapeOf(0).length)] ?? elementCount(shapeOf(0));
  switch (operator) {
    case "ArgMax":
    case "ArgMin":
      return [0, Math.max(0, extent(0) - 1)];
    case "TopK":
      return [0, Math.max(0, extent(-1) - 1)];
    case "MaxPool":
      return [0, Math.max(0, elementCount(shapeOf(0)) - 1)];
    case "Cast": {
      const to = attributes.get("to");
      const isWide = to?.kind === "number" && elementTypeOf(to.value)?.dtype === "i64";
      return isWide ? (rangeOf(0) ?? narrow) : undefined;
    }
    default:
  }
  const all = inputs.map((_, i) => rangeOf(i));
  const [a, b, c] = all;
  if (moving.has(operator)) return a;
  switch (operator) {
    case "Neg":
      return a && [-a[1], -a[0]];
    case "Abs":
      return a && [0, Math.max(-a[0], a[1])];
    case "Sign":
      return a && [-1, 1];
    case "Add":
      return a && b && [a[0] + b[0], a[1] + b[1]];
    case "Sub":
      // Files write zeros of another tensor's shape so.
      return a && b && (inputs[0] === inputs[1] ? [0, 0] : [a[0] - b[1], a[1] - b[0]]);
    case "Mul":
      return a && b && hull(a.flatMap((x) => b.map((y) => x * y)));
    case "Div":
      return a && b && divided(a, b);
    case "Mod":
      return a && b && [-Math.max(-b[0], b[1], 1) + 1, Math.max(-b[0], b[1], 1) - 1];
    case "Pow":
      return a && b && hull(a.flatMap((x) => b.flatMap((y) => [Math.abs(x) ** y, -(Math.abs(x) ** y)])));
    case "Concat":
      return united(all);
    case "Where":
      return united([b, c]);
    case "Pad":
      return a && united([a, rangeOf(2) ?? [0, 0]]);
    case "ScatterElements":
    case "ScatterND":
      return united([a, c]);
    case "Max":
    case "Min": {
      const known = all.filter((range) => range !== undefined);
      const pick = operator === "Max" ? Math.max : Math.min;
      return known.length === all.length && a ? [pick(...known.map(([low]) => low)), pick(...known.map(([, high]) => high))] : undefined;
    }
    case "Clip": {
      const [low, high] = [b?.[0] ?? -Infinity, c?.[1] ?? Infinity];
      return a && [Math.min(high, Math.max(low, a[0])), Math.max(low, Math.min(high, a[1]))];
    }
    case "Trilu":
      return a && united([a, [0, 0]]);
    case "CastLike":
      return b && (a ?? narrow);
    case "OneHot":
      return c;
    case "Sum":
      return all.every((range) => range !== undefined)
        ? all.reduce((sum: Range, range: Range) => [sum[0] + range[0], sum[1] + range[1]], [0, 0])
        : undefined;
    case "ReduceSum":
      return a && repeated(a, Math.ceil(elementCount(shapeOf(0)) / Math.max(1, elementCount(result))));
    case "CumSum":
      return a && repeated(a, Math.max(1, ...shapeOf(0)));
    default:
      return undefined;
  }
}

/** A quotient is cut off towards 0; of divisors that may be negative it may have the other sign. */
function divided([low, high]: Range, [least]: Range): Range {
  const most = Math.max(Math.abs(low), Math.abs(high));
  return least >= 0
    ? [Math.min(0, Math.trunc(low / Math.max(least, 1))), Math.max(0, Math.trunc(high / Math.max(least, 1)))]
    : [-most, most];
}

/** Sums of at most so many elements. */
function repeated([low, high]: Range, count: number): Range {
  return [Math.min(0, low * count), Math.max(0, high * count)];
}

function hull(values: readonly number[]): Range {
  return [Math.min(...values), Math.max(...values)];
}

function united(ranges: readonly (Range | undefined)[]): Range | undefined {
  const known = ranges.filter((range) => range !== undefined);
  return known.length === ranges.length && known.length > 0 ? hull(known.flat()) : undefined;
}
