/** Every operator of the library as shaders, on every driver, against vectors and within the bound: of each operator a vector for each driver, or all of them. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { libraryFiles } from "../../src/compile.ts";
import { ownVectors } from "../operators/own_vectors.ts";
import { mismatch, sourceOf, type Vector } from "../operators/tensors.ts";
import { compileText, full } from "../support.ts";
import type { Driver } from "./dawn.ts";
import { closeAll, judgeOn, openDrivers } from "./support.ts";

/** Of an output's largest magnitude, against vectors. */
const tolerance = 1e-5;

const { literal, loops } = ownVectors(full ? 5 : 2);
const vectors = [...literal, ...loops].map(withoutInfinities);
const operators = libraryFiles()
  .flatMap((file) => file.declarations)
  .filter((declaration) => declaration.kind === "op")
  .map((declaration) => declaration.name);

let opened: Driver[] = [];
beforeAll(() => {
  opened = openDrivers();
});
afterAll(() => closeAll(opened));

test.each(operators)("%s", async (operator) => {
  const own = vectors.filter((candidate) => candidate.operator === operator);
  expect(own.length).toBeGreaterThan(0);
  for (const [i, driver] of opened.entries())
    for (const vector of full ? own : own.slice(Math.floor((i * own.length) / opened.length)).slice(0, 1))
      expect(`${vector.call}: ${(await failure(vector, driver)) ?? "agrees"}`).toBe(`${vector.call}: agrees`);
});

async function failure(vector: Vector, driver: Driver): Promise<string | undefined> {
  const compiled = compileText(sourceOf(vector), "vector.qn", { target: "webgpu" });
  const inputs = new Map(vector.inputs.map(({ data }, i) => [`x${i}`, Float64Array.from(data)] as const));
  const { outputs, failure: wrong } = await judgeOn(driver, compiled, new Map(), inputs);
  const { data } = vector.expected;
  const found = (outputs.get("y") ?? new Float64Array()).map((value, i) => (Number.isFinite(data[i]) ? value : (data[i] as number)));
  return wrong ?? mismatch(vector.expected, found, tolerance);
}

/** WGSL promises nothing of NaN and infinities: with 1 in their place, the reference alone says what the result is. */
function withoutInfinities(vector: Vector): Vector {
  const { inputs, expected } = vector;
  if (inputs.every(({ data }) => data.every(Number.isFinite))) return vector;
  return {
    ...vector,
    inputs: inputs.map((input) => ({ ...input, data: input.data.map((value) => (Number.isFinite(value) ? value : 1)) })),
    expected: { ...expected, data: expected.data.map(() => Number.NaN) },
  };
}
