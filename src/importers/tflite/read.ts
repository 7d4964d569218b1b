/** A TensorFlow Lite file as plain data: its tensors, and its operators in the order in which they run. */
import { type BuiltinOperator, operatorNames } from "../../formats/tflite/operators.ts";
import { fileIdentifier, type OptionsName, optionsKinds, schema, schemaVersion, tensorTypes } from "../../formats/tflite/schema.ts";
import { dtypes, elementCount } from "../../ir/dtype.ts";
import { type Checked, errorDiagnostic } from "../../support/diagnostic.ts";
import { checkShape, shownName } from "../limits.ts";
import { type FlatTable, openFlatFile } from "./flat_table.ts";

export type TensorTypeName = keyof typeof tensorTypes;

/** A real number is (q - zero) scale; with several scales, one for each place along `axis`. */
export type Quantization = { readonly scales: readonly number[]; readonly zeros: readonly number[]; readonly axis: number };

export type TfliteTensor = {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: TensorTypeName;
  /** Of a constant: as many as its shape and type take. */
  readonly bytes?: Uint8Array;
  readonly quantization?: Quantization;
};

export type Options = { readonly [field: string]: number | readonly number[] };

export type TfliteOperator = {
  /** `CUSTOM name` for one that the format does not know itself. */
  readonly name: BuiltinOperator | `CUSTOM ${string}` | `number ${number}`;
  /** Positions of tensors; -1 for one that is left out. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly options: Options;
};

export type TfliteModel = {
  readonly tensors: readonly TfliteTensor[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly operators: readonly TfliteOperator[];
};

/** `path` names the file in messages. A text among the parts says what is wrong. */
export function readTflite(bytes: Uint8Array, path: string): Checked<TfliteModel> {
  const fail = (message: string) => ({ diagnostics: [errorDiagnostic("tflite", `${path}: ${message}`)] });
  const identifier = new TextDecoder("latin1").decode(bytes.subarray(4, 8));
  if (identifier !== fileIdentifier) return fail(`byte 4: this is no TensorFlow Lite file, which has ${fileIdentifier} here`);
  const file = openFlatFile(bytes, "Model");
  const model = readModel(file.root);
  const problem = file.problem() ?? (typeof model === "string" ? model : undefined);
  if (problem !== undefined || typeof model === "string") return fail(problem ?? "");
  return { value: model, diagnostics: [] };
}

function readModel(root: FlatTable): TfliteModel | string {
  const version = root.scalar("version");
  if (version !== schemaVersion) return `byte ${root.at}: version ${version} of the format is not ${schemaVersion}`;
  const subgraphs = root.tables("subgraphs", "SubGraph");
  const [subgraph] = subgraphs;
  if (!subgraph) return "the model has no graph";
  if (subgraphs.length > 1) return `the model has ${subgraphs.length} graphs, and only control flow needs more than one`;
  const buffers = root.tables("buffers", "Buffer").map((buffer) => buffer.bytes("data"));
  const tensors = subgraph.tables("tensors", "Tensor").map((table) => readTensor(table, buffers));
  const codes = root.tables("operator_codes", "OperatorCode").map(nameOfCode);
  const operators = subgraph.tables("operators", "Operator").map((table) => readOperator(table, codes, tensors.length));
  const inputs = subgraph.numbers("inputs");
  const outputs = subgraph.numbers("outputs");
  const wrong = [...tensors, ...operators].find((item) => typeof item === "string");
  if (wrong !== undefined) return wrong;
  const stranger = [...inputs, ...outputs].find((i) => i < 0 || i >= tensors.length);
  if (stranger !== undefined) return `byte ${subgraph.at}: the interface names tensor ${stranger} of ${tensors.length}`;
  return {
    tensors: tensors.filter((tensor) => typeof tensor !== "string"),
    inputs,
    outputs,
    operators: operators.filter((operator) => typeof operator !== "string"),
  };
}

function readTensor(table: FlatTable, buffers: readonly (Uint8Array | undefined)[]): TfliteTensor | string {
  const name = table.text("name");
  const of = `byte ${table.at}: the tensor \`${shownName(name)}\``;
  const shape = checkShape(table.numbers("shape"));
  if (typeof shape === "string") return `${of}: ${shape}`;
  const code = table.scalar("type");
  const type = (Object.keys(tensorTypes) as TensorTypeName[]).find((known) => tensorTypes[known] === code);
  if (type === undefined) return `${of} has elements of type ${code}, which are no numbers that can be read`;
  const position = table.scalar("buffer");
  if (position >= buffers.length && position > 0) return `${of} is in buffer ${position} of ${buffers.length}`;
  if (table.scalar("sparsity") !== 0) return `${of} is stored sparsely`;
  const bytes = buffers[position];
  const wanted = elementCount(shape) * (type === "i16" ? 2 : dtypes[type].bytes);
  // Buffer 0 is empty and means that the tensor is computed; an empty constant is one too.
  const isConstant = bytes !== undefined && bytes.length > 0;
  if (isConstant && bytes.length !== wanted)
    return `${of} is ${type}[${shape.join(", ")}], which takes ${wanted} bytes, and has ${bytes.length}`;
  const quantization = readQuantization(table.table("quantization", "Quantization"), shape);
  if (typeof quantization === "string") return `${of} ${quantization}`;
  return { name, shape, type, ...(isConstant ? { bytes } : {}), ...(quantization ? { quantization } : {}) };
}

function readQuantization(table: FlatTable | undefined, shape: readonly number[]): Quantization | string | undefined {
  const scales = table?.numbers("scale") ?? [];
  if (!table || scales.length === 0) return undefined;
  const zeros = table.numbers("zero_point");
  const axis = table.scalar("quantized_dimension");
  if (scales.some((scale) => !(scale > 0 && scale < Number.POSITIVE_INFINITY))) return "has a scale that is not above 0";
  if (zeros.length !== scales.length && zeros.length > 1) return `has ${scales.length} scales and ${zeros.length} zero points`;
  if (zeros.some((zero) => !Number.isInteger(zero) || Math.abs(zero) > 65_536)) return "has a zero point that no element can have";
  if (scales.length > 1 && scales.length !== shape[axis])
    return `has ${scales.length} scales along dimension ${axis}, of ${shape[axis] ?? 0}`;
  const all = scales.map((_, i) => zeros[zeros.length === 1 ? 0 : i] ?? 0);
  return { scales, zeros: all, axis };
}

/** Old files have the number in one byte; new ones there too, as far as it goes. */
function nameOfCode(code: FlatTable): TfliteOperator["name"] {
  const number = Math.max(code.scalar("deprecated_builtin_code"), code.scalar("builtin_code"));
  const name = operatorNames[number];
  if (name === "CUSTOM") return `CUSTOM ${code.text("custom_code")}`;
  return name ?? `number ${number}`;
}

function readOperator(table: FlatTable, codes: readonly TfliteOperator["name"][], tensorCount: number): TfliteOperator | string {
  const code = table.scalar("opcode_index");
  const name = codes[code];
  if (name === undefined) return `byte ${table.at}: an operator has the code ${code} of ${codes.length}`;
  const inputs = table.numbers("inputs");
  const outputs = table.numbers("outputs");
  const stranger = [...inputs.filter((i) => i !== -1), ...outputs].find((i) => i < 0 || i >= tensorCount);
  if (stranger !== undefined) return `byte ${table.at}: an operator ${shownName(name)} names tensor ${stranger} of ${tensorCount}`;
  return { name, inputs, outputs, options: readOptions(table) };
}

function readOptions(operator: FlatTable): Options {
  const number = operator.scalar("builtin_options_type");
  const kind = (Object.keys(optionsKinds) as OptionsName[]).find((name) => optionsKinds[name] === number);
  const table = kind && operator.table("builtin_options", kind);
  if (!kind || !table) return {};
  return Object.fromEntries(
    Object.entries(schema[kind]).map(([field, { type }]) => [field, type.kind === "scalar" ? table.scalar(field) : table.numbers(field)]),
  );
}
