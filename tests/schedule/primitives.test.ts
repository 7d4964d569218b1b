/**
 * Every primitive's examples run, show the nests of their golden files and change nothing of the meaning; every way in
 * which a primitive refuses is reached, and reads as its golden file says. UPDATE=1 writes the files.
 */
import { describe, expect, test } from "vitest";
import type { Nest } from "../../src/ir/loop.ts";
import { printBuffer } from "../../src/ir/print_buffers.ts";
import { printNest } from "../../src/ir/print_loop.ts";
import type { Context } from "../../src/schedule/primitive.ts";
import { primitives } from "../../src/schedule/primitives.ts";
import { renderDiagnostic } from "../../src/support/diagnostic.ts";
import { createRandom } from "../../src/support/random.ts";
import { goldenOf, primitiveExamples, refusals } from "./refusals.ts";
import { applySteps, contextOf, createMemory, expectGolden, interpret, type Memory, stepsFile, stepsOf, stepsText } from "./support.ts";

describe("examples", () => {
  test.each(primitiveExamples)("$file", ({ file, source, prepare, step }) => {
    const start = contextOf(source);
    const before = applySteps(stepsOf(prepare, start), start);
    const after = applySteps(stepsOf(step, before.context), before.context);
    expect(before.refusal ?? after.refusal).toBeUndefined();
    expectGolden(`${file}.before`, printed([before.context.nest], before.context));
    const added = after.changes.flatMap((change) => change.nests);
    const prepared = before.changes.flatMap((change) => change.nests);
    const changed = after.changes.flatMap((change) => change.buffers.map(printBuffer)).map((line) => `${line}\n\n`);
    expectGolden(`${file}.after`, changed.join("") + printed([...added, after.context.nest], after.context));
    const expected = resultOf([...prepared, before.context.nest], after.context);
    expect(resultOf([...prepared, ...added, after.context.nest], after.context)).toEqual(expected);
    expect(expected).toEqual(resultOf([start.nest], after.context));
  });
});

describe("refusals", () => {
  test.each(refusals)("$primitive: $name", (refused) => {
    const { primitive, name, source, steps } = refused;
    const start = contextOf(source);
    const all = stepsOf(steps, start);
    const { context, changes, refusal } = applySteps(all, start);
    expect(changes.length, "only the last step is refused").toBe(all.length - 1);
    expect(refusal?.code).toBe(name.split(" ")[0]);
    expect(all.at(-1)?.clauses[0]?.keyword).toBe(primitive);
    expect(context.nest.trace.length, "a refusal changes nothing").toBe(all.length - 1);
    const text = refusal ? renderDiagnostic(refusal, new Map([[stepsFile, stepsText(steps)]])) : "";
    expectGolden(goldenOf(refused), text);
  });

  test("every code that a primitive declares is reached, and no other", () => {
    const codes = (list: readonly { primitive: string; name: string }[]) =>
      new Set(list.map(({ primitive, name }) => `${primitive}.${name.split(" ")[0]}`));
    const declared = [...primitives.values()].flatMap(({ name, refusals: own }) =>
      Object.keys(own).map((code) => ({ primitive: name, name: code })),
    );
    const reached = codes(refusals.filter(({ primitive }) => primitives.has(primitive)));
    expect([...reached].sort()).toEqual([...codes(declared)].sort());
  });
});

function printed(nests: readonly Nest[], { buffers }: Context): string {
  return nests.map((nest) => printNest(nest, (name) => buffers.get(name)?.dtype)).join("\n\n");
}

/** What the last nest's result holds, after all that the program computes before. Small whole numbers: sums of them are exact in any order. */
function resultOf(
  nests: readonly Nest[],
  { buffers, nests: program, nest: { name } }: Context,
): Memory extends ReadonlyMap<string, infer Data> ? Data | undefined : never {
  const memory = createMemory(buffers.values(), (name, element) => createRandom(`${name}/${element}`).integer(-3, 3));
  const before = program.slice(
    0,
    program.findIndex((nest) => nest.name === name),
  );
  for (const nest of [...before, ...nests]) interpret(nest, memory);
  return memory.get(nests.at(-1)?.result ?? "");
}
