/** What a translation of a Keras layer is given: its settings, its weights, its operands, and the model that is being written. */
import type { Attributes } from "../../ir/nn.ts";
import type { ImportedTensor } from "../importer.ts";
import type { ModelBuilder } from "../model_builder.ts";
import type { Value } from "../written_model.ts";
import type { Config } from "./config.ts";

/** A weight that the file has, and the words of its path. */
export type StoredWeight = { readonly words: readonly string[]; readonly tensor: ImportedTensor };

export type Layer = {
  readonly kind: string;
  readonly name: string;
  readonly config: Config;
  readonly inputs: readonly Value[];
  readonly builder: ModelBuilder;
  /** 2 or 3: defaults of some activations differ. */
  readonly version: number;
  number(key: string, otherwise?: number): number;
  flag(key: string, otherwise: boolean): boolean;
  text(key: string, otherwise?: string): string;
  /** A list of `count` numbers; one number stands for all. */
  numbers(key: string, count: number, otherwise?: number): number[];
  /** A weight of the layer by the last word of its path; undefined where the file has none. */
  stored(kind: string): ImportedTensor | undefined;
  /** The same as an operand, under the layer's name; in another shape where one is given. */
  weight(kind: string, shape?: readonly number[]): Value | undefined;
  /** A weight that the layer leaves out, all elements alike. */
  filled(kind: string, count: number, value: number): Value;
  call(operator: string, operands: readonly (Value | number)[], attributes?: Attributes): Value;
};

/** Gives the layer's result, or the end of a sentence that begins with its kind. */
export type TranslateLayer = (layer: Layer) => Value | string;

export type LayerGiven = Pick<Layer, "kind" | "name" | "config" | "inputs" | "builder" | "version"> & {
  readonly weights: readonly StoredWeight[];
};

export function createLayer({ weights, ...given }: LayerGiven): Layer {
  const { config, name, builder } = given;
  const number: Layer["number"] = (key, otherwise = 0) => {
    const value = config[key];
    return typeof value === "number" ? value : otherwise;
  };
  const stored: Layer["stored"] = (kind) => weights.find(({ words }) => words.includes(name) && words.at(-1) === kind)?.tensor;
  return {
    ...given,
    number,
    flag(key, otherwise) {
      const value = config[key];
      return typeof value === "boolean" ? value : otherwise;
    },
    text(key, otherwise = "") {
      const value = config[key];
      return typeof value === "string" ? value : otherwise;
    },
    numbers(key, count, otherwise = 1) {
      const value = config[key];
      if (Array.isArray(value) && value.length === count && value.every((item) => typeof item === "number")) return value;
      return Array<number>(count).fill(number(key, otherwise));
    },
    stored,
    weight(kind, shape) {
      const tensor = stored(kind);
      if (!tensor) return undefined;
      return builder.weight(`${name}/${kind}`, shape ? { ...tensor, type: { ...tensor.type, shape } } : tensor);
    },
    filled: (kind, count, value) =>
      builder.weight(`${name}/${kind}`, { type: { dtype: "f32", shape: [count] }, values: new Float32Array(count).fill(value) }),
    call: (operator, operands, attributes) => builder.call(operator, operands, attributes),
  };
}
