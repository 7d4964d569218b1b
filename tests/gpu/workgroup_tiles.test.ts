/**
 * Tiles that a workgroup shares: the shaders of these schedules give the reference's results in the interpreter, which watches for races,
 * and on a device; without one of their barriers the watch finds the race.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { initializeWeights } from "../../src/ir/initialize.ts";
import { interpretShader } from "../../src/ir/interpret_shader.ts";
import type { KernelStatement } from "../../src/ir/kernel.ts";
import type { ShaderProgram } from "../../src/ir/shader.ts";
import { createReference } from "../../src/pipeline/execute.ts";
import { randomInputs } from "../../src/pipeline/verify.ts";
import { compileText } from "../support.ts";
import { type Driver, hasDriver, openDriver } from "./dawn.ts";

const schedules: { readonly [name: string]: string } = {
  "a matrix product by tiles of both operands": `
model m(x: f32[32, 24]) -> y: f32[32, 32] { matmul(x, @w: [24, 32] = he_normal) }
schedule by_tiles on webgpu for y {
  split f by 4
  split f.o by 4
  split m by 2
  split m.o by 8
  split c by 8
  reorder m.o.o, f.o.o, m.o.i, f.o.i, c.o, c.i, m.i, f.i
  unroll m.i
  vectorize f.i
  bind m.o.i to invocation.y
  bind f.o.i to invocation.x
  stage result in registers at f.o.i
  stage x in workgroup at c.o
  stage w in workgroup at c.o
}`,
  "a convolution by tiles with their border": `
model m(x: f32[1, 8, 8, 8]) -> y: f32[1, 8, 8, 8] { conv2d(x, @k: [3, 3, 8, 8] = he_normal, pad: same) }
schedule by_tiles on webgpu for y {
  split oh by 4
  split ow by 4
  split f by 4
  split c by 4
  reorder n, oh.o, ow.o, oh.i, ow.i, f.o, c.o, kh, kw, c.i, f.i
  vectorize f.i
  bind oh.i to invocation.z
  bind ow.i to invocation.y
  bind f.o to invocation.x
  stage result in registers at f.o
  stage x.padded in workgroup at c.o
}`,
  "a matrix and a vector, by partial sums": `
model m(x: f32[1, 96]) -> y: f32[1, 16] { matmul(x, @w: [96, 16] = he_normal) }
schedule by_tiles on webgpu for y {
  split f by 4
  split f.o by 2
  split c by 12
  reorder m, f.o.o, c.o, f.o.i, c.i, f.i
  rfactor c.o in workgroup
  vectorize f.i
  stage y.partial in registers at f.o.i
  vectorize f.i.final
  fuse c.o, f.o.i into part
  bind part to invocation.x
  bind f.o.i.final to invocation.x
}`,
};

describe.each(Object.keys(schedules))("%s", (name) => {
  const compiled = compileText(schedules[name] as string, "test.qn", { target: "webgpu" });
  const weights = initializeWeights(compiled.weights, 0);
  const inputs = randomInputs(compiled, 0);
  const expected = createReference(compiled, weights).run(inputs);
  const { value: program } = compiled.levels.shader();
  if (!program) throw new Error("no shaders");

  test("is as it was scheduled", () => {
    expect(program.shaders.at(-1)?.arrays.map((array) => array.space)).toContain("workgroup");
  });

  test("means the same in the interpreter", () => expectAlike(interpreted(program)));

  test("has no barrier too many", () => {
    const count = barriers(program.shaders.at(-1)?.body ?? []);
    expect(count).toBeGreaterThan(0);
    for (let i = 0; i < count; i++)
      expect(() => interpreted(withoutBarrier(program, i)), `without barrier ${i}`).toThrow("no barrier between");
  });

  for (const driverName of ["swiftshader", "lavapipe"] as const) {
    const isThere = hasDriver(driverName);
    let driver: Driver;
    beforeAll(() => {
      if (isThere) driver = openDriver(driverName);
    });
    afterAll(() => driver?.close());
    test.runIf(isThere)(`means the same on ${driverName}`, async () => expectAlike(await driver.run(program, weights, inputs)));
  }

  function interpreted(shaders: ShaderProgram): Map<string, Float64Array> {
    return interpretShader(shaders, new Map([...inputs, ...weights] as [string, Float64Array][]));
  }

  function expectAlike(actual: ReadonlyMap<string, Float64Array>): void {
    for (const [output, values] of expected)
      values.forEach((value, i) => {
        expect(actual.get(output)?.[i]).toBeCloseTo(value, 4);
      });
  }
});

test("what no schedule binds has a workgroup of one invocation where a tile is shared", () => {
  const source = `
model m(x: f32[4, 96]) -> y: f32[4, 16] { matmul(x, @w: [96, 16] = he_normal) }
schedule by_parts on webgpu for y {
  split c by 12
  rfactor c.o in workgroup
}`;
  const { value: program } = compileText(source, "test.qn", { target: "webgpu" }).levels.shader();
  expect(program?.shaders.at(-1)).toMatchObject({ workgroup: [1, 1, 1], grid: [64, 1, 1] });
});

function barriers(statements: readonly KernelStatement[]): number {
  return statements.reduce((count, statement) => {
    if (statement.kind === "barrier") return count + 1;
    return count + (statement.kind === "for" ? barriers(statement.body) : 0);
  }, 0);
}

/** Without the barrier of that number, in the order of the text. */
function withoutBarrier(program: ShaderProgram, number: number): ShaderProgram {
  let next = 0;
  const without = (statements: readonly KernelStatement[]): KernelStatement[] =>
    statements.flatMap((statement) => {
      if (statement.kind === "barrier" && next++ === number) return [];
      return [statement.kind === "for" ? { ...statement, body: without(statement.body) } : statement];
    });
  return { ...program, shaders: program.shaders.map((shader) => ({ ...shader, body: without(shader.body) })) };
}
