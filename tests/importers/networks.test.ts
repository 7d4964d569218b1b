/** Pretrained networks agree with the runtimes that they come from: f32 within a bound, integers within a step. */
import { describe, expect, test } from "vitest";
import { createWasm } from "../../src/pipeline/execute.ts";
import { verifyModel } from "../../src/pipeline/verify.ts";
import { full } from "../support.ts";
import { imported } from "./imported.ts";
import { largeNetworks, networkOf, smallNetworks } from "./networks.ts";
import { agreement, inputValues } from "./reference_vectors.ts";

const tolerance = 1e-4;

describe.each(full ? [...smallNetworks, ...largeNetworks] : smallNetworks)("%s", (name) => {
  const network = networkOf(name);
  if (!network) {
    test.skip("is not here", () => {});
    return;
  }
  test("agrees with its vectors", { timeout: 120_000 }, async () => {
    const { path, shapes, vectors } = network;
    const net = await imported(path, { shapes });
    const { model, compiled, weights } = net;
    const [input] = model.inputs;
    const runner = createWasm(compiled, weights);
    for (const run of vectors.runs) {
      expect(input?.type.shape).toEqual(run.input.shape);
      const results = runner.run(new Map([[input?.name ?? "", inputValues(run.input)]]));
      expect(model.outputs.map(({ source }) => source.replace(/:0$/, "")).sort()).toEqual(run.outputs.map((output) => output.name).sort());
      for (const output of run.outputs) {
        const found = model.outputs.find(({ source }) => source.replace(/:0$/, "") === output.name);
        const values = results.get(found?.name ?? "");
        expect(found?.type.shape).toEqual(output.shape);
        const { relative, largest, withinOne, sameArgmax } = agreement(values ?? new Float64Array(), output);
        if (output.dtype === "float32") expect(relative).toBeLessThan(tolerance);
        else {
          expect(largest).toBeLessThanOrEqual(2);
          expect(withinOne).toBeGreaterThanOrEqual(0.99);
        }
        expect(sameArgmax).toBe(true);
      }
    }
    if (!full) return;
    const [first] = vectors.runs;
    if (first) expect(verifyModel(compiled, weights, { inputs: new Map([[input?.name ?? "", inputValues(first.input)]]) }).ok).toBe(true);
  });
});
