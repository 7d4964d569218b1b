/** A TensorFlow Lite network on its way to calls of the library: what is known of every tensor so far. */
import { type DType, dtypes, elementCount } from "../../ir/dtype.ts";
import { readElement } from "../../ir/memory_element.ts";
import type { Attributes } from "../../ir/nn.ts";
import { isIdentity, permute, permuteShape } from "../../ir/permute.ts";
import type { Numbers } from "../importer.ts";
import { createLayerNames } from "../layer_names.ts";
import { shownName } from "../limits.ts";
import type { ModelBuilder } from "../model_builder.ts";
import { shortest } from "../shortest.ts";
import type { Value } from "../written_model.ts";
import type { Options, Quantization, TfliteModel, TfliteOperator, TfliteTensor } from "./read.ts";

/** Numbers that are known before anything runs: a tensor of the file, or a computation of shapes. */
export type Known = { readonly dtype: DType; readonly shape: readonly number[]; readonly values: Numbers };

/** A translation of an operator; the end of a sentence that begins with its name, where it cannot be said. */
export type Translate = (node: Node, net: Net) => string | undefined;

/** An operator's operands and options, by their places and names. */
export type Node = {
  readonly operator: TfliteOperator;
  /** Positions of the tensors; -1 for one that is left out. */
  input(place: number): number;
  output(place: number): number;
  number(option: string): number;
  numbers(option: string): readonly number[];
};

/** `real` makes numbers of quantised ones; `name` is the path in the weights file. */
export type WeightForm = { readonly shape?: readonly number[] | undefined; readonly real?: boolean; readonly name?: string };

export type Net = {
  readonly builder: ModelBuilder;
  tensor(position: number): TfliteTensor;
  /** As it is computed; the file's shape may be of another batch. */
  shape(position: number): readonly number[];
  /** Undefined for what is computed when the model runs. */
  known(position: number): Known | undefined;
  /** The tensor as it is stored: quantised numbers are integers. */
  value(position: number): Value;
  /** The real numbers that it stands for. */
  real(position: number): Value;
  /** A constant with its dimensions in another order, then in another shape. */
  weight(position: number, order: readonly number[], given?: WeightForm): Value | undefined;
  /** A tensor of weights that the file has in another form. */
  derived(name: string, dtype: DType, values: Numbers): Value;
  /** The layer that a kernel or a result belongs to, and the part of its name that says most. */
  layer(position: number): string;
  part(position: number): string;
  call(operator: string, operands: readonly (Value | number)[], attributes?: Attributes): Value;
  give(position: number, value: Value): void;
  /** Gives real numbers, quantised where the tensor is. */
  giveReal(position: number, value: Value): void;
  giveKnown(position: number, known: Known): void;
};

export function nodeOf(operator: TfliteOperator): Node {
  const option = (name: string): Options[string] | undefined => operator.options[name];
  return {
    operator,
    input: (place) => operator.inputs[place] ?? -1,
    output: (place) => operator.outputs[place] ?? -1,
    number(name) {
      const found = option(name);
      return typeof found === "number" ? found : 0;
    },
    numbers(name) {
      const found = option(name);
      return typeof found === "object" ? found : [];
    },
  };
}

export function createNet(model: TfliteModel, builder: ModelBuilder): Net {
  const values = new Map<number, Value>();
  const computed = new Map<number, Known>();
  const weights = new Map<string, Value>();
  const decoded = new Map<number, Known>();
  const tensor = (position: number): TfliteTensor => model.tensors[position] ?? { name: "", shape: [], type: "f32" };

  const known = (position: number): Known | undefined => {
    const found = computed.get(position) ?? decoded.get(position);
    if (found || values.has(position)) return found;
    const fresh = decode(tensor(position));
    if (fresh) decoded.set(position, fresh);
    return fresh;
  };
  const names = createLayerNames(model.tensors.map(({ name }) => name));
  const layer = (position: number): string => names.layer(tensor(position).name);
  const weight: Net["weight"] = (position, order, { shape, real = false, name } = {}) => {
    const stored = known(position);
    if (!stored) return undefined;
    const steps = real ? stepsOf(tensor(position)) : undefined;
    const constant = steps ? realNumbers(stored, steps) : stored;
    const key = `${position} ${order} ${shape} ${steps !== undefined}`;
    const type = { dtype: constant.dtype, shape: shape ?? permuteShape(constant.shape, order) };
    const made =
      weights.get(key) ??
      builder.weight(name ?? layer(position), {
        type,
        values: isIdentity(order) ? constant.values : permute(constant.values, constant.shape, order),
      });
    weights.set(key, made);
    return made;
  };
  const identity = (position: number): number[] => [...(known(position)?.shape.keys() ?? [])];
  const value = (position: number): Value => {
    const found = values.get(position);
    if (found) return found;
    const made = weight(position, identity(position));
    if (made) return made;
    builder.refuse(`the tensor \`${shownName(tensor(position).name)}\` is read before it is computed`);
    return standIn(tensor(position));
  };
  const call: Net["call"] = (operator, operands, attributes) => builder.call(operator, operands, attributes);
  const give: Net["give"] = (position, result) => {
    values.set(position, result);
    builder.rename(result, layer(position));
  };

  return {
    builder,
    tensor,
    shape: (position) => computed.get(position)?.shape ?? values.get(position)?.type.shape ?? tensor(position).shape,
    known,
    value,
    real(position) {
      const steps = stepsOf(tensor(position));
      if (!steps) return value(position);
      const constant = weight(position, identity(position), { real: true });
      return constant ?? call("dequantize", [value(position)], stepOf(steps));
    },
    weight,
    layer,
    part: (position) => names.part(tensor(position).name),
    derived: (name, dtype, numbers) => builder.weight(name, { type: { dtype, shape: [numbers.length] }, values: numbers }),
    call,
    give,
    giveReal(position, result) {
      const steps = stepsOf(tensor(position));
      give(position, steps ? call("quantize", [result], { ...stepOf(steps), to: tensor(position).type }) : result);
    },
    giveKnown: (position, given) => computed.set(position, given),
  };
}

/** How the tensor's integers stand for real numbers; undefined where they are numbers themselves. */
export function stepsOf({ type, quantization }: TfliteTensor): Quantization | undefined {
  return type === "i8" || type === "u8" || type === "i16" ? quantization : undefined;
}

/** What is given for a result that nobody will compute, for the nodes after it to be looked at. */
export function standIn({ type, shape }: TfliteTensor): Value {
  return { id: -1, type: { dtype: type === "i16" ? "i32" : type, shape } };
}

/** The scale and zero point of a tensor that has one of each. */
export function stepOf({ scales, zeros }: Quantization): { readonly scale: number; readonly zero: number } {
  return { scale: shortest(scales[0] ?? 1), zero: zeros[0] ?? 0 };
}

/** (q - zero) scale in f32. */
export function realNumbers({ shape, values }: Known, { scales, zeros, axis }: Quantization): Known {
  const inner = elementCount(shape.slice(axis + 1));
  const numbers = Float32Array.from(values, (q, i) => {
    const place = scales.length === 1 ? 0 : Math.floor(i / inner) % scales.length;
    return (q - (zeros[place] ?? 0)) * Math.fround(scales[place] ?? 1);
  });
  return { dtype: "f32", shape, values: numbers };
}

/** Half precision widens exactly; the types that the language has not are left to whoever reads them. */
function decode({ bytes, shape, type }: TfliteTensor): Known | undefined {
  if (!bytes || type === "i16") return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = elementCount(shape);
  const dtype = type === "f16" || type === "f64" ? "f32" : type;
  const values = arrayOf(dtype, count);
  for (let i = 0; i < count; i++) values[i] = readElement(view, i * dtypes[type].bytes, type);
  return { dtype, shape, values };
}

export function arrayOf(dtype: DType, count: number): Numbers {
  switch (dtype) {
    case "i8":
      return new Int8Array(count);
    case "u8":
    case "bool":
      return new Uint8Array(count);
    case "i32":
      return new Int32Array(count);
    case "i64":
    case "f64":
      return new Float64Array(count);
    case "f16":
    case "f32":
      return new Float32Array(count);
  }
}
