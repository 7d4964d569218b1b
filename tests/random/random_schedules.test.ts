/**
 * Random programs mean the same however they are scheduled, where nests compute what others did, and memory is shared by what is
 * left of them.
 */
import { expect, test } from "vitest";
import { type Compiled, compile } from "../../src/compile.ts";
import { isFloat } from "../../src/ir/dtype.ts";
import { interpretLoop } from "../../src/ir/interpret_loop.ts";
import type { LoopProgram } from "../../src/ir/loop.ts";
import { printLoop } from "../../src/ir/print_loop.ts";
import { verifyLoop } from "../../src/ir/verify_loop.ts";
import { createReference, createWasm, type Tensors } from "../../src/pipeline/execute.ts";
import { lowerKernel } from "../../src/pipeline/lower.ts";
import { createRandom } from "../../src/support/random.ts";
import { randomSchedule } from "../schedule/random_schedule.ts";
import { full } from "../support.ts";
import { agrees, drawInputs, drawWeights } from "./compare_levels.ts";
import { type RandomProgram, randomProgram } from "./program.ts";

const programs = full ? 1500 : 80;

test(`${programs} random programs mean the same with random schedules across their nests`, { timeout: 3_600_000 }, () => {
  const accepted = new Map<string, number>();
  let gone = 0;
  for (let seed = 0; seed < programs; seed++) {
    const program = randomProgram(100_000 + seed);
    const { value: compiled } = compile(program.source);
    // Rounding in another order may change a result of these by a whole step.
    if (!compiled || (program.discontinuous && !program.exact)) continue;
    const lowered = compiled.levels.loop("lower-to-loop");
    const scheduled = randomSchedule(createRandom(`across/${seed}`), lowered, (step, isAccepted) => {
      const name = step.clauses[0]?.keyword ?? "";
      if (isAccepted) accepted.set(name, (accepted.get(name) ?? 0) + 1);
    });
    gone += lowered.nests.filter(({ name }) => !scheduled.nests.some((nest) => nest.name === name)).length;
    const difference = differenceOf(compiled, scheduled, program);
    if (difference) expect.fail(`seed ${seed}: ${difference}\n\n${program.source}\n\n${printLoop(scheduled)}`);
  }
  console.log(`${gone} nests gone; ${[...accepted].map(([name, count]) => `${name} ${count}`).join(", ")}`);
  expect(Math.min(gone, accepted.get("inline") ?? 0, accepted.get("compute") ?? 0, accepted.get("layout") ?? 0)).toBeGreaterThan(
    programs / 8,
  );
});

function differenceOf(compiled: Compiled, program: LoopProgram, { exact, ...random }: RandomProgram): string | undefined {
  const broken = verifyLoop(program)[0];
  if (broken) return broken.message;
  const weights = drawWeights(compiled, { exact, ...random }, 0);
  const inputs = drawInputs(compiled, { exact, ...random }, 0);
  const expected = createReference(compiled, weights).run(inputs);
  const values = interpretLoop(program, new Map([...inputs, ...weights]));
  const interpreted = new Map(program.outputs.map(({ name, value }) => [name, values.get(value) ?? new Float64Array()]));
  const found = compare("the interpreter", compiled, expected, interpreted, 1e-6);
  const kernels: Compiled = { ...compiled, levels: { ...compiled.levels, kernel: () => lowerKernel(program) } };
  return found ?? compare("wasm", compiled, expected, createWasm(kernels, weights).run(inputs), exact ? 1e-6 : 1e-3);
}

function compare(who: string, compiled: Compiled, expected: Tensors, actual: Tensors, tolerance: number): string | undefined {
  for (const { name, type } of compiled.outputs) {
    const [wanted, found] = [expected.get(name) ?? new Float64Array(), actual.get(name)];
    const largest = wanted.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most), 1);
    const position = wanted.findIndex(
      (value, i) => !agrees(value, found?.[i] ?? Number.NaN, isFloat(type.dtype) ? tolerance * largest : 0),
    );
    if (position >= 0) return `${who}: output ${name} differs at ${position}: ${found?.[position]} instead of ${wanted[position]}`;
  }
  return undefined;
}
