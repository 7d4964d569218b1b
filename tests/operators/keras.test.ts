/** Small Keras models with the outputs that Keras recorded: dense layers with every activation layer, one-dimensional convolutions. */
import { describe, expect, test } from "vitest";
import { runImported } from "../importers/support.ts";
import { targetsOfCase } from "../importers/targets.ts";
import { sharedFile } from "../support.ts";
import { kerasPaths, loadKerasModel } from "./keras_models.ts";

const base = sharedFile("conformance/keras-h5");
const paths = base ? kerasPaths(base) : [];

describe.runIf(base)("Keras models", () => {
  test("are there", () => expect(paths.length).toBeGreaterThan(25));

  test.each(paths)("%s", async (path) => {
    const { net, input, output } = await loadKerasModel(path);
    const [given] = net.model.inputs;
    const [wanted] = net.model.outputs;
    expect(wanted?.type.shape).toEqual(output.type.shape);
    for (const { outputs } of await runImported(net, new Map([[given?.source ?? "", input]]), targetsOfCase(path.slice(base?.length)))) {
      const y = outputs.get(wanted?.source ?? "");
      expect(y?.length).toBe(output.values.length);
      y?.forEach((value, i) => {
        expect(Math.abs(value - (output.values[i] as number))).toBeLessThan(2e-6);
      });
    }
  });
});
