/**
 * A model as an importer writes it, call by call. Types come from the operators' declarations, by the same function that
 * elaboration asks; a refused call is a diagnostic that names the foreign node, and gives a value that makes all later calls
 * silent. `write_model.ts` makes the text.
 */
import type { OpDeclaration } from "../ir/declaration.ts";
import { formatType, type TensorType } from "../ir/dtype.ts";
import type { Attributes } from "../ir/nn.ts";
import { valuesOfAttributes } from "../semantics/bind.ts";
import { type Instance, instantiateCall, type Library } from "../semantics/instantiate.ts";
import { numberType } from "../semantics/to_tensor.ts";
import { type Checked, type Diagnostic, errorDiagnostic } from "../support/diagnostic.ts";
import { exactJson } from "../support/exact_json.ts";
import { invariant } from "../support/invariant.ts";
import { evaluateLines } from "./evaluate_lines.ts";
import type { ImportedModel, ImportedTensor, InterfaceName } from "./importer.ts";
import { shownName } from "./limits.ts";
import { createNames, pathSteps, reservedWords } from "./names.ts";
import { nowhere } from "./syntax.ts";
import { writeModel } from "./write_model.ts";
import type { ForeignNode, Line, Value, WrittenModel, WrittenWeight } from "./written_model.ts";

export type ModelBuilder = {
  /** Whether a call was refused; what follows is not looked at. */
  readonly failed: boolean;
  /** An input, in the source's order. */
  input(source: string, type: TensorType): Value;
  /** A tensor of the weights file; its path is near to the source's name, and its own. */
  weight(source: string, tensor: ImportedTensor): Value;
  /** What is said from now on belongs to this node, or to none. */
  enter(node: ForeignNode | undefined): void;
  /** What is called within belongs to no node: it only brings a value into another order. */
  aside<T>(write: () => T): T;
  /** The result of a call of a library operator that has one; a number is a constant of the other operands' type. */
  call(operator: string, operands: readonly (Value | number)[], attributes?: Attributes, name?: string): Value;
  /** The value with its elements in another shape; a reshape of a reshape is one. */
  reshape(value: Value, to: readonly number[], name?: string): Value;
  /** All results of a call. */
  calls(operator: string, operands: readonly (Value | number)[], attributes?: Attributes, name?: string): readonly Value[];
  /** The line that gives the value takes this name of the source's; the last that is said counts. */
  rename(value: Value, source: string): void;
  /** An output, in the source's order. */
  output(source: string, value: Value): void;
  /** Of the node that was entered last. */
  refuse(message: string, help?: string): void;
  finish(): Checked<ImportedModel>;
  /** The values of results that depend on weights alone, by the interpreter; for the shapes that a file computes. */
  evaluate(wanted: readonly Value[]): readonly Float64Array[];
};

export type ModelHead = {
  /** From the file's name. */
  readonly name: string;
  /** Where the model comes from, for its documentation: "Imported from net.onnx (ONNX, opset 13)." */
  readonly origin: string;
  readonly library: Library;
  /** Whether lines that are repeated become functions. */
  readonly blocks?: boolean | undefined;
};

export function createModelBuilder({ name, origin, library, blocks = false }: ModelHead): ModelBuilder {
  const names = createNames(reservedWords(library));
  const values = new Map<number, ImportedTensor>();
  const paths = new Set<string>();
  const found: Diagnostic[] = [];
  const inputs: WrittenModel["inputs"][number][] = [];
  const outputs: { readonly source: string; readonly value: Value }[] = [];
  const weights = new Map<number, WrittenWeight>();
  const tensors = new Map<string, ImportedTensor>();
  const lines = new Map<number, Line>();
  const all: Line[] = [];
  let node: ForeignNode | undefined;
  let count = 0;
  const newValue = (type: TensorType): Value => ({ id: count++, type });
  const modelName = createNames(library.operators.keys()).take(name);

  const refuse: ModelBuilder["refuse"] = (message, help) => {
    const of = node ? `the node \`${shownName(node.name)}\` (${shownName(node.operator)}): ` : "";
    found.push(errorDiagnostic("import", `${of}${message}`, { help }));
  };

  const calls: ModelBuilder["calls"] = (callee, operands, attributes = {}, wanted) => {
    const operator = library.operators.get(callee);
    invariant(operator, `the library has no operator ${callee}`);
    if (found.length > 0) return operator.results.map(() => newValue(unknownType));
    const given = operands.map((operand) => ({
      value: isNumber(operand)
        ? ({ kind: "plain", value: { kind: "number", value: operand } } as const)
        : ({ kind: "tensor", value: { name: "", type: operand.type } } as const),
    }));
    const types = operands.map((operand, i) => (isNumber(operand) ? { dtype: numberType(operator, i, given), shape: [] } : operand.type));
    const { value, diagnostics } = instantiateCall(operator, types, valuesOfAttributes(attributes), library, nowhere);
    if (!value) {
      for (const { message } of diagnostics.slice(0, 1)) refuse(`${message}; the operands are ${types.map(formatType).join(", ")}`);
      return operator.results.map(() => newValue(unknownType));
    }
    const results = value.results.map(({ type }) => newValue(type));
    const line: Line = {
      operator: callee,
      operands,
      types,
      attributes: needed(operator, types, attributes, value),
      complete: value.attributes,
      results,
      name: wanted,
      node,
    };
    all.push(line);
    for (const result of results) lines.set(result.id, line);
    return results;
  };

  /** Those attributes without which the call would mean something else. */
  const needed = (operator: OpDeclaration, types: readonly TensorType[], given: Attributes, meant: Instance): Attributes => {
    let kept = given;
    for (const name of Object.keys(given)) {
      const fewer = Object.fromEntries(Object.entries(kept).filter(([key]) => key !== name));
      const { value } = instantiateCall(operator, types, valuesOfAttributes(fewer), library, nowhere);
      if (value && exactJson(value.attributes) === exactJson(meant.attributes)) kept = fewer;
    }
    return kept;
  };

  const call: ModelBuilder["call"] = (operator, operands, attributes, wanted) => {
    const [result, second] = calls(operator, operands, attributes, wanted);
    invariant(result && !second, `${operator} has not one result`);
    return result;
  };

  return {
    get failed() {
      return found.length > 0;
    },
    input(source, type) {
      const value = newValue(type);
      inputs.push({ id: value.id, name: names.take(source), source, type });
      return value;
    },
    weight(source, tensor) {
      invariant(tensor.values.length === tensor.type.shape.reduce((a, b) => a * b, 1), `${source} has not as many values as its shape`);
      const steps = freePath(pathSteps(source), paths);
      const value = newValue(tensor.type);
      weights.set(value.id, { steps, type: tensor.type });
      tensors.set(steps.join("."), tensor);
      values.set(value.id, tensor);
      return value;
    },
    enter(entered) {
      node = entered;
    },
    aside(write) {
      const entered = node;
      node = undefined;
      const result = write();
      node = entered;
      return result;
    },
    calls,
    call,
    reshape(value, to, wanted) {
      const line = lines.get(value.id);
      const [source = value] = line?.operator === "reshape" ? line.operands : [];
      const first = isNumber(source) ? value : source;
      return first.type.shape.join() === to.join() ? first : call("reshape", [first], { to }, wanted);
    },
    rename(value, source) {
      const line = lines.get(value.id);
      if (line?.results[0] === value) line.name = source;
    },
    output(source, value) {
      outputs.push({ source, value });
    },
    refuse,
    evaluate: (wanted) => evaluateLines(all, values, library, wanted),
    finish() {
      if (found.length > 0) return { diagnostics: found };
      // Outputs take their names first: they are the interface.
      const named = outputs.map(({ source, value }) => ({ id: value.id, name: names.take(source), source, type: value.type }));
      const written: WrittenModel = {
        name: modelName,
        documentation: [origin, ...[...inputs, ...named].flatMap(renamed)],
        inputs,
        outputs: named,
        weights,
        lines: all,
        names,
        library,
      };
      const { text, paths: used } = writeModel(written, { blocks });
      const kept = new Map([...tensors].flatMap(([path, tensor]) => (used.has(path) ? [[used.get(path) ?? path, tensor] as const] : [])));
      return { value: { name: modelName, text, weights: kept, inputs: inputs.map(plain), outputs: named.map(plain) }, diagnostics: [] };
    },
  };
}

function plain({ name, source, type }: InterfaceName): InterfaceName {
  return { name, source, type };
}

/** Of what a refused call would have given. */
const unknownType: TensorType = { dtype: "f32", shape: [] };

function isNumber(operand: Value | number): operand is number {
  return typeof operand === "number";
}

function renamed({ name, source }: InterfaceName): string[] {
  return name === source ? [] : [`\`${name}\` is ${JSON.stringify(shownName(source))} in the source.`];
}

/** The path, or one with a number after its last step where it is taken, or where it would lie within another. */
function freePath(steps: readonly string[], taken: Set<string>): readonly string[] {
  const [last = "", rest] = [steps.at(-1), steps.slice(0, -1)];
  for (let i = 1; ; i++) {
    const tried = i === 1 ? steps : [...rest, /^[0-9]/.test(last) ? `v${last}_${i}` : `${last}_${i}`];
    const path = tried.join(".");
    if (taken.has(path)) continue;
    taken.add(path);
    return tried;
  }
}
