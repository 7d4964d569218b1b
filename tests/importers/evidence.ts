/**
 * What proves that an operator of a format is imported as it is meant: the cases of tests/importers/cases, recorded models of Keras,
 * and pretrained networks with the vectors of their runtimes.
 */
import { readFileSync } from "node:fs";
import { isRecord } from "../../src/importers/keras/config.ts";
import { outside as kerasOutside, translations as kerasTranslations } from "../../src/importers/keras/layers.ts";
import { outside as tfjsOutside, translations as tfjsTranslations } from "../../src/importers/tfjs/translations.ts";
import { readTflite } from "../../src/importers/tflite/read.ts";
import { outside as tfliteOutside, translations as tfliteTranslations } from "../../src/importers/tflite/translations.ts";
import { kerasPaths, loadKerasModel } from "../operators/keras_models.ts";
import { mismatch } from "../operators/tensors.ts";
import { sharedFile } from "../support.ts";
import type { ImportCase } from "./cases/case.ts";
import { passedByCase } from "./cases/check_case.ts";
import { kerasCases } from "./cases/keras_cases.ts";
import { tfjsCases } from "./cases/tfjs_cases.ts";
import { tfliteCases } from "./cases/tflite_cases.ts";
import { kerasOperators } from "./keras_operators.ts";
import { checkNetwork, largeNetworks, type Network, networkOf, smallNetworks } from "./networks.ts";
import { runImported } from "./support.ts";
import { type TargetName, targetsHere } from "./targets.ts";

export type Evidence = {
  readonly kind: "case" | "recorded model" | "network";
  readonly name: string;
  readonly operators: ReadonlySet<string>;
  /** The targets on which it agrees. */
  passed(): Promise<ReadonlySet<TargetName>>;
};

export type ProvedFormat = {
  readonly name: string;
  readonly page: "tflite" | "keras" | "tfjs";
  readonly operators: readonly string[];
  readonly outside: { readonly [operator: string]: string };
  /** Undefined, with a visible line, where the shared files are absent. */
  evidence(): readonly Evidence[] | undefined;
};

export const provedFormats: readonly ProvedFormat[] = [
  {
    name: "TensorFlow Lite",
    page: "tflite",
    operators: Object.keys(tfliteTranslations),
    outside: tfliteOutside,
    evidence: () => withNetworks(tfliteCases, (network) => (network.path.endsWith(".tflite") ? tfliteOperators(network.path) : undefined)),
  },
  {
    name: "Keras",
    page: "keras",
    operators: Object.keys(kerasTranslations),
    outside: kerasOutside,
    evidence() {
      const base = sharedFile("conformance/keras-h5");
      const found = withNetworks(kerasCases, (network) => kerasOperators(network.path));
      return base && found ? [...found, ...kerasPaths(base).map((path) => recordedModel(path, base))] : undefined;
    },
  },
  {
    name: "TensorFlow.js",
    page: "tfjs",
    operators: Object.keys(tfjsTranslations),
    outside: tfjsOutside,
    evidence: () => withNetworks(tfjsCases, (network) => (network.path.endsWith(".json") ? graphOperators(network.path) : undefined)),
  },
];

/** `read` gives a network's operators, undefined where it is of another format. */
function withNetworks(
  cases: readonly ImportCase[],
  read: (network: Network) => ReadonlySet<string> | undefined,
): readonly Evidence[] | undefined {
  const networks = [...smallNetworks, ...largeNetworks].map(networkOf);
  if (networks.includes(undefined)) return undefined;
  const found = networks.flatMap((network): Evidence[] => {
    const operators = network && read(network);
    return operators ? [{ kind: "network", name: network.name, operators, passed: () => passedByNetwork(network) }] : [];
  });
  const ofCases = cases.map((given): Evidence => {
    return { kind: "case", name: given.name, operators: new Set(given.operators), passed: () => passedByCase(given) };
  });
  return [...ofCases, ...found];
}

async function passedByNetwork(network: Network): Promise<ReadonlySet<TargetName>> {
  const { problems } = await checkNetwork(
    network,
    targetsHere().map(({ name }) => name),
  );
  return new Set([...problems].flatMap(([target, wrong]) => (wrong.length === 0 ? [target] : [])));
}

function recordedModel(path: string, base: string): Evidence {
  return {
    kind: "recorded model",
    name: path.slice(base.length + 1),
    operators: kerasOperators(path) ?? new Set(),
    async passed() {
      const { net, input, output } = await loadKerasModel(path);
      const results = await runImported(net, new Map([[net.model.inputs[0]?.source ?? "", input]]));
      const wanted = { dtype: output.type.dtype, data: output.values };
      const values = (outputs: ReadonlyMap<string, Float64Array>) => outputs.get(net.model.outputs[0]?.source ?? "") ?? [];
      return new Set(results.flatMap(({ target, outputs }) => (mismatch(wanted, values(outputs), 2e-6) === undefined ? [target] : [])));
    },
  };
}

function tfliteOperators(path: string): ReadonlySet<string> {
  const { value } = readTflite(new Uint8Array(readFileSync(path)), path);
  return new Set(value?.operators.map(({ name }) => name));
}

function graphOperators(path: string): ReadonlySet<string> | undefined {
  const { modelTopology } = JSON.parse(readFileSync(path, "utf8"));
  const nodes: unknown = isRecord(modelTopology) ? modelTopology.node : undefined;
  return Array.isArray(nodes) ? new Set(nodes.map(({ op }) => op)) : undefined;
}
