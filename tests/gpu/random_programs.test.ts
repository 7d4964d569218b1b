/** Random programs as shaders: each layer within its bound on every driver, and the interpreter of shaders agrees. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Compiled, compile } from "../../src/compile.ts";
import { interpretShader } from "../../src/ir/interpret_shader.ts";
import { printShader } from "../../src/ir/print_shader.ts";
import { createReference } from "../../src/pipeline/execute.ts";
import { parsed, withoutSpans } from "../levels/levels.ts";
import { drawInputs, drawWeights } from "../random/compare_levels.ts";
import { type RandomProgram, randomProgram } from "../random/program.ts";
import { full } from "../support.ts";
import type { Driver } from "./dawn.ts";
import { closeAll, failureOn, openDrivers } from "./support.ts";

const programs = full ? 400 : 24;

let opened: Driver[] = [];
beforeAll(() => {
  opened = openDrivers();
});
afterAll(() => closeAll(opened));

test.each(Array.from({ length: programs }, (_, seed) => seed))("random program %i", async (seed) => {
  const program = randomProgram(seed);
  const { value: compiled } = compile(program.source, { target: "webgpu" });
  if (!compiled) throw new Error(`seed ${seed} does not compile`);
  const draws = program.discontinuous && !program.exact ? 3 : 1;
  const failures = new Map<Driver, string | undefined>(opened.map((driver) => [driver, ""]));
  for (let draw = 0; draw < draws; draw++)
    for (const [driver, before] of failures)
      if (before !== undefined) failures.set(driver, await failureAt(driver, compiled, program, draw));
  expect(
    [...failures.values()].filter((failure) => failure !== undefined),
    `seed ${seed}\n${program.source}`,
  ).toEqual([]);
});

async function failureAt(driver: Driver, compiled: Compiled, program: RandomProgram, draw: number): Promise<string | undefined> {
  const inputs = drawInputs(compiled, program, draw);
  return failureOn(driver, compiled, drawWeights(compiled, program, draw), inputs, !program.discontinuous);
}

test.each(Array.from({ length: full ? 400 : 60 }, (_, seed) => seed))("the text and the interpreter of random program %i", (seed) => {
  const program = randomProgram(seed);
  const { value: compiled } = compile(program.source, { target: "webgpu" });
  const { value: shaders, diagnostics } = compiled?.levels.shader() ?? { diagnostics: [] };
  if (!compiled || !shaders) throw new Error(`seed ${seed}: ${diagnostics[0]?.message}`);
  const text = printShader(shaders);
  const back = parsed(text);
  expect(withoutSpans(back)).toStrictEqual(withoutSpans({ level: "shader", program: shaders }));
  const [inputs, weights] = [drawInputs(compiled, program, 0), drawWeights(compiled, program, 0)];
  const values = interpretShader(shaders, new Map([...inputs, ...weights]));
  if (program.discontinuous && !program.exact) return;
  const expected = createReference(compiled, weights).run(inputs);
  for (const { name, value } of shaders.outputs)
    expect(relativeDifference(expected.get(name), values.get(value)), `${name} of seed ${seed}`).toBeLessThan(1e-3);
});

/** Of the largest magnitude, where what is expected is finite. */
function relativeDifference(expected: Float64Array = new Float64Array(), actual: Float64Array = new Float64Array()): number {
  if (expected.length !== actual.length) return Infinity;
  let [worst, largest] = [0, 1];
  expected.forEach((wanted, i) => {
    if (!Number.isFinite(wanted)) return;
    largest = Math.max(largest, Math.abs(wanted));
    worst = Math.max(worst, Math.abs(wanted - (actual[i] as number)));
  });
  return worst / largest;
}
