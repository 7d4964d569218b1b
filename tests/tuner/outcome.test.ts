/** The outcome's text: what it says is what was chosen, for every layer of a workload; what no longer fits is a warning. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type Compiled, compile } from "../../src/compile.ts";
import { parseTuned } from "../../src/frontend/parse_tuned.ts";
import type { TunedSection } from "../../src/ir/tuned.ts";
import { weightBytes } from "../../src/pipeline/weight_bytes.ts";
import { nestsByWorkload } from "../../src/schedule/workload_key.ts";
import { hasErrors } from "../../src/support/diagnostic.ts";
import { exactJson } from "../../src/support/exact_json.ts";
import { createRandom } from "../../src/support/random.ts";
import { type Candidate, realize, type Scheduled } from "../../src/tuner/candidate.ts";
import { type Outcome, outcomeOf, writeOutcome } from "../../src/tuner/outcome.ts";
import { combine, compositionOf, networkOf } from "../../src/tuner/plans.ts";
import { createDrawer, spaceOf } from "../../src/tuner/space.ts";
import { type Workload, workloadsOf } from "../../src/tuner/workload.ts";
import { compileExample, compileText, exampleFile, full, smallExamples } from "../support.ts";
import { choiceSource, compileSmall, pairSource, runStandIn, source, tunedOf } from "./support.ts";

const environment = { target: "wasm", engine: "node", version: "20", device: 'a "quoted" device', relaxed: false, compiler: "quern test" };

function outcomeWith(model: string, chosen: readonly (readonly [Workload, Scheduled])[]): Outcome {
  const workloads = chosen.map(([{ key, layers }, { steps }]) => ({ key, layers, us: 1.25, defaultUs: 2, steps }));
  return { environment, model, totals: { tunedMs: 1, defaultMs: 2 }, choices: [], workloads };
}

function sectionsOf(text: string): readonly TunedSection[] {
  const { value, diagnostics } = parseTuned(text, "t.schedule");
  expect(diagnostics).toEqual([]);
  return value?.sections ?? [];
}

const empty = { file: "t.schedule", sections: [] };

test.each(full ? smallExamples : (["resnet8", "vww", "unet"] as const))(
  "random schedules of %s, written and read, give every layer what was chosen",
  (name) => {
    const compiled = compileExample(name);
    const random = createRandom(`outcome/${name}`);
    const chosen = workloadsOf(compiled).flatMap((workload): (readonly [Workload, Scheduled])[] => {
      const space = spaceOf(workload, compiled.module.sketches);
      if (space.sketches.length === 0) return [];
      const draw = createDrawer(space);
      for (let i = 0; i < 8; i++) {
        const scheduled = draw(
          random.pick(space.sketches),
          (_, options) => random.pick(options),
          () => false,
        );
        if (scheduled) return [[workload, scheduled]];
      }
      return [];
    });
    expect(chosen.length).toBeGreaterThan(1);
    const text = writeOutcome(outcomeWith(compiled.name, chosen), "", empty);
    const sources = [{ file: `${name}.qn`, text: readFileSync(exampleFile(name), "utf8") }];
    const { value, diagnostics } = compile(sources, { tuned: sectionsOf(text) });
    expect(diagnostics).toEqual([]);
    const nests = new Map(value?.levels.loop().nests.map((nest) => [nest.name, nest]));
    for (const [{ layers }, { nest }] of chosen)
      for (const layer of layers) {
        const trace = nests.get(layer)?.trace ?? [];
        expect(trace.length, layer).toBe(nest.trace.filter((step) => !step.startsWith("sketch ")).length);
        if (layer === layers[0]) expect(nests.get(layer)?.body, layer).toEqual(nest.body);
      }
    // All layers of a workload are one kernel, as they are without tuning.
    const kernelOf = new Map(value?.levels.kernel().calls.map((call) => [call.nest, call.kernel]));
    for (const [{ layers }] of chosen) expect(new Set(layers.map((layer) => kernelOf.get(layer))).size, layers.join()).toBe(1);
  },
);

test("a section replaces that of its engine, and leaves the rest of the file as it is", () => {
  const first = writeOutcome(outcomeWith("small", []), "", empty);
  const mine = "# my own words\n\n";
  const other = { ...outcomeWith("small", []), environment: { ...environment, engine: "chromium" }, totals: { tunedMs: 7, defaultMs: 8 } };
  const both = writeOutcome(other, mine + first, { file: "t", sections: sectionsOf(mine + first) });
  expect(sectionsOf(both).map(({ engine, ms }) => [engine, ms])).toEqual([
    ["node", 1],
    ["chromium", 7],
  ]);
  const again = writeOutcome({ ...outcomeWith("small", []), totals: { tunedMs: 0.5, defaultMs: 2 } }, both, {
    file: "t",
    sections: sectionsOf(both),
  });
  expect(sectionsOf(again).map(({ engine, ms }) => [engine, ms])).toEqual([
    ["node", 0.5],
    ["chromium", 7],
  ]);
  expect(again.startsWith(mine)).toBe(true);
});

test("an entry that is stale, or whose step is refused, is a warning and its layer takes the default", async () => {
  const compiled = compileSmall();
  const run = tunedOf(await runStandIn(compiled));
  const outcome = outcomeOf("small", environment, run);
  expect(outcome.workloads.length).toBeGreaterThan(1);
  const text = writeOutcome(outcome, "", empty);
  const [first] = outcome.workloads;
  const stale = text.replace(first?.key ?? "", "0123456789abcdef");
  const broken = text.replace(/split f by \d+/, "split f by 0");
  expect(broken).not.toBe(text);
  for (const [changed, message] of [
    [stale, /no layer computes the workload/],
    [broken, /is refused, and the layer takes its default/],
  ] as const) {
    const { value, diagnostics } = compile([{ file: "small.qn", text: source }], { tuned: sectionsOf(changed) });
    expect(hasErrors(diagnostics)).toBe(false);
    // Of each layer of the workload.
    expect(diagnostics.length).toBeGreaterThan(0);
    for (const diagnostic of diagnostics) expect(diagnostic.message).toMatch(message);
    expect(diagnostics[0]?.span?.file).toBe("t.schedule");
    expect(value?.levels.kernel()).toBeDefined();
  }
  const byDefault = new Map(compiled.levels.loop().nests.map((nest) => [nest.name, nest]));
  const { value } = compile([{ file: "small.qn", text: source }], { tuned: sectionsOf(stale) });
  for (const layer of first?.layers ?? [])
    expect(value?.levels.loop().nests.find(({ name }) => name === layer)).toEqual(byDefault.get(layer));
});

test("what is no section is said, and the others are read", () => {
  const { value, diagnostics } = parseTuned(
    'tuned a on wasm {\n  engine node "20" simd\n}\n\ntuned on\n\ntuned b on wasm {\n  nonsense 3\n  use direct for c\n}\n',
    "t.schedule",
  );
  expect(value?.sections.map(({ model }) => model)).toEqual(["a", "b"]);
  expect(value?.sections[1]?.choices).toEqual([expect.objectContaining({ algorithm: "direct", layers: ["c"] })]);
  expect(diagnostics.map(({ code }) => code)).toEqual(["syntax", "syntax"]);
});

const ran = (program: Compiled) => program.levels.loop("schedule").nests.map(({ name }) => name);

test("layers that are computed together are one workload, and what was tuned for one of them alone leaves them so", () => {
  const compiled = compileText(pairSource);
  expect(compiled.levels.loop("lower-to-loop").nests.map(({ name }) => name)).toContain("depthwise_conv2d");
  expect(ran(compiled)).not.toContain("depthwise_conv2d");
  expect(workloadsOf(compiled).map(({ layers, nests }) => [layers, nests.length])).toEqual([
    [["x.padded"], 0],
    [["y"], 2],
  ]);
  const nests = nestsByWorkload(compiled.levels.loop("lower-to-loop"), "wasm");
  const key = [...nests].find(([, [nest]]) => nest?.name === "y")?.[0];
  const text = writeOutcome(outcomeWith("m", []), "", empty).replace(/\}\s*$/, `  workload "${key}" for y {\n    split f by 8\n  }\n}\n`);
  const { value, diagnostics } = compile(pairSource, { tuned: sectionsOf(text) });
  expect(diagnostics).toEqual([]);
  expect(value && ran(value)).toEqual(ran(compiled));
});

test("whether two layers are computed together is searched, and the outcome says so to the compiler", async () => {
  const compiled = compileText(pairSource);
  const run = await runStandIn(compiled, { budget: { trials: 60 } });
  const network = networkOf(compiled);
  expect(network.groups.map((group) => group.map(({ algorithm, layers }) => [algorithm, layers]))).toEqual([[["apart", ["y"]]]]);
  // The pair's schedule, changed by a knob, is that of the nest which it is written for.
  const pair = workloadsOf(compiled).find(({ nests }) => nests.length === 2);
  if (!pair) throw new Error("no pair");
  const tried = run.records.flatMap((record) => (record.kind === "trial" && record.workload === pair.key ? [record.candidate] : []));
  expect(tried.length).toBeGreaterThan(1);
  const made = realize(pair, tried.at(-1) as Candidate, compiled.module.sketches);
  if (made.kind === "refused") throw new Error(made.code);
  const { steps } = made.scheduled;
  expect(steps.join("\n")).toMatch(/compute operand_1 at oh\.o\n.*split operand_1\.f by/s);
  const outcome = outcomeWith("m", [[pair, made.scheduled]]);
  const tuned = compile(pairSource, { tuned: sectionsOf(writeOutcome(outcome, "", empty)) });
  expect(tuned.diagnostics).toEqual([]);
  const nestOf = (program: Compiled | undefined) => program?.levels.loop("schedule").nests.find(({ name }) => name === "y")?.body;
  expect(nestOf(tuned.value)).toEqual(made.scheduled.nest.body);
  expect(nestOf(tuned.value)).not.toEqual(nestOf(compiled));
  const single = { ...outcome, workloads: [], choices: [{ algorithm: "apart", layers: ["y"] }] };
  const apart = compile(pairSource, { tuned: sectionsOf(writeOutcome(single, "", empty)) });
  expect(apart.diagnostics).toEqual([]);
  expect(apart.value && ran(apart.value)).toContain("depthwise_conv2d");
  const stale = { ...single, choices: [{ algorithm: "apart", layers: ["y", "z"] }] };
  expect(compile(pairSource, { tuned: sectionsOf(writeOutcome(stale, "", empty)) }).diagnostics.map(({ code }) => code)).toEqual([
    "stale-schedule",
  ]);
});

test("whether an activation is a kernel of its own is searched, and the outcome says so to the compiler", async () => {
  const text = source.replace("he_normal, pad: same) |> relu\n    |> depthwise", "he_normal, pad: same) |> gelu\n    |> depthwise");
  const network = networkOf(compileText(text, "small.qn"));
  const unfused = network.groups.flat().filter(({ algorithm }) => algorithm === "unfused");
  // A comparison costs less than storing what is compared.
  expect(unfused.map(({ layers }) => layers)).toEqual([["gelu"]]);
  const sourceOf = (schedule: string) => compile([{ file: "small.qn", text }], { tuned: sectionsOf(schedule) });
  for (const { layers, change } of unfused) {
    const outcome = { ...outcomeWith("small", []), choices: [{ algorithm: "unfused", layers }] };
    const tuned = sourceOf(writeOutcome(outcome, "", empty));
    expect(tuned.diagnostics).toEqual([]);
    // What the choice was said to change is what the network then is made of.
    expect(tuned.value && compositionOf(workloadsOf(tuned.value))).toEqual(combine(network.base, change));
  }
  const stale = { ...outcomeWith("small", []), choices: [{ algorithm: "unfused", layers: ["max_pool2d"] }] };
  expect(sourceOf(writeOutcome(stale, "", empty)).diagnostics.map(({ code }) => code)).toEqual(["stale-schedule"]);
});

test("of alternatives for one layer, one is chosen", () => {
  // Too small for Winograd's algorithms to pay by default.
  const { groups } = networkOf(compileText(choiceSource.replaceAll("10, 10", "4, 4").replace("relu", "gelu"), "choice.qn"));
  expect(groups.map((group) => group.map(({ algorithm }) => algorithm))).toEqual([expect.arrayContaining(["winograd_4x4", "unfused"])]);
});

test("a model with other sections is what it would be if it were compiled with them", () => {
  const first = compileText(choiceSource, "choice.qn");
  const layers =
    networkOf(first)
      .groups.flat()
      .find(({ algorithm }) => algorithm === "winograd_4x4")?.layers ?? [];
  const sections = (algorithm: string) =>
    sectionsOf(writeOutcome({ ...outcomeWith("choice", []), choices: [{ algorithm, layers }] }, "", empty));
  const textOf = ({ levels }: ReturnType<typeof compileText>) => [exactJson(levels.nn()), exactJson(levels.kernel())];
  const winograd = first.withTuned(sections("winograd_4x4"));
  expect(textOf(winograd)).toEqual(textOf(compileText(choiceSource, "choice.qn", { algorithm: "winograd_4x4" })));
  expect(textOf(winograd)).not.toEqual(textOf(first));
  expect(textOf(winograd.withTuned([]))).toEqual(textOf(first));
  expect(textOf(winograd.withTuned(sections("direct")))).toEqual(textOf(compileText(choiceSource, "choice.qn", { algorithm: "direct" })));
});

test("with keepSize no algorithm is offered whose module ships more weights", () => {
  const small = compileText(choiceSource.replaceAll("10, 10", "4, 4"), "choice.qn");
  const bytes = (algorithm: string) => weightBytes(compileText(choiceSource.replaceAll("10, 10", "4, 4"), "choice.qn", { algorithm }));
  const offered = (keepSize: boolean) => networkOf(small, { keepSize }).groups.flatMap((group) => group.map(({ algorithm }) => algorithm));
  expect(weightBytes(small)).toBe(bytes("direct"));
  expect(bytes("winograd_4x4")).toBeGreaterThan(3 * bytes("direct"));
  expect(offered(false)).toContain("winograd_4x4");
  expect(offered(true).filter((algorithm) => algorithm.startsWith("winograd"))).toEqual([]);
  // Where the compiler's own choice is the larger one, the smaller ones stay.
  const large = compileText(choiceSource.replaceAll("10, 10", "56, 56").replaceAll("16", "64"), "choice.qn");
  expect(weightBytes(large)).toBeGreaterThan(9 * 64 * 64 * 4);
  const smaller = networkOf(large, { keepSize: true }).groups.flatMap((group) => group.map(({ algorithm }) => algorithm));
  expect(smaller).toContain("direct");
});
