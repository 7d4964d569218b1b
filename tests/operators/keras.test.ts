/** Small Keras models with the outputs that Keras recorded: dense layers with every activation layer, one-dimensional convolutions. */
import { describe, expect, test } from "vitest";
import { createReference, createWasm } from "../../src/pipeline/execute.ts";
import { compileText, sharedFile } from "../support.ts";
import { kerasPaths, loadKerasModel } from "./keras_models.ts";

const base = sharedFile("conformance/keras-h5");
const paths = base ? kerasPaths(base) : [];

describe.runIf(base)("Keras models", () => {
  test("are there", () => expect(paths.length).toBeGreaterThan(25));

  test.each(paths)("%s", (path) => {
    const { text, weights, input, output } = loadKerasModel(path);
    const compiled = compileText(text);
    const given = new Map([...weights].map(([name, { values }]) => [name, values]));
    for (const create of [createReference, createWasm]) {
      const y = create(compiled, given)
        .run(new Map([["h0", input.values]]))
        .get("y");
      expect(y?.length).toBe(output.values.length);
      y?.forEach((value, i) => {
        expect(Math.abs(value - (output.values[i] as number))).toBeLessThan(2e-6);
      });
    }
  });
});
