/** The weights of a model: from a safetensors or .npz file, or drawn as the model's initialisers say. */
import { formatType } from "../../ir/dtype.ts";
import { initializeWeights } from "../../ir/initialize.ts";
import type { NnWeight } from "../../ir/nn.ts";
import { type Checked, type Diagnostic, errorDiagnostic, hasErrors, warningDiagnostic } from "../../support/diagnostic.ts";
import { nearest } from "../../support/nearest.ts";
import { type FileTensor, isFloatFile, widens } from "./element_types.ts";
import { readBytes } from "./files.ts";
import { parseNpz } from "./npz.ts";
import { parseSafetensors } from "./safetensors.ts";
import { isZip } from "./zip.ts";

type Weight = Pick<NnWeight, "path" | "type" | "initializer">;
export type WeightValues = Map<string, Float64Array>;

/**
 * Values by path for every weight that the compiled model needs. `declared` are all weights of its source: one that the
 * file has and no output needs is no surprise. Without a file, weights are drawn with `seed`.
 */
export function readWeights(
  path: string | undefined,
  needed: readonly Weight[],
  options: { readonly declared?: readonly Weight[]; readonly seed?: number } = {},
): Checked<WeightValues> {
  const declared = options.declared ?? needed;
  if (path === undefined) return drawWeights(needed, declared, options.seed ?? 0);
  const { value: bytes, diagnostics } = readBytes(path);
  if (!bytes) return { diagnostics };
  const parsed = isZip(bytes) || path.toLowerCase().endsWith(".npz") ? parseNpz(bytes, path) : parseSafetensors(bytes, path);
  if (!parsed.value) return { diagnostics: parsed.diagnostics };
  return matchWeights(parsed.value, needed, path, declared);
}

/** Every tensor that is missing, misshapen or mistyped is named, with what was expected and what was found. */
export function matchWeights(
  tensors: ReadonlyMap<string, FileTensor>,
  needed: readonly Weight[],
  file: string,
  declared: readonly Weight[] = needed,
): Checked<WeightValues> {
  const found: Diagnostic[] = [];
  const values: WeightValues = new Map();
  const known = new Set([...needed, ...declared].map((weight) => weight.path));
  const strangers = [...tensors.keys()].filter((name) => !known.has(name));
  for (const weight of needed) {
    const tensor = tensors.get(weight.path);
    if (!tensor) {
      found.push(missingTensor(weight, strangers, file));
      continue;
    }
    found.push(...compareTensor(weight, tensor, file));
    values.set(weight.path, convert(weight, tensor));
  }
  for (const weight of declared) {
    const tensor = tensors.get(weight.path);
    if (tensor && !values.has(weight.path) && compareTensor(weight, tensor, file).length === 0)
      values.set(weight.path, convert(weight, tensor));
  }
  const wanted = needed.filter((weight) => !tensors.has(weight.path)).map((weight) => weight.path);
  for (const name of strangers) found.push(extraTensor(name, wanted, file));
  return hasErrors(found) ? { diagnostics: found } : { value: values, diagnostics: found };
}

function drawWeights(needed: readonly Weight[], declared: readonly Weight[], seed: number): Checked<WeightValues> {
  const missing = needed.filter((weight) => !weight.initializer);
  if (missing.length > 0) {
    return {
      diagnostics: missing.map((weight) =>
        errorDiagnostic("no-weights", `the weight \`@${weight.path}\` ${formatType(weight.type)} has no initialiser and no file gives it`, {
          help: `name a file with --weights, or declare an initialiser: \`@${weight.path}: [...] = he_normal\``,
        }),
      ),
    };
  }
  // Most weights are in both lists, and large ones take long to draw.
  const each = new Map([...declared, ...needed].map((weight) => [weight.path, weight]));
  return { value: initializeWeights([...each.values()], seed), diagnostics: [] };
}

function missingTensor(weight: Weight, strangers: readonly string[], file: string): Diagnostic {
  const similar = nearest(weight.path, strangers);
  return errorDiagnostic(
    "missing-tensor",
    `${file}: there is no tensor \`${weight.path}\`; the model needs it as ${formatType(weight.type)}`,
    {
      help: similar && `the file has \`${similar}\`, which the model does not use: is that the one?`,
    },
  );
}

function extraTensor(name: string, wanted: readonly string[], file: string): Diagnostic {
  const similar = nearest(name, wanted);
  return warningDiagnostic("extra-tensor", `${file}: the model has no weight \`@${name}\`, so this tensor is not used`, {
    help: similar && `did you mean \`${similar}\`, which is missing?`,
  });
}

/** Nothing, a warning where values are rounded, or what is wrong. */
function compareTensor(weight: Weight, tensor: FileTensor, file: string): Diagnostic[] {
  const { dtype, shape } = weight.type;
  const found = `${tensor.dtype}[${tensor.shape.join(", ")}]`;
  const message = `${file}: the tensor \`${weight.path}\` should be ${formatType(weight.type)} and is ${found}`;
  const isSameShape = shape.length === tensor.shape.length && shape.every((extent, d) => extent === tensor.shape[d]);
  if (!isSameShape) return [errorDiagnostic("misshapen-tensor", message, { help: shapeHelp(weight, tensor) })];
  const isSameKind = isFloatFile(tensor.dtype) === isFloatFile(dtype);
  if (isSameKind && widens(tensor.dtype, dtype)) return [];
  if (tensor.dtype === "f64" && dtype === "f32") return [warningDiagnostic("rounded-tensor", `${message}: its values are rounded`)];
  return [errorDiagnostic("mistyped-tensor", message, { help: "convert the tensor, or declare the weight with the file's type" })];
}

function shapeHelp(weight: Weight, tensor: FileTensor): string | undefined {
  const sorted = (shape: readonly number[]) => [...shape].sort((a, b) => a - b).join();
  const isPermuted = weight.type.shape.length > 1 && sorted(weight.type.shape) === sorted(tensor.shape);
  if (isPermuted) return "the extents are the same in another order: transpose the tensor, or declare the weight in the file's order";
  const dimension = weight.type.shape.findIndex((extent, d) => extent !== tensor.shape[d]);
  if (weight.type.shape.length !== tensor.shape.length) return `the ranks differ: ${weight.type.shape.length} and ${tensor.shape.length}`;
  return `dimension ${dimension} is ${tensor.shape[dimension]} instead of ${weight.type.shape[dimension]}`;
}

function convert(weight: Weight, tensor: FileTensor): Float64Array {
  return weight.type.dtype === "f32" && tensor.dtype === "f64" ? tensor.values.map(Math.fround) : tensor.values;
}
