/** Every ONNX network of the shared ones imports, verifies, and agrees with what its runtime recorded. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Exporter } from "../../src/exporters/exporter.ts";
import { exporters } from "../../src/exporters/exporters.ts";
import type { ImportedTensor } from "../../src/importers/importer.ts";
import { onnx } from "../../src/importers/onnx/importer.ts";
import { defaultGpuLimits } from "../../src/ir/gpu_limits.ts";
import { exportModel } from "../../src/pipeline/export_model.ts";
import { verifyModel } from "../../src/pipeline/verify.ts";
import { tensorOf } from "../operators/onnx_cases.ts";
import { full, sharedFile } from "../support.ts";
import { computedLines } from "./computed_lines.ts";
import { agreement, inputValues, referenceVectors } from "./reference_vectors.ts";
import { compileImported, type Imported, importBytes, runImported } from "./support.ts";
import type { TargetName } from "./targets.ts";

/** The smallest first: the first two are enough for a short run of what takes long. */
const networks = [
  "mnist-8",
  "version-slim-320",
  "version-slim-320_simplified",
  "blazeface_front_128",
  "ch_ppocr_mobile_v2.0_cls_infer",
  "resnet20",
  "FastestDet",
  "mlsd_320x320_tiny",
];

/** In a short run WebGPU, whose pipelines take long to compile, sees the smallest alone. */
function targetsOf(name: string): readonly TargetName[] {
  return full || name === "mnist-8" ? ["wasm", "webgpu"] : ["wasm"];
}

/** Relative to the largest output. */
const tolerance = 1e-4;

/** Two of the light networks have more weights than every device must hold, and the drivers hold more. */
const limits = { ...defaultGpuLimits, maxBufferSize: 2 ** 30, maxStorageBufferBindingSize: 2 ** 30 };

async function imported(path: string, shapes?: ReadonlyMap<string, readonly number[]>): Promise<Imported> {
  return importedBytes(path, readFileSync(path), shapes);
}

async function importedBytes(path: string, bytes: Uint8Array, shapes?: ReadonlyMap<string, readonly number[]>): Promise<Imported> {
  const { value, diagnostics } = await importBytes(onnx, path, bytes, shapes ? { shapes } : {});
  if (!value) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  return compileImported(value, limits);
}

test.each(networks)(
  "%s agrees with its recorded outputs",
  async (name) => {
    const recorded = referenceVectors(`${name}.onnx`);
    const path = recorded && sharedFile(recorded.model);
    if (!recorded || path === undefined) return;
    const shapes = new Map(recorded.runs.map(({ input }) => [input.name, input.shape]));
    const net = await imported(path, shapes);
    expect(net.model.outputs.map(({ source }) => source)).toEqual(recorded.runs[0]?.outputs.map((output) => output.name));
    for (const { input, outputs } of recorded.runs) {
      const image: ImportedTensor = { type: { dtype: "f32", shape: input.shape }, values: Float32Array.from(inputValues(input)) };
      for (const { outputs: found } of await runImported(net, new Map([[input.name, image]]), targetsOf(name)))
        for (const output of outputs) {
          const { relative, sameArgmax } = agreement(found.get(output.name) ?? new Float64Array(), output);
          expect(relative, output.name).toBeLessThanOrEqual(tolerance);
          expect(sameArgmax, output.name).toBe(true);
        }
    }
    if (full || name === "mnist-8") expect(verifyModel(net.compiled, net.weights, { seed: 1 }).ok).toBe(true);
  },
  120_000,
);

/** Those whose exporter says all of it: mlsd's comparison has no f32 result. */
const exportable = networks.filter((name) => name !== "mlsd_320x320_tiny");

test.each(full ? exportable : exportable.slice(0, 2))(
  "%s, imported, exported and imported again, is the same at the nn level",
  async (name) => {
    const recorded = referenceVectors(`${name}.onnx`);
    const path = recorded && sharedFile(recorded.model);
    if (!recorded || path === undefined) return;
    const first = await imported(path, new Map(recorded.runs.map(({ input }) => [input.name, input.shape])));
    const { value: files, diagnostics } = exportModel(first.compiled, first.weights, exporters.onnx as Exporter, "net.onnx", {
      keepsInterface: true,
    });
    expect(diagnostics).toEqual([]);
    const second = await importedBytes("net.onnx", files?.[0]?.contents as Uint8Array);
    expect(computedLines(second.compiled.levels.nn())).toEqual(computedLines(first.compiled.levels.nn()));
  },
  120_000,
);

test.each(full ? ["squeezenet", "bvlc_alexnet", "inception_v1", "resnet50", "vgg19"] : ["squeezenet"])(
  "the light %s gives what ONNX recorded",
  async (name) => {
    const path = sharedFile(`conformance/onnx/light/light_${name}.onnx`);
    const wanted = sharedFile(`conformance/onnx/light/light_${name}_output_0.pb`);
    if (path === undefined || wanted === undefined) return;
    const net = await imported(path);
    const [input] = net.model.inputs;
    const expected = tensorOf(readFileSync(wanted));
    const count = input?.type.shape.reduce((a, b) => a * b, 1) ?? 0;
    const values = Float32Array.from({ length: count }, (_, i) => i / count);
    const given = new Map([[input?.source ?? "", { type: { dtype: "f32", shape: input?.type.shape ?? [] } as const, values }]]);
    for (const { outputs } of await runImported(net, given, targetsOf(name))) {
      const [found] = [...outputs.values()];
      expect(found?.length).toBe(expected?.values.length);
      found?.forEach((value, i) => {
        expect(Math.abs(value - (expected?.values[i] ?? Number.NaN))).toBeLessThanOrEqual(1e-5);
      });
    }
  },
  240_000,
);
