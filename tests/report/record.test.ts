/** What a report says is what was measured, compiled and logged. */
import { beforeAll, expect, test } from "vitest";
import { measureBandwidths } from "../../src/pipeline/bandwidth.ts";
import { memoryPlanOf } from "../../src/report/memory_plan.ts";
import { renderPage } from "../../src/report/render_page.ts";
import { watFunctions } from "../../src/report/wat_functions.ts";
import { compileExample, full, smallExamples } from "../support.ts";
import { reportOf, type SmallRun, tuneSmall, withoutTuning } from "./support.ts";

let small: SmallRun;
beforeAll(async () => {
  small = await tuneSmall();
});

test("a layer's row has its times before and after, in the order of the run", () => {
  const report = reportOf(small);
  const calls = small.before.levels.kernel().calls.filter(({ phase }) => phase === "run");
  const names = calls.map(({ nest }) => nest);
  expect(report.layers.filter(({ before }) => before).map(({ name }) => name)).toEqual(names);
  const total = (names.length * (names.length + 1)) / 1000;
  expect(report.beforeMs).toBeCloseTo(total, 9);
  expect(report.layers[2]?.before?.us).toBe(6);
  expect(report.layers.flatMap(({ after }) => after ?? []).reduce((sum, { us }) => sum + us, 0) / 1000).toBeCloseTo(report.afterMs ?? 0, 9);
  expect(report.missing).toEqual([]);
});

test("a curve holds the log's trials of its workload, and never rises", () => {
  const { convergence } = reportOf(small);
  const trials = small.records.flatMap((record) => (record.kind === "trial" ? [record] : []));
  expect(new Set(convergence?.curves.map(({ workload }) => workload))).toEqual(new Set(trials.map(({ workload }) => workload)));
  for (const { workload, trials: drawn, others } of convergence?.curves ?? []) {
    const logged = trials.filter((trial) => trial.workload === workload);
    expect(drawn.length + others).toBe(logged.length);
    const least = Math.min(...logged.flatMap(({ verdict }) => (verdict.kind === "timed" && !verdict.isStopped ? [verdict.us] : [])));
    expect(drawn.at(-1)?.best).toBe(least);
    for (const [i, { best }] of drawn.entries()) expect(best).toBeLessThanOrEqual(drawn[i - 1]?.best ?? Number.POSITIVE_INFINITY);
  }
});

test("only the last run of a log is shown, and no other engine's", () => {
  const again = { ...small, records: [...small.records, ...small.records] };
  expect(reportOf(again).convergence).toEqual(reportOf(small).convergence);
  expect(reportOf(small, { tunedFor: "chromium" }).convergence).toBeUndefined();
  expect(reportOf(small, { tunedFor: "chromium" }).missing).toMatchObject([{ command: "quern tune small.qn --engine chromium" }]);
});

test("without a log and an outcome it says what to run", () => {
  const report = withoutTuning(small);
  expect(report.afterMs).toBeUndefined();
  expect(report.convergence).toBeUndefined();
  expect(report.missing).toMatchObject([{ command: "quern tune small.qn --engine chromium" }]);
  expect(report.layers.every(({ before, after }) => before && !after)).toBe(true);
});

test("a kernel has its steps, its nest and its function's text", () => {
  const { kernels, functions } = reportOf(small);
  const calls = small.after.levels.kernel().calls.filter(({ phase }) => phase === "run");
  expect(kernels.map(({ layer }) => layer)).toEqual(calls.map(({ nest }) => nest));
  expect(kernels.some(({ from }) => from === "a tuned schedule")).toBe(true);
  calls.forEach((call, i) => {
    const kernel = kernels[i];
    expect(kernel?.nest).toContain("for ");
    const own = functions[kernel?.functions[0] ?? ""] ?? "";
    // A kernel takes as many addresses as its call gives it.
    const parameters = small.after.levels.kernel().kernels.find(({ name }) => name === call.kernel)?.parameters.length;
    expect(own.match(/\(param /g)?.length, call.nest).toBe(parameters);
    for (const text of kernel?.functions ?? []) expect(functions[text]).toMatch(/^\(func /);
  });
});

test("a module's text is cut at its functions, and shared ones are found", () => {
  const text = `(module
 (import "host" "exp" (func $import (param f64) (result f64)))
 (export "run" (func $3))
 (func $0 (param $0 i32)
  (call $import
   (f64.const 1)
  )
 )
 (func $1 (param $0 i32)
  (call $0
   (local.get $0)
  )
 )
 (func $3
  (call $1
   (i32.const 8)
  )
  (call $0
   (i32.const 0)
  )
 )
)`;
  const { functions, calls } = watFunctions(text);
  expect([...functions.keys()]).toEqual(["$0", "$1", "$3"]);
  expect(functions.get("$1")?.split("\n")).toEqual(["(func $1 (param $0 i32)", " (call $0", "  (local.get $0)", " )", ")"]);
  expect(calls).toEqual([["$1", "$0"], ["$0"]]);
});

test.each(full ? smallExamples : (["resnet8", "unet"] as const))(
  "bars of the memory plan of %s share memory only where a result is computed in place",
  (name) => {
    const { levels } = compileExample(name);
    const program = levels.kernel();
    const { bars, steps, arenaBytes } = memoryPlanOf(program, levels.loop().buffers);
    expect(Math.max(...bars.map(({ offset, bytes }) => offset + bytes))).toBeLessThanOrEqual(arenaBytes);
    expect(bars.filter(({ role }) => role === "output").every(({ last }) => last === steps.length)).toBe(true);
    expect(bars.filter(({ role }) => role === "input").every(({ first }) => first === -1)).toBe(true);
    for (const a of bars)
      for (const b of bars) {
        const meetsInMemory = a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
        if (a === b || a.first > b.first || !meetsInMemory || b.first > a.last) continue;
        expect([a.name, b.name, a.last - b.first, a.offset], `${a.name} and ${b.name}`).toEqual([a.name, b.name, 0, b.offset]);
      }
  },
);

test("bandwidths are of the sizes that they name, and memory is no faster than the first cache", () => {
  const measured = measureBandwidths({ relaxed: false }, () => performance.now());
  expect(measured.map(({ bufferBytes }) => bufferBytes)).toEqual([2 ** 14, 2 ** 18, 2 ** 26]);
  const [first, , memory] = measured.map(({ bytesPerSecond }) => bytesPerSecond);
  expect(memory).toBeGreaterThan(1e8);
  // Other programs may slow either down, though hardly by so much.
  expect(memory).toBeLessThan((first ?? 0) * 2);
});

test("no text of the report leaves the element that holds it", () => {
  const report = { ...reportOf(small), model: 'a</script><script>alert("1")</script>' };
  const page = renderPage(report, "void 0");
  expect(page.match(/<script/g)?.length).toBe(2);
  expect(page).toContain("<title>a&lt;/script>");
});
