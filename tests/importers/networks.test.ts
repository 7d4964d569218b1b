/** Pretrained networks agree with the runtimes that they come from: f32 within a bound, integers within a step. */
import { describe, expect, test } from "vitest";
import { verifyModel } from "../../src/pipeline/verify.ts";
import { full } from "../support.ts";
import { checkNetwork, largeNetworks, networkOf, smallNetworks } from "./networks.ts";
import { inputValues } from "./reference_vectors.ts";

describe.each(full ? [...smallNetworks, ...largeNetworks] : smallNetworks)("%s", (name) => {
  const network = networkOf(name);
  if (!network) {
    test.skip("is not here", () => {});
    return;
  }
  test("agrees with its vectors", { timeout: 120_000 }, async () => {
    const { net, problems } = await checkNetwork(network, ["wasm"]);
    expect(Object.fromEntries(problems)).toEqual({ wasm: [] });
    if (!full) return;
    const [first] = network.vectors.runs;
    const inputs = first ? new Map([[net.model.inputs[0]?.name ?? "", inputValues(first.input)]]) : new Map();
    expect(verifyModel(net.compiled, net.weights, { inputs }).ok).toBe(true);
  });
});
