/**
 * Time per kernel call of one network, to find slow layers: npm run layers -- NAME [--relaxed] [--seconds N] [--sort]
 * Whole runs are made and every call in them is timed by itself, so each finds its inputs and the caches as in use.
 */
import { parseArgs } from "node:util";
import { emitWasm } from "../src/codegen/wasm/emit.ts";
import { instantiate } from "../src/codegen/wasm/instance.ts";
import type { KernelCall } from "../src/ir/kernel.ts";
import { writeSources } from "../src/pipeline/execute.ts";
import { hasRelaxedSimd } from "./contender.ts";
import { loadNetwork, multiplyAddsOf, type Network, networkNames, onlyInput } from "./networks.ts";
import { summarize } from "./statistics.ts";
import { formatTable } from "./table.ts";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    relaxed: { type: "boolean", default: false },
    seconds: { type: "string", default: "5" },
    sort: { type: "boolean", default: false },
    trace: { type: "boolean", default: true },
  },
  allowNegative: true,
});
const [name = "resnet8"] = positionals;
if (!(networkNames as readonly string[]).includes(name)) {
  console.error(`there is no network ${name}: choose ${networkNames.join(", ")}`);
  process.exit(2);
}
if (options.relaxed && !hasRelaxedSimd()) {
  console.error(`Node ${process.versions.node} has no relaxed SIMD: measure in a newer one, or without --relaxed`);
  process.exit(2);
}
profile(loadNetwork(name), Number(options.seconds));

function profile(network: Network, seconds: number): void {
  const { compiled, weights, image } = network;
  const kernel = compiled.levels.kernel();
  const { bytes } = emitWasm(kernel, { relaxed: options.relaxed, calls: "steps" });
  const instance = instantiate(kernel, bytes, "steps");
  writeSources(instance, kernel, weights);
  const input = onlyInput(compiled).name;
  const steps = kernel.calls.map((call, step) => ({ call, step, samples: [] as number[] }));
  for (const { call, step } of steps) if (call.phase === "build") instance.step(step);
  const timed = steps.filter(({ call }) => call.phase === "run");
  const runUntil = (end: number) => {
    while (performance.now() < end) {
      instance.write(input, image);
      for (const { step, samples } of timed) {
        const start = performance.now();
        instance.step(step);
        samples.push(performance.now() - start);
      }
    }
  };
  // The optimising tier's code replaces the baseline tier's in the first second.
  runUntil(performance.now() + 1500);
  for (const { samples } of timed) samples.length = 0;
  runUntil(performance.now() + seconds * 1000);

  const groups = new Map(compiled.levels.layers().groups.map((group) => [group.name, group]));
  const traces = new Map(kernel.kernels.map((each) => [each.name, each.trace]));
  const rows = timed.map(({ call, samples }) => {
    const group = groups.get(call.nest);
    return {
      call,
      us: summarize(samples).median * 1000,
      multiplyAdds: group ? multiplyAddsOf(group) : 0,
      trace: traces.get(call.kernel) ?? [],
    };
  });
  const total = rows.reduce((sum, { us }) => sum + us, 0);
  const shown = options.sort ? [...rows].sort((a, b) => b.us - a.us) : rows;
  const runs = timed[0]?.samples.length ?? 0;
  console.log(
    `${network.name}, ${options.relaxed ? "relaxed" : "simd"}: ${(total / 1000).toFixed(3)} ms in ${rows.length} calls, ` +
      `${((2e-3 * network.multiplyAdds) / total).toFixed(1)} GFLOP/s; medians of ${runs} runs`,
  );
  const cells = shown.map(({ call, us, multiplyAdds, trace }) => [
    call.nest,
    shapeOf(call),
    us.toFixed(1),
    `${((100 * us) / total).toFixed(1)}%`,
    multiplyAdds > 0 ? (2e-6 * multiplyAdds).toFixed(2) : "",
    multiplyAdds > 0 ? ((2e-3 * multiplyAdds) / us).toFixed(1) : "",
    ...(options.trace ? [trace.join("; ")] : []),
  ]);
  const heads = ["nest", "writes", "us", "share", "MFLOP", "GFLOP/s", ...(options.trace ? ["trace"] : [])];
  console.log(formatTable(heads, cells, { left: [0, 1, 6] }));

  function shapeOf(call: KernelCall): string {
    const parameters = kernel.kernels.find((each) => each.name === call.kernel)?.parameters ?? [];
    const written = parameters.findIndex((parameter) => parameter.writes);
    return kernel.placements.find(({ buffer }) => buffer === call.arguments[written])?.shape.join("x") ?? "";
  }
}
