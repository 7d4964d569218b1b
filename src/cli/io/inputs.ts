/** The model's inputs from the command line: files under names, cut into records of the model's batch. */
import { elementCount, formatType } from "../../ir/dtype.ts";
import type { NnValue } from "../../ir/nn.ts";
import { type Checked, type Diagnostic, errorDiagnostic, hasErrors } from "../../support/diagnostic.ts";
import { nearest } from "../../support/nearest.ts";
import { type FileTensor, widens } from "./element_types.ts";
import { readBytes } from "./files.ts";
import { type ImageOptions, readImage } from "./image.ts";
import { parseNpy } from "./npy.ts";

/** Values of one run by input name. */
export type InputRecord = ReadonlyMap<string, Float64Array>;

/** `batched`: the files hold more than the model's batch, and results are joined along the first dimension. */
export type RunInputs = { readonly records: readonly InputRecord[]; readonly batched: boolean };

/** Each argument is `[name=]path`; what no argument gives is taken from `drawn`, or asked for. */
export async function readInputs(
  args: readonly string[],
  inputs: readonly NnValue[],
  options: ImageOptions,
  drawn?: InputRecord,
): Promise<Checked<RunInputs>> {
  const assigned = assignInputs(args, inputs, drawn !== undefined);
  if (!assigned.value) return { diagnostics: assigned.diagnostics };
  const found: Diagnostic[] = [];
  const pieces = new Map<string, readonly Float64Array[]>();
  for (const input of inputs) {
    const path = assigned.value.get(input.name);
    const values = drawn?.get(input.name);
    const read = path === undefined ? { value: values ? [values] : [], diagnostics: [] } : await readInput(path, input, options);
    found.push(...read.diagnostics);
    if (read.value) pieces.set(input.name, read.value);
  }
  if (hasErrors(found)) return { diagnostics: found };
  const joined = joinRecords(pieces);
  return { ...joined, diagnostics: [...found, ...joined.diagnostics] };
}

/** Which file is which input's. A single input needs no name. */
export function assignInputs(args: readonly string[], inputs: readonly NnValue[], isDrawn: boolean): Checked<ReadonlyMap<string, string>> {
  const names = inputs.map((input) => input.name);
  const paths = new Map<string, string>();
  const found: Diagnostic[] = [];
  for (const arg of args) {
    const [, prefix, rest] = /^([A-Za-z_]\w*)=(.*)$/s.exec(arg) ?? [undefined, undefined, arg];
    const name = prefix ?? (names.length === 1 ? names[0] : undefined);
    if (name === undefined) {
      found.push(
        errorDiagnostic("which-input", `the model has ${names.length} inputs, and \`--input ${arg}\` names none`, {
          help: inputsHelp(inputs),
        }),
      );
    } else if (!names.includes(name)) {
      const similar = nearest(name, names);
      const help = similar ? `did you mean \`${similar}\`?` : inputsHelp(inputs);
      found.push(errorDiagnostic("unknown-input", `the model has no input \`${name}\``, { help }));
    } else if (paths.has(name)) {
      found.push(
        errorDiagnostic("input-twice", `the input \`${name}\` is given twice`, {
          help: "several records go into one .npy, along its first dimension",
        }),
      );
    } else paths.set(name, rest ?? arg);
  }
  const missing = isDrawn ? [] : inputs.filter((input) => !paths.has(input.name));
  if (missing.length > 0 && found.length === 0) {
    const listed = missing.map((input) => `\`${input.name}: ${formatType(input.type)}\``).join(", ");
    found.push(
      errorDiagnostic("missing-input", `no file for ${missing.length === 1 ? "the input" : "the inputs"} ${listed}`, {
        help: inputsHelp(missing),
      }),
    );
  }
  return found.length > 0 ? { diagnostics: found } : { value: paths, diagnostics: [] };
}

/** The records of an array: one where it has the input's shape, several where it is longer along the first dimension. */
export function splitRecords(tensor: FileTensor, input: NnValue, file: string): Checked<readonly Float64Array[]> {
  const { dtype, shape } = input.type;
  const found = `${tensor.dtype}[${tensor.shape.join(", ")}]`;
  const mismatch = `${file}: the input \`${input.name}\` is ${formatType(input.type)} and the file holds ${found}`;
  if (!widens(tensor.dtype, dtype) && !(tensor.dtype === "f64" && dtype === "f32")) {
    return { diagnostics: [errorDiagnostic("input-type", mismatch, { help: `save it as ${numpyName[dtype] ?? dtype}` })] };
  }
  const values = dtype === "f32" ? tensor.values.map(Math.fround) : tensor.values;
  const [batch = 1, ...rest] = shape;
  const isRecord = sameShape(tensor.shape, shape) || (batch === 1 && shape.length > 0 && sameShape(tensor.shape, rest));
  if (isRecord) return { value: [values], diagnostics: [] };
  const [length = 0, ...inner] = tensor.shape;
  if (shape.length === 0 || !sameShape(inner, rest) || batch === 0) {
    return { diagnostics: [errorDiagnostic("input-shape", mismatch, { help: batchHelp(shape) })] };
  }
  if (length === 0 || length % batch !== 0) {
    const help = `its first dimension must be a multiple of ${batch}, the model's batch, and not 0`;
    return { diagnostics: [errorDiagnostic("input-shape", mismatch, { help })] };
  }
  const size = elementCount(shape);
  const records = Array.from({ length: length / batch }, (_, i) => values.subarray(i * size, (i + 1) * size));
  return { value: records, diagnostics: [] };
}

async function readInput(path: string, input: NnValue, options: ImageOptions): Promise<Checked<readonly Float64Array[]>> {
  const { value: bytes, diagnostics } = readBytes(path);
  if (!bytes) return { diagnostics };
  const extension = /\.([A-Za-z0-9]+)$/.exec(path)?.[1]?.toLowerCase() ?? "";
  if (["png", "jpg", "jpeg"].includes(extension)) {
    const image = await readImage(bytes, input.type, options, path);
    return image.value ? { value: [image.value], diagnostics: image.diagnostics } : { diagnostics: image.diagnostics };
  }
  if (extension !== "npy") {
    return {
      diagnostics: [
        errorDiagnostic("input-file", `${path}: an input is a .npy, .png or .jpg file`, { help: "save an array with np.save" }),
      ],
    };
  }
  const parsed = parseNpy(bytes, path);
  return parsed.value ? splitRecords(parsed.value, input, path) : { diagnostics: parsed.diagnostics };
}

/** Inputs of one record serve every run; the others must have equally many. */
function joinRecords(pieces: ReadonlyMap<string, readonly Float64Array[]>): Checked<RunInputs> {
  const counts = [...pieces].filter(([, records]) => records.length > 1);
  const [first] = counts;
  const count = first ? first[1].length : 1;
  const odd = counts.find(([, records]) => records.length !== count);
  if (first && odd) {
    const message = `the input \`${first[0]}\` has ${count} records and \`${odd[0]}\` has ${odd[1].length}`;
    return { diagnostics: [errorDiagnostic("input-shape", message, { help: "give as many of each, or one that serves all" })] };
  }
  const records = Array.from(
    { length: count },
    (_, i) => new Map([...pieces].map(([name, list]) => [name, (list[i] ?? list[0]) as Float64Array])),
  );
  return { value: { records, batched: count > 1 }, diagnostics: [] };
}

function inputsHelp(inputs: readonly NnValue[]): string {
  const flags = inputs.map((input) => (inputs.length === 1 ? "--input x.npy" : `--input ${input.name}=x.npy`)).join(" ");
  return `write ${flags}, or draw random values with --random 1`;
}

function batchHelp(shape: readonly number[]): string {
  const rest = shape.slice(1).join(", ");
  return shape.length > 0 ? `an array of several records is [records${rest ? `, ${rest}` : ""}]` : "it is a single number, with shape ()";
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((extent, d) => extent === b[d]);
}

const numpyName: { readonly [dtype: string]: string } = {
  f32: "np.float32",
  f16: "np.float16",
  i8: "np.int8",
  u8: "np.uint8",
  i32: "np.int32",
  i64: "np.int64",
  bool: "bool",
};
