/** A run is a function of its seed and of the verdicts: replayed it chooses the same, resumed it goes on as if nothing had happened. */
import { expect, test } from "vitest";
import { compile } from "../../src/compile.ts";
import { parseTuned } from "../../src/frontend/parse_tuned.ts";
import { dtypes, elementCount } from "../../src/ir/dtype.ts";
import { allocatedShape } from "../../src/ir/tensor.ts";
import { createRandom } from "../../src/support/random.ts";
import { fitBoosted, predictBoosted } from "../../src/tuner/boosting.ts";
import { buildCandidate } from "../../src/tuner/build_candidate.ts";
import { judge, learn, predict, spearman } from "../../src/tuner/cost_model.ts";
import { earlierFor, observationsIn } from "../../src/tuner/earlier.ts";
import { medianInterval, quantile } from "../../src/tuner/engine_measurer.ts";
import { countNest } from "../../src/tuner/features.ts";
import { outcomeOf, writeOutcome } from "../../src/tuner/outcome.ts";
import { combine, networkOf } from "../../src/tuner/plans.ts";
import { createDrawer, enumerate, measureSpace, spaceOf, stepsOf } from "../../src/tuner/space.ts";
import { createStandIn } from "../../src/tuner/stand_in.ts";
import { fruitlessAfter, leastTime, pickTask } from "../../src/tuner/task_scheduler.ts";
import { totalsOf } from "../../src/tuner/tune.ts";
import { workloadsOf } from "../../src/tuner/workload.ts";
import { compileText } from "../support.ts";
import { choiceSource, compileSmall, type Run, runStandIn, tunedOf } from "./support.ts";

const compiled = compileSmall();
const environment = { target: "wasm", engine: "stand-in", version: "1", device: "none", relaxed: false, compiler: "quern test" };
const textOf = (run: Run) => writeOutcome(outcomeOf(compiled.name, environment, tunedOf(run)), "", { file: "t", sections: [] });

test("equal layers are one workload", () => {
  const workloads = workloadsOf(compiled);
  expect(workloads.map(({ layers }) => layers.length).sort()).toContain(2);
  expect(new Set(workloads.map(({ key }) => key)).size).toBe(workloads.length);
});

test("the same seed and log give the same outcome, byte by byte, and ask for no measurement", async () => {
  const first = await runStandIn(compiled);
  const replayed = await runStandIn(compiled, { resumed: first.records, append: () => expect.fail("a replay measures nothing") });
  expect(textOf(replayed)).toBe(textOf(first));
  expect(textOf(await runStandIn(compiled))).toBe(textOf(first));
  expect((await runStandIn(compiled, { seed: 2 })).records).not.toEqual(first.records);
});

test("a replay does not depend on how fast the engine is by now", async () => {
  const first = await runStandIn(compiled);
  const slower = { ...createStandIn("quern test"), peak: 20e9 };
  const replayed = await runStandIn(compiled, { resumed: first.records, append: () => expect.fail("a replay measures nothing") }, slower);
  expect(textOf(replayed)).toBe(textOf(first));
});

test("a run that is broken off anywhere and resumed ends with the log of one left alone", async () => {
  const whole = await runStandIn(compiled);
  const random = createRandom("broken off");
  for (let i = 0; i < 8; i++) {
    const length = random.integer(0, whole.records.length - 1);
    const resumed = await runStandIn(compiled, { resumed: whole.records.slice(0, length) });
    expect(resumed.records, `after ${length} records`).toEqual(whole.records);
  }
});

test("a cancelled run ends with the best so far", async () => {
  let batches = 0;
  const run = await runStandIn(compiled, { progress: () => void batches++, isCancelled: () => batches >= 16 });
  const tuned = tunedOf(run);
  expect(tuned.isCancelled).toBe(true);
  expect(tuned.trials).toBeLessThan(150);
  expect(tuned.results.some(({ isDefault }) => !isDefault)).toBe(true);
});

test("of a run that ends before all workloads were timed no total is known, and the outcome states none", async () => {
  const run = await runStandIn(compiled, { budget: { trials: 2 } });
  const tuned = tunedOf(run);
  expect(tuned.results.length).toBeGreaterThan(0);
  expect(tuned.untimed).toBe(tuned.base.size - tuned.results.length);
  expect(totalsOf(tuned)).toBeUndefined();
  expect(textOf(run)).not.toMatch(/^ {2}takes /m);
  const whole = await runStandIn(compiled);
  expect(tunedOf(whole).untimed).toBe(0);
  expect(textOf(whole)).toMatch(/^ {2}takes [\d.]+ ms default [\d.]+ ms$/m);
});

test("each workload's default comes first, and nothing is tried twice", async () => {
  const { records } = await runStandIn(compiled);
  const trials = records.flatMap((record) => (record.kind === "trial" && record.origin !== "final" ? [record] : []));
  for (const { key } of workloadsOf(compiled)) {
    const own = trials.filter(({ workload }) => workload === key);
    expect(own[0]?.origin).toBe("default");
    const settings = own.map(({ candidate }) => JSON.stringify(candidate));
    expect(new Set(settings).size).toBe(settings.length);
  }
});

test("evolutionary search with the cost model finds better than random search at equal trials", async () => {
  const sum = async (strategy: "evolutionary" | "random", seed: number) => {
    const { results } = tunedOf(await runStandIn(compiled, { strategy, seed, budget: { trials: 120 } }));
    return results.reduce((total, { workload, best }) => total + workload.layers.length * best.us, 0);
  };
  let [evolved, drawn] = [0, 0];
  for (let seed = 0; seed < 5; seed++) {
    evolved += await sum("evolutionary", seed);
    drawn += await sum("random", seed);
  }
  expect(evolved).toBeLessThan(drawn);
});

test("algorithms are chosen by what the whole network takes, and the outcome says which", async () => {
  const choice = compileText(choiceSource, "choice.qn");
  const run = await runStandIn(choice, { budget: { trials: 40 } });
  const tuned = tunedOf(run);
  const { defaultMs = 0, tunedMs = 0 } = totalsOf(tuned) ?? {};
  const network = networkOf(choice);
  expect(network.groups.map((group) => group.map(({ algorithm }) => algorithm))).toEqual([expect.arrayContaining(["winograd_4x4"])]);
  // By hand: the least total over all algorithms, of the best times that the log has.
  const best = new Map<string, number>();
  for (const record of run.records)
    if (record.kind === "trial" && record.verdict.kind === "timed" && record.origin !== "final")
      best.set(record.workload, Math.min(best.get(record.workload) ?? Infinity, record.verdict.us));
  const totals = [new Map<string, number>(), ...network.groups.flat().map(({ change }) => change)].map((change) =>
    [...combine(network.base, change)].reduce((sum, [key, count]) => sum + count * (best.get(key) ?? Number.NaN), 0),
  );
  // What would not pay even at the roofline is not measured, and has no total.
  const known = totals.filter(Number.isFinite);
  expect(known.length).toBeGreaterThan(1);
  expect(tunedMs * 1000).toBeLessThanOrEqual(Math.min(...known) * 1.03);
  expect(tunedMs).toBeGreaterThan(0);
  expect(tunedMs).toBeLessThanOrEqual(defaultMs);
  const text = writeOutcome(
    { ...outcomeOf("choice", environment, tuned), choices: [{ algorithm: "direct", layers: network.groups[0]?.[0]?.layers ?? [] }] },
    "",
    { file: "t", sections: [] },
  );
  const { value } = parseTuned(text, "t.schedule");
  const direct = compile([{ file: "choice.qn", text: choiceSource }], { tuned: value?.sections ?? [] });
  expect(direct.value?.levels.nn().nodes.map(({ operator }) => operator)).toEqual(
    compileText(choiceSource, "choice.qn", { algorithm: "direct" })
      .levels.nn()
      .nodes.map(({ operator }) => operator),
  );
  const none = text.replace("use direct", "use nonsense");
  expect(
    compile([{ file: "choice.qn", text: choiceSource }], { tuned: parseTuned(none, "t").value?.sections ?? [] }).diagnostics.map(
      ({ message }) => message,
    ),
  ).toContainEqual(expect.stringMatching(/there is no algorithm `nonsense` any more/));
});

test("a later run begins with what an earlier one found", async () => {
  const first = await runStandIn(compiled);
  const second = await runStandIn(compiled, { earlier: first.records, seed: 9, budget: { trials: 20 } });
  const best = (run: Run) => tunedOf(run).results.reduce((total, { workload, best: { us } }) => total + workload.layers.length * us, 0);
  expect(best(second)).toBeLessThanOrEqual(best(first) * 1.02);
  const [workload] = workloadsOf(compiled).slice(-1);
  if (!workload) throw new Error("no workload");
  const foreign = first.records.filter((record) => record.kind === "trial" && record.workload !== workload.key);
  expect(earlierFor(workload, foreign, environment).length).toBeGreaterThan(0);
  expect(observationsIn(first.records, environment).length).toBeGreaterThan(100);
});

test("a drawer gives each schedule of a space once, and all that walking it gives", () => {
  for (const workload of workloadsOf(compiled)) {
    const space = spaceOf(workload, compiled.module.sketches);
    const all = new Set([...enumerate(space)].flatMap((made) => (made.kind === "scheduled" ? [stepsOf(made.scheduled)] : [])));
    expect(measureSpace(space, 5000).schedules).toBe(all.size);
    const random = createRandom(`drawer/${workload.key}`);
    const draw = createDrawer(space);
    const seen = new Set<string>();
    for (let i = 0; i < 60 * all.size; i++) {
      const scheduled = draw(
        random.pick(space.sketches),
        (_, options) => random.pick(options),
        (steps) => seen.has(steps),
      );
      if (!scheduled) continue;
      expect(seen.has(stepsOf(scheduled))).toBe(false);
      seen.add(stepsOf(scheduled));
    }
    expect(seen).toEqual(all);
  }
});

test("boosted trees learn what a line and a step are, and the model ranks what it has not seen better than its prior", () => {
  const random = createRandom("boosting");
  const samples = Array.from({ length: 300 }, () => {
    const features = [random.uniform(), random.uniform(), random.uniform()];
    return { features, target: 2 * (features[0] as number) + ((features[1] as number) > 0.5 ? 1 : 0) };
  });
  const model = fitBoosted(samples.slice(0, 200));
  const errors = samples.slice(200).map(({ features, target }) => Math.abs(predictBoosted(model, features) - target));
  expect(Math.max(...errors)).toBeLessThan(0.5);
  // The prior, the last feature, knows nothing of the second feature.
  const observations = samples.map(({ features, target }, i) => ({
    workload: `w${i % 3}`,
    features: [...features, 2 * (features[0] as number)],
    us: 2 ** target,
  }));
  const judgement = judge(observations);
  expect(judgement?.learned).toBeGreaterThan((judgement?.prior ?? 1) + 0.1);
  expect(predict(learn(observations.slice(0, 10)), [0, 0, 0, 3])).toBe(8);
});

test("the least time of a workload is not above what its default kernel executes and its buffers hold, Winograd's transforms included", () => {
  // Where either is the bound of something.
  const roof = { peak: 59e9, bandwidth: 20e9 };
  const { workloads } = networkOf(compileText(choiceSource, "choice.qn"));
  expect(workloads.some(({ layers }) => layers.some((name) => name.startsWith("winograd_input")))).toBe(true);
  for (const workload of workloads) {
    const { defaultSchedule } = spaceOf(workload, compiled.module.sketches, "wasm");
    const counts = countNest(workload, defaultSchedule);
    const { operations } = buildCandidate(workload, defaultSchedule, { relaxed: false });
    const buffers = [...workload.buffers.values(), ...defaultSchedule.added];
    const bytes = buffers.reduce((sum, buffer) => sum + dtypes[buffer.dtype].bytes * elementCount(allocatedShape(buffer)), 0);
    const executed = Math.max(operations / roof.peak, bytes / roof.bandwidth) * 1e6;
    expect(leastTime(workload, counts, roof), workload.layers.join()).toBeLessThanOrEqual(executed);
  }
});

test("ranks, quartiles, intervals, and who is next", () => {
  expect(spearman([1, 2, 3, 4], [10, 20, 30, 40])).toBeCloseTo(1);
  expect(spearman([1, 2, 3, 4], [4, 3, 2, 1])).toBeCloseTo(-1);
  expect(spearman([1, 1, 2, 2], [1, 2, 1, 2])).toBeCloseTo(0);
  expect(quantile([4, 1, 3, 2, 5], 0.25)).toBe(2);
  expect(medianInterval([3, 1, 2])).toEqual([1, 3]);
  expect(medianInterval(Array.from({ length: 100 }, (_, i) => i))).toEqual([40, 59]);
  const task = { count: 1, best: 100, floor: 50, trials: 8, fruitless: 0, isExhausted: false };
  expect(pickTask([task, { ...task, count: 3 }, { ...task, best: 120 }])).toBe(1);
  expect(pickTask([task, { ...task, trials: 0 }])).toBe(1);
  expect(
    pickTask([
      { ...task, fruitless: 100 },
      { ...task, best: 60 },
    ]),
  ).toBe(1);
  expect(pickTask([{ ...task, isExhausted: true }])).toBeUndefined();
  expect([100, 99.5, 98, Infinity].map((us) => fruitlessAfter(7, us, 100))).toEqual([8, 8, 0, 8]);
  expect(fruitlessAfter(0, 50, Infinity)).toBe(0);
});
