/** Small Keras models, and what Keras recorded of them: their text in Quern, their weights, an input and its output. */
import { readdirSync } from "node:fs";
import h5wasm, { Dataset, File, Group } from "h5wasm/node";

await h5wasm.ready;

export type Tensor = { readonly shape: readonly number[]; readonly values: Float64Array };
type Layer = { readonly class_name: string; readonly config: Record<string, unknown> };

/** All datasets under a group, by the last part of their names. */
function datasetsOf(group: Group): Map<string, Tensor> {
  const found = new Map<string, Tensor>();
  for (const name of group.keys()) {
    const item = group.get(name);
    if (item instanceof Group) for (const [inner, tensor] of datasetsOf(item)) found.set(inner, tensor);
    else if (item instanceof Dataset) found.set(name, { shape: item.shape ?? [], values: Float64Array.from(item.value as Float32Array) });
  }
  return found;
}

function groupOf(file: File, name: string): Group {
  const group = file.get(name);
  if (!(group instanceof Group)) throw new Error(`no group ${name}`);
  return group;
}

/** The layer in Quern, applied to the text of its input. */
function textOf({ class_name, config }: Layer, x: string): string {
  const number = (key: string) => Number(config[key] ?? 0);
  const list = (key: string) => JSON.stringify(config[key]);
  switch (class_name) {
    case "Dense":
      return `dense(${x}, @kernel: [16, ${number("units")}], @bias: [${number("units")}])`;
    case "ELU":
      return `elu(${x}, alpha: ${number("alpha")})`;
    case "LeakyReLU":
      return `leaky_relu(${x}, slope: ${number("alpha")})`;
    case "ReLU": {
      const [slope, threshold] = [number("negative_slope"), number("threshold")];
      const bent = slope === 0 && threshold === 0 ? `relu(${x})` : `select(${x} >= ${threshold}, ${x}, (${x} - ${threshold}) * ${slope})`;
      return config.max_value === null ? bent : `clip(${bent}, high: ${number("max_value")})`;
    }
    case "Softmax":
      return `softmax(${x}, axis: ${number("axis")})`;
    case "Conv1D": {
      const isFirst = config.data_format === "channels_first";
      const input = isFirst ? `transpose(${x}, order: [0, 2, 1])` : x;
      const kernel = `@kernel: [${(config.kernel_size as number[])[0]}, 3, ${number("filters")}]`;
      const attributes = `stride: ${list("strides")}, dilation: ${list("dilation_rate")}, pad: ${config.padding}`;
      const y = `${config.activation}(conv1d(${input}, ${kernel}, ${attributes}) + (@bias: [${number("filters")}]))`;
      return isFirst ? `transpose(${y}, order: [0, 2, 1])` : y;
    }
    default:
      throw new Error(`no layer ${class_name}`);
  }
}

export type KerasModel = {
  readonly text: string;
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly input: Tensor;
  readonly output: Tensor;
};

/** Paths of all models under a folder. */
export function kerasPaths(base: string): string[] {
  return readdirSync(base, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith("_model.h5"))
    .sort()
    .map((name) => `${base}/${name}`);
}

export function loadKerasModel(path: string): KerasModel {
  const model = new File(path, "r");
  const recorded = new File(path.replace("_model.h5", "_inputs_and_outputs.h5"), "r");
  const { config } = JSON.parse(String(model.attrs.model_config?.value)) as { config: Layer[] | { layers: Layer[] } };
  const layers = Array.isArray(config) ? config : config.layers;
  const [input] = datasetsOf(groupOf(recorded, "inputs")).values();
  const [output] = datasetsOf(groupOf(recorded, "predictions")).values();
  if (!input || !output) throw new Error(`${path} records nothing`);
  const lets = layers.map((layer, i) => `  let h${i + 1} = ${textOf(layer, `h${i}`)}`).join("\n");
  const text = `model m(h0: f32[${input.shape}]) -> y: f32[${output.shape}] {\n${lets}\n  h${layers.length}\n}\n`;
  const stored = datasetsOf(groupOf(model, "model_weights"));
  return { text, weights: new Map([...stored].map(([name, tensor]) => [name.replace(/:0$/, ""), tensor])), input, output };
}
