/**
 * Whether a node computes what an operator declares, whatever operator the node itself calls: its computes are
 * compared with the operator's, instantiated at the node's operands. Attributes of an operator that the node does not
 * name are found by trying the numbers that occur in the node's own access maps; equality of the canonical text decides.
 */
import { visitAtoms } from "../ir/affine.ts";
import type { AttributeParameter, OpDeclaration, TensorParameter } from "../ir/declaration.ts";
import type { TensorType } from "../ir/dtype.ts";
import { type Compute, indicesOf, visitExpr } from "../ir/expr.ts";
import type { Attributes, AttributeValue } from "../ir/nn.ts";
import { valueOfAttribute } from "../semantics/bind.ts";
import { type Instance, instantiate, isExpansion, type Library } from "../semantics/instantiate.ts";
import type { Value } from "../semantics/value.ts";
import { exactJson } from "../support/exact_json.ts";
import { canonicalText } from "./canonical.ts";

/** Operands in the pattern operator's order (positions among the node's), with the attributes that make it equal. */
export type OperatorMatch = { readonly order: readonly number[]; readonly attributes: Attributes };

/** Attribute assignments tried for one operator before giving up. */
const largestSearch = 20_000;

/** What is already known: answers for nodes alike in operator, attributes and types, and operators at their default attributes. */
type Known = {
  readonly answers: Map<string, readonly OperatorMatch[]>;
  readonly defaults: Map<string, DefaultInstance | undefined>;
};

/** An operator with default attributes at some operand types. */
type DefaultInstance = { readonly instance: Instance; readonly text: string; readonly skeleton: string };

/** By the operators that there are: passes, and programs with one algorithm or another, ask the same. */
const knownOf = new WeakMap<Library["operators"], Known>();

export function matchOperator(pattern: OpDeclaration, node: CandidateNode, library: Library): readonly OperatorMatch[] {
  if (pattern.name === node.operator) return [{ order: node.types.map((_, i) => i), attributes: node.attributes }];
  const known = knownOf.get(library.operators) ?? { answers: new Map(), defaults: new Map() };
  knownOf.set(library.operators, known);
  const key = exactJson([pattern.name, node.operator, node.attributes, node.types]);
  const answer = known.answers.get(key) ?? matchDifferent(pattern, node, library, known);
  known.answers.set(key, answer);
  return answer;
}

/** A node with its operands' types; the instance is made when it is needed. */
export type CandidateNode = {
  readonly operator: string;
  readonly attributes: Attributes;
  readonly types: readonly TensorType[];
  instance(): Instance;
};

function matchDifferent(pattern: OpDeclaration, node: CandidateNode, library: Library, known: Known): OperatorMatch[] {
  const { types } = node;
  const identity = types.map((_, i) => i);
  if (isExpansion(pattern) || pattern.operands.length !== types.length || pattern.operands.some((operand) => operand.variadic)) return [];
  const instance = node.instance();
  if (pattern.results.length !== instance.results.length) return [];
  return permutations(identity).flatMap((order) => {
    const operands = order.map((position) => types[position] as TensorType);
    if (!operands.every((type, i) => fitsRank(pattern.operands[i], type))) return [];
    const attributes = findAttributes(pattern, order, operands, instance, library, known);
    return attributes ? [{ order, attributes }] : [];
  });
}

/** A parameter without a pack has as many dimensions as its operand. */
function fitsRank(parameter: TensorParameter | undefined, type: TensorType): boolean {
  const dimensions = parameter?.type.dimensions ?? [];
  return dimensions.some((dimension) => dimension.spread) || dimensions.length === type.shape.length;
}

function findAttributes(
  pattern: OpDeclaration,
  order: readonly number[],
  operands: readonly TensorType[],
  instance: Instance,
  library: Library,
  known: Known,
): Attributes | undefined {
  const positions = order.map((_, i) => order.indexOf(i));
  const wanted = canonicalText(instance.computes, namesFor(instance.operands, positions));
  const isRequired = pattern.attributes.some((attribute) => !attribute.default);
  if (!isRequired) {
    const plain = defaultInstance(pattern, operands, library, known);
    if (plain?.text === wanted) return plain.instance.attributes;
    if (!plain || pattern.attributes.length === 0 || plain.skeleton !== skeleton(instance.computes)) return undefined;
  }
  const attempt = (given: ReadonlyMap<string, Value>): Attributes | undefined => {
    const candidate = instantiate(pattern, operands, given, library, pattern.span).value;
    return candidate && textOf(candidate) === wanted ? candidate.attributes : undefined;
  };
  return searchAttributes(pattern, { integers: [...numbersIn(instance.computes)], floats: [...constantsIn(instance.computes)] }, attempt);
}

function defaultInstance(pattern: OpDeclaration, operands: readonly TensorType[], library: Library, { defaults }: Known) {
  const key = JSON.stringify([pattern.name, operands]);
  if (defaults.has(key)) return defaults.get(key);
  const instance = instantiate(pattern, operands, new Map(), library, pattern.span).value;
  const made = instance && { instance, text: textOf(instance), skeleton: skeleton(instance.computes) };
  defaults.set(key, made);
  return made;
}

function textOf(instance: Instance): string {
  return canonicalText(
    instance.computes,
    namesFor(
      instance.operands,
      instance.operands.map((_, i) => i),
    ),
  );
}

/** What occurs in the node's computes: integers in its access maps, floats among its constants. */
type Occurring = { readonly integers: readonly number[]; readonly floats: readonly number[] };

/** Tries the assignments of occurring numbers to the attributes, one attribute at a time. */
function searchAttributes(
  pattern: OpDeclaration,
  numbers: Occurring,
  attempt: (given: ReadonlyMap<string, Value>) => Attributes | undefined,
): Attributes | undefined {
  const choices = pattern.attributes.map((attribute) => choicesFor(attribute, numbers));
  const size = choices.reduce((product, values) => product * Math.max(1, values.length), 1);
  if (size > largestSearch || choices.some((values) => values.length === 0)) return undefined;
  const go = (position: number, given: Map<string, Value>): Attributes | undefined => {
    const attribute = pattern.attributes[position];
    if (!attribute) return attempt(given);
    for (const value of choices[position] ?? []) {
      const found = go(position + 1, new Map(given).set(attribute.name, valueOfAttribute(value)));
      if (found) return found;
    }
    return undefined;
  };
  return go(0, new Map());
}

function choicesFor(attribute: AttributeParameter, { integers, floats }: Occurring): AttributeValue[] {
  return attribute.types.flatMap((type): AttributeValue[] => {
    if (type.kind === "bool") return [false, true];
    if (type.kind === "int") return [...integers];
    if (type.kind === "float") return [...floats];
    if (type.kind !== "list" || type.of !== "int" || type.length?.kind !== "number") return [];
    let lists: number[][] = [[]];
    for (let i = 0; i < type.length.value; i++) lists = lists.flatMap((list) => integers.map((value) => [...list, value]));
    return lists;
  });
}

/** Coefficients and constants of the access maps: strides, dilations and paddings are among them. */
function numbersIn(computes: readonly Compute[]): Set<number> {
  const numbers = new Set<number>([0, 1]);
  for (const compute of computes) {
    visitExpr(compute.value, (expr) => {
      for (const index of indicesOf(expr)) {
        numbers.add(Math.abs(index.constant));
        for (const term of index.terms) numbers.add(Math.abs(term.coefficient));
        visitAtoms(index, (atom) => {
          if (atom.kind === "floordiv" || atom.kind === "mod") numbers.add(atom.by);
        });
      }
    });
  }
  return numbers;
}

function constantsIn(computes: readonly Compute[]): Set<number> {
  const constants = new Set<number>();
  for (const compute of computes) {
    visitExpr(compute.value, (expr) => {
      if (expr.kind === "constant") constants.add(expr.value);
    });
  }
  return constants;
}

/** The computation without its indices: ranks, kinds and functions. A cheap test before the search. */
function skeleton(computes: readonly Compute[]): string {
  return computes
    .map((compute) => {
      const kinds: string[] = [];
      visitExpr(compute.value, (expr) => {
        if (expr.kind === "apply") kinds.push(expr.function);
        else if (expr.kind === "reduce") kinds.push(`${expr.op}${expr.axes.length}`);
        else if (expr.kind === "read" || expr.kind === "select" || expr.kind === "cast") kinds.push(expr.kind);
      });
      return `${compute.axes.length}: ${kinds.sort().join(" ")}`;
    })
    .join("; ");
}

function namesFor(operands: readonly string[], positions: readonly number[]): Map<string, string> {
  return new Map(operands.map((name, i) => [name, `t${positions[i]}`]));
}

function permutations(items: readonly number[]): number[][] {
  if (items.length > 4) return [[...items]];
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, i) => permutations([...items.slice(0, i), ...items.slice(i + 1)]).map((rest) => [item, ...rest]));
}
