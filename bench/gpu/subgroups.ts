/**
 * A matrix and a vector by parts, shared by a workgroup in memory or added over a subgroup, beside the same without parts:
 * node --import tsx bench/gpu/subgroups.ts, on the adapter that Dawn finds (VK_ICD_FILENAMES names a driver's file).
 */
import { openGpu } from "../../src/cli/gpu/device.ts";
import { compile } from "../../src/compile.ts";
import { initializeWeights } from "../../src/ir/initialize.ts";
import type { ShaderProgram } from "../../src/ir/shader.ts";
import { encodeInputs, gpuPlan, gpuWeights, shadersOf } from "../../src/pipeline/gpu.ts";
import { createGpuClock } from "../../src/pipeline/gpu_clock.ts";
import { loadPlan } from "../../src/pipeline/load_plan.ts";
import { randomInputs } from "../../src/pipeline/verify.ts";
import { encodeDispatch, subgroupSize } from "../../src/runtime/gpu.ts";
import { summarize } from "../statistics.ts";
import { formatTable } from "../table.ts";

const sizes = [
  [256, 16],
  [1280, 64],
  [1280, 1000],
] as const;
/** Rounds in which every variant is timed once, and how long each of its samples is, in milliseconds. */
const rounds = 41;
const sample = 5;

const say = (text: string) => console.error(text);
const { gpu, close } = await openGpu({ out: console.log, err: say, errRaw: say, colorErr: false, isLive: false, columns: 120 }, {});
const { device, name } = gpu;
const size = subgroupSize(device);
console.log(`${name}, subgroups of at least ${size}`);
const clock = createGpuClock(device, () => performance.now());
const parts = [4, 8, 16, 32, 64].filter((count) => count <= size);
const rows: string[][] = [];
for (const [length, columns] of sizes) {
  const variants = [
    { what: "default", program: programOf(length, columns, "") },
    { what: "without parts", program: programOf(length, columns, schedule("")) },
    ...parts.flatMap((count) => {
      const program = programOf(length, columns, byParts(length, count));
      const dispatches = program.program.dispatches.map(({ subgroups: _, ...dispatch }) => dispatch);
      const portable = { ...program, program: { ...program.program, dispatches } };
      return [
        { what: `${count} parts in memory`, program: portable },
        { what: `${count} parts in a subgroup`, program },
      ];
    }),
  ];
  const times = await timeAll(variants.map(({ program }) => program));
  variants.forEach(({ what }, i) => {
    const own = times[i] ?? [];
    const { median } = summarize(own);
    const ratios = summarize(own.map((ms, round) => ms / (times[i - 1]?.[round] ?? Number.NaN)));
    const against = what.endsWith("subgroup") ? [ratios.median, ratios.low, ratios.high].map((ratio) => ratio.toFixed(2)) : ["", "", ""];
    rows.push([`${length}x${columns}`, what, (median * 1000).toFixed(1), ...against]);
  });
}
console.log(formatTable(["matrix", "how", "us", "over memory, round by round", "from", "to"], rows, { left: [0, 1] }));
clock.destroy();
await close();

function schedule(steps: string): string {
  return `schedule s on webgpu for y {\n split f by 4\n${steps} vectorize f.i\n stage result in registers at f.o\n}`;
}

function byParts(length: number, count: number): string {
  return `schedule s on webgpu for y {
  split f by 4
  split c by ${length / count}
  reorder m, f.o, c.o, c.i, f.i
  rfactor c.o in workgroup
  vectorize f.i
  vectorize f.i.final
  bind c.o to invocation.x
}`;
}

type Prepared = { readonly program: ShaderProgram; readonly inputs: readonly Uint8Array[]; readonly weights: Uint8Array };

function programOf(length: number, columns: number, steps: string): Prepared {
  const model = `model m(x: f32[1, ${length}]) -> y: f32[1, ${columns}] { matmul(x, @w: [${length}, ${columns}] = he_normal) }\n${steps}`;
  const { value, diagnostics } = compile([{ file: "bench.qn", text: model }], { target: "webgpu" });
  if (!value) throw new Error(diagnostics[0]?.message);
  const program = shadersOf(value);
  return {
    program,
    inputs: encodeInputs(program, randomInputs(value, 0)),
    weights: gpuWeights(program, initializeWeights(value.weights, 0)),
  };
}

/** Milliseconds of one run, round by round. */
async function timeAll(all: readonly Prepared[]): Promise<number[][]> {
  const runners: { time(): Promise<number>; destroy(): void }[] = [];
  for (const { program, inputs, weights } of all) {
    const plan = gpuPlan(program);
    const loaded = await loadPlan(device, plan, weights);
    inputs.forEach((bytes, i) => {
      const place = plan.inputs[i];
      if (place) loaded.write(place, bytes);
    });
    const pass = (runs: number) => (encoder: GPUComputePassEncoder) => {
      for (let i = 0; i < runs; i++) for (const dispatch of loaded.dispatches) encodeDispatch(encoder, dispatch);
    };
    const time = async (runs: number) => ((await clock.time([pass(runs)]))[0] ?? 0) / runs;
    let runs = 1;
    while ((await time(runs)) * runs < sample) runs *= 2;
    const count = runs;
    runners.push({ time: () => time(count), destroy: loaded.destroy });
  }
  const times = runners.map((): number[] => []);
  for (let round = 0; round < rounds; round++) for (const [i, runner] of runners.entries()) times[i]?.push(await runner.time());
  for (const { destroy } of runners) destroy();
  return times;
}
