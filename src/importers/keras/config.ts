/**
 * A Keras model's configuration as a graph of layers: Keras 2 and 3, sequential and functional, models within models.
 * Source: what `model.to_json()` writes.
 */
import { shownName } from "../limits.ts";

export type Config = { readonly [key: string]: unknown };

/** A result of a call of a layer: `node` counts the layer's calls, `place` the results of one. */
export type Reference = { readonly layer: string; readonly node: number; readonly place: number };

export type KerasLayer = {
  readonly kind: string;
  readonly name: string;
  readonly config: Config;
  /** The operands of each call; an input has none. */
  readonly calls: readonly (readonly Reference[])[];
};

export type KerasGraph = {
  readonly layers: readonly KerasLayer[];
  readonly inputs: readonly Reference[];
  readonly outputs: readonly Reference[];
};

/** Kinds that are models themselves. */
export const modelKinds: ReadonlySet<string> = new Set(["Sequential", "Functional", "Model"]);

/** The graph, or what is wrong with the configuration. */
export function readGraph(kind: string, config: unknown): KerasGraph | string {
  const listed = Array.isArray(config) ? config : isRecord(config) ? config.layers : undefined;
  if (!Array.isArray(listed)) return "its configuration lists no layers";
  const layers = listed.map(readLayer);
  const wrong = layers.find((layer) => typeof layer === "string");
  if (wrong !== undefined) return wrong;
  const known = layers.filter((layer) => typeof layer !== "string");
  if (kind === "Sequential") return sequence(known);
  if (!isRecord(config)) return "its configuration names no inputs";
  const inputs = referencesIn(config.input_layers);
  const outputs = referencesIn(config.output_layers);
  if (inputs.length === 0 || outputs.length === 0) return "its configuration names no inputs or no outputs";
  return { layers: known, inputs, outputs };
}

function readLayer(entry: unknown): KerasLayer | string {
  if (!isRecord(entry) || typeof entry.class_name !== "string") return "an entry of its configuration is no layer";
  // A sequence of old is a list.
  const config = isRecord(entry.config) ? entry.config : { layers: entry.config };
  const name = entry.name ?? config.name;
  if (typeof name !== "string") return `a layer ${shownName(entry.class_name)} has no name`;
  const calls = Array.isArray(entry.inbound_nodes) ? entry.inbound_nodes.map(referencesIn) : [];
  return { kind: entry.class_name, name, config, calls };
}

/** Every layer reads the one before it. A first layer that is no input tells the shape of one. */
function sequence(layers: readonly KerasLayer[]): KerasGraph | string {
  const [first] = layers;
  if (!first) return "it has no layers";
  const shape = first.kind === "InputLayer" ? undefined : shapeIn(first.config);
  const opened: readonly KerasLayer[] = shape
    ? [{ kind: "InputLayer", name: `${first.name}_input`, config: first.config, calls: [] }, ...layers]
    : layers;
  const linked = opened.map((layer, i): KerasLayer => {
    const before = opened[i - 1];
    return { ...layer, calls: before ? [[{ layer: before.name, node: 0, place: 0 }]] : [] };
  });
  const reference = (layer: KerasLayer | undefined): Reference => ({ layer: layer?.name ?? "", node: 0, place: 0 });
  return { layers: linked, inputs: [reference(linked[0])], outputs: [reference(linked.at(-1))] };
}

/**
 * `["conv", 0, 0]`, a list or an object of such, or Keras 3's arguments, in which a tensor is an object that has a history. Other arguments are
 * passed over.
 */
function referencesIn(value: unknown, depth = 0): Reference[] {
  if (depth > 8) return [];
  if (Array.isArray(value)) {
    const [layer, node, place] = value;
    const isReference = typeof layer === "string" && isWhole(node) && isWhole(place);
    return isReference ? [{ layer, node, place }] : value.flatMap((item) => referencesIn(item, depth + 1));
  }
  if (!isRecord(value)) return [];
  if (value.class_name === "__keras_tensor__") return isRecord(value.config) ? referencesIn(value.config.keras_history, depth + 1) : [];
  if ("args" in value) return [...referencesIn(value.args, depth + 1), ...referencesIn(value.kwargs, depth + 1)];
  return Object.values(value).flatMap((item) => referencesIn(item, depth + 1));
}

/** The extents of an input, null where they are open. */
export function shapeIn(config: Config): readonly (number | null)[] | undefined {
  const shape = config.batch_input_shape ?? config.batch_shape;
  const isShape = Array.isArray(shape) && shape.every((extent) => extent === null || isWhole(extent));
  return isShape ? shape : undefined;
}

function isWhole(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

export function isRecord(value: unknown): value is Config {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
