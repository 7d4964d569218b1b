/** What no schedule binds comes to the grid: each part of a nest, and around loops that are bound to invocations. */
import { expect, test } from "vitest";
import { isGridAxis } from "../../src/ir/loop.ts";
import { distribute } from "../../src/schedule/distribute.ts";
import { loopsOf } from "../../src/schedule/nest.ts";
import { applySteps, contextOf, stepsOf } from "./support.ts";

const source = "model m(x: f32[32, 16]) -> y: f32[32, 10] { matmul(x, @w: [16, 10] = he_normal) }";

/** `name coordinate` of each bound loop, after these steps. */
function boundAfter(steps: string): string[] {
  const start = contextOf(source);
  const { context, refusal } = applySteps(stepsOf(steps, start), start);
  expect(refusal).toBeUndefined();
  return loopsOf(distribute(context).body).flatMap(({ name, mode, extent }) => (isGridAxis(mode) ? [`${name} ${extent} ${mode}`] : []));
}

test("every part of a nest is cut into workgroups of invocations", () => {
  expect(boundAfter("split m by 20 tail cut")).toEqual([
    "grid0.o 4 workgroup.x",
    "grid0.i 64 invocation.x",
    "grid1.o 2 workgroup.x",
    "grid1.i 64 invocation.x",
  ]);
});

test("loops around those that are bound to invocations are workgroups", () => {
  expect(boundAfter("split m by 8; bind m.i to invocation.x")).toEqual(["m.o 4 workgroup.x", "m.i 8 invocation.x"]);
});

test("where a tile is shared and nothing is bound, a workgroup has one invocation", () => {
  expect(boundAfter("split c by 4; rfactor c.o in workgroup")).toEqual(["grid0 320 workgroup.x"]);
});

test("a nest with workgroups is as its schedule has it", () => {
  expect(boundAfter("bind m to workgroup.y")).toEqual(["m 32 workgroup.y"]);
});
