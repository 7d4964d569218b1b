/** Pretrained networks agree with the runtimes that they come from: f32 within a bound, integers within a step. */
import { describe, expect, test } from "vitest";
import { verifyModel } from "../../src/pipeline/verify.ts";
import { full } from "../support.ts";
import { checkNetwork, largeNetworks, networkOf, smallNetworks } from "./networks.ts";
import { inputValues } from "./reference_vectors.ts";
import { targetsHere } from "./targets.ts";

/** Of the small ones, those whose shaders are compiled soon. */
const onWebGpu: readonly string[] = ["kws_ref_model.tflite", "pretrainedResnet.h5"];

describe.each(full ? [...smallNetworks, ...largeNetworks] : smallNetworks)("%s", (name) => {
  const network = networkOf(name);
  if (!network) {
    test.skip("is not here", () => {});
    return;
  }
  test("agrees with its vectors", { timeout: 600_000 }, async () => {
    const short = onWebGpu.includes(name) ? ["wasm", "webgpu"] : ["wasm"];
    const targets = targetsHere().flatMap((target) => (full || short.includes(target.name) ? [target.name] : []));
    const { net, problems } = await checkNetwork(network, targets);
    expect(Object.fromEntries(problems)).toEqual(Object.fromEntries(targets.map((target) => [target, []])));
    if (!full) return;
    const [first] = network.vectors.runs;
    const inputs = first ? new Map([[net.model.inputs[0]?.name ?? "", inputValues(first.input)]]) : new Map();
    expect(verifyModel(net.compiled, net.weights, { inputs }).ok).toBe(true);
  });
});
