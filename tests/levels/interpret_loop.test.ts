import { describe, expect, test } from "vitest";
import { initializeWeights } from "../../src/ir/initialize.ts";
import { interpretLoop } from "../../src/ir/interpret_loop.ts";
import { interpretTensor } from "../../src/ir/interpret_tensor.ts";
import type { For, LoopProgram, Statement } from "../../src/ir/loop.ts";
import { verifyLoop } from "../../src/ir/verify_loop.ts";
import { verifyTensor } from "../../src/ir/verify_tensor.ts";
import { addHalos } from "../../src/passes/halo.ts";
import { lowerToLoop } from "../../src/passes/lower_to_loop.ts";
import { decompose } from "../../src/schedule/decompose.ts";
import { createRandom } from "../../src/support/random.ts";
import { stagesOf } from "./examples.ts";
import { parsed } from "./levels.ts";
import { randomTensorProgram } from "./random_tensor.ts";

function expectClose(actual: Float64Array | undefined, wanted: Float64Array | undefined, what: string): void {
  expect(actual?.length, what).toBe(wanted?.length);
  wanted?.forEach((value, i) => {
    const found = actual?.[i] as number;
    const same = Object.is(found, value) || found === value || Math.abs(found - value) <= 1e-9 * Math.max(1, Math.abs(value));
    if (!same) expect(found, `${what} element ${i}`).toBe(value);
  });
}

/** Every buffer that the loop program and the tensor program share. */
function expectAgreement(loop: LoopProgram, given: ReadonlyMap<string, Float64Array>, wanted: ReadonlyMap<string, Float64Array>): void {
  const found = interpretLoop(loop, given);
  for (const { name } of loop.buffers) if (wanted.has(name)) expectClose(found.get(name), wanted.get(name), `${loop.name} ${name}`);
}

describe("the example custom-op means the same in loops as in computes", () => {
  const stages = stagesOf("custom-op");
  const source = stages.nn[0]?.program;
  const tensor = stages.tensor.at(-1)?.program;
  if (!source || !tensor) throw new Error("no program");
  const random = createRandom("image");
  const given = new Map(initializeWeights(source.weights, 7));
  given.set(
    "image",
    Float64Array.from({ length: 16 * 16 * 8 }, () => Math.fround(random.normal())),
  );
  const wanted = interpretTensor(tensor, given);

  test.each(stages.loop)("$pass", ({ program }) => {
    expectAgreement(program, given, wanted);
    expect(
      interpretLoop(program, given)
        .get("features")
        ?.some((value) => !Number.isFinite(value)),
    ).toBe(false);
  });

  test("a border that nobody fills shows", () => {
    const lowered = stages.loop[0]?.program as LoopProgram;
    const unfilled = { ...lowered, nests: lowered.nests.filter((nest) => !nest.name.endsWith(".halo")) };
    expect(interpretLoop(unfilled, given).get("features")?.some(Number.isNaN)).toBe(true);
  });
});

describe("random computes", () => {
  const seeds = Array.from({ length: 150 }, (_, seed) => seed);

  test("are valid, and mean the same in loops, in any order of the loops", () => {
    for (const seed of seeds) {
      const { program, given } = randomTensorProgram(seed);
      expect(verifyTensor(program).map(({ message }) => message)).toEqual([]);
      const wanted = interpretTensor(program, given);
      const lowered = lowerToLoop(program);
      expect(verifyLoop(lowered).map(({ message }) => message)).toEqual([]);
      expectAgreement(lowered, given, wanted);
      expectAgreement(shuffled(lowered, seed), given, wanted);
      expectAgreement({ ...lowered, nests: lowered.nests.map(decompose) }, given, wanted);
    }
  });

  test("with borders", () => {
    let borders = 0;
    for (const seed of seeds) {
      const { program, given } = randomTensorProgram(seed);
      const padded = addHalos(program);
      borders += padded.buffers.filter((buffer) => buffer.halo).length;
      expect(verifyTensor(padded).map(({ message }) => message)).toEqual([]);
      expectAgreement(lowerToLoop(padded), given, interpretTensor(program, given));
    }
    expect(borders).toBeGreaterThan(50);
  });
});

/** The loops of every nest in another order. */
function shuffled(program: LoopProgram, seed: number): LoopProgram {
  const random = createRandom(`order/${seed}`);
  const nests = program.nests.map((nest) => {
    const loops: For[] = [];
    let body: Statement = nest.body;
    while (body.kind === "for") {
      loops.push(body);
      body = body.body;
    }
    const order = loops.map((loop) => ({ loop, key: random.uniform() })).sort((a, b) => a.key - b.key);
    return { ...nest, body: order.reduce<Statement>((inner, { loop }) => ({ ...loop, body: inner }), body) };
  });
  return { ...program, nests };
}

/** The values of `y` after nests written by hand. */
function run(nests: string, given: readonly (readonly [string, readonly number[]])[] = [], shape = "[2, 3]"): number[] {
  const text = `quern loop 1
program p
arena 0

inputs x
output y = y

input x: f32[2, 3]
temporary y: f32${shape}

${nests}`;
  const at = parsed(text);
  if (at.level !== "loop") throw new Error("not a loop program");
  const values = new Map<string, Float64Array>([
    ["x", Float64Array.of(1, 2, 3, 4, 5, 6)],
    ...given.map(([name, data]) => [name, Float64Array.from(data)] as const),
  ]);
  return [...(interpretLoop(at.program, values).get("y") ?? [])];
}

describe("statements", () => {
  test("what is not written is NaN", () => {
    expect(run("nest y run -> y {\n  for j in 2 {\n    y[0, j] = x[1, j]\n  }\n}")).toEqual([4, 5, NaN, NaN, NaN, NaN]);
  });
  test("accumulate, where, if, sequences", () => {
    const nest = `nest y run -> y {
  for i in 2 {
    for j in 3 {
      y[i, j] = 1
      sequence {
        y[i, j] += x[i, j] where x[i, j] > 2
        y[i, j] *= 2
      }
      if index(j) == 2_i32 {
        y[i, j] max= 100
        y[i, j] min= 50
      }
    }
  }
}`;
    expect(run(nest)).toEqual([2, 2, 50, 10, 12, 50]);
  });
  test("a tile begins anew in every iteration", () => {
    const nest = `nest y run -> y {
  for i in 2 {
    local t: f32[3] memory {
      if index(i) == 0_i32 {
        for j in 3 {
          t[j] = x[i, j]
        }
      }
      for j in 3 {
        y[i, j] = t[j]
      }
    }
  }
}`;
    expect(run(nest)).toEqual([1, 2, 3, NaN, NaN, NaN]);
  });
  const reduce = (where = "", finish = "acc * 10 + f32(index(j))") =>
    `y[0, j] = reduce sum over i into acc: f32 {\n value x[i, j]\n ${where}\n finish ${finish}\n }`;
  test("a reduction, its loop inside or outside", () => {
    const wanted = [50, 71, 92, NaN, NaN, NaN];
    expect(run(`nest y run -> y {\n for j in 3 {\n for i in 2 {\n ${reduce()}\n }\n }\n}`)).toEqual(wanted);
    expect(run(`nest y run -> y {\n for i in 2 {\n for j in 3 {\n ${reduce()}\n }\n }\n}`)).toEqual(wanted);
  });
  test("a predicate leaves an iteration out of a reduction, and no element", () => {
    expect(run(`nest y run -> y {\n for i in 2 {\n for j in 3 {\n ${reduce("where x[i, j] > 4")}\n }\n }\n}`)).toEqual([
      0,
      51,
      62,
      NaN,
      NaN,
      NaN,
    ]);
  });
  test("a guard leaves out what it does not let through", () => {
    const guarded = `nest y run -> y {\n for i in 2 {\n for j in 9 {\n if index(j) < 2_i32 {\n ${reduce()}\n }\n }\n }\n}`;
    expect(run(guarded)).toEqual([50, 71, NaN, NaN, NaN, NaN]);
  });
  test("a reduction over nothing is the identity", () => {
    expect(run(`nest y run -> y {\n for j in 3 {\n for i in 0 {\n ${reduce()}\n }\n }\n}`)).toEqual([0, 1, 2, NaN, NaN, NaN]);
    expect(run(`nest y run -> y {\n for i in 0 {\n for j in 3 {\n ${reduce()}\n }\n }\n}`)).toEqual([0, 1, 2, NaN, NaN, NaN]);
    const once = "y[0, j] = reduce max into acc: f32 {\n value x[1, j]\n finish acc + 1\n }";
    expect(run(`nest y run -> y {\n for j in 3 {\n ${once}\n }\n}`)).toEqual([5, 6, 7, NaN, NaN, NaN]);
  });
});
