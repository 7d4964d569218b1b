/**
 * verifyShaders: as `verifyModel`, for shaders. Whoever calls it runs them: once as they ship, and once with every layer's result kept
 * until the end, so that each layer is judged on the operands that the device gave it.
 */
import { defaultGpuLimits } from "../ir/gpu_limits.ts";
import type { ShaderProgram } from "../ir/shader.ts";
import { bufferMap } from "../passes/tensor_graph.ts";
import type { Checked } from "../support/diagnostic.ts";
import { invariant } from "../support/invariant.ts";
import type { Compiled } from "./compiled.ts";
import type { Tensors, Weights } from "./execute.ts";
import { createGpuRunner } from "./gpu.ts";
import { lowerShaders } from "./lower.ts";
import { judgeModel, randomInputs, unsharedOf, type VerifyOptions, type VerifyReport } from "./verify.ts";

/** Outputs by name, each with its border. */
export type RunShaders = (program: ShaderProgram, weights: Weights, inputs: Tensors) => Promise<Tensors>;

/** `compiled` is for the target webgpu. Without a value where a layer breaks a limit of the device. */
export async function verifyShaders(
  compiled: Compiled,
  weights: Weights,
  run: RunShaders,
  options: VerifyOptions = {},
): Promise<Checked<VerifyReport>> {
  const { value: program, diagnostics } = compiled.levels.shader();
  const kept = keepLayers(compiled);
  if (!program || !kept.value) return { diagnostics: [...diagnostics, ...kept.diagnostics] };
  const inputs = options.inputs ?? randomInputs(compiled, options.seed ?? 0);
  const targetWeights = options.targetWeights ?? weights;
  const outputs = await run(program, targetWeights, inputs);
  const layers = new Map<string, Float64Array>();
  for (const part of inParts(kept.value)) for (const [name, values] of await run(part, targetWeights, inputs)) layers.set(name, values);
  const read = (name: string): Float64Array => {
    const values = layers.get(name);
    invariant(values, `no values of ${name}`);
    return values;
  };
  const observed = { outputs, ...unsharedOf(compiled, compiled.levels.loop(), read) };
  return { value: judgeModel(compiled, weights, inputs, observed), diagnostics: [] };
}

/** The same on a device, which stays the caller's. Rejects if it refuses a shader or has too little memory. */
export function verifyOnDevice(
  compiled: Compiled,
  weights: Weights,
  device: GPUDevice,
  options: VerifyOptions = {},
): Promise<Checked<VerifyReport>> {
  const run: RunShaders = async (program, values, inputs) => {
    const runner = await createGpuRunner(program, values, device);
    try {
      return await runner.run(inputs);
    } finally {
      runner.destroy();
    }
  };
  return verifyShaders(compiled, weights, run, options);
}

/** Bytes of outputs that are read back at once: half of the largest buffer that every device makes. */
const largestPart = defaultGpuLimits.maxBufferSize / 2;

/** The same program with some of its outputs at a time. */
function inParts(program: ShaderProgram): ShaderProgram[] {
  const bytesOf = new Map(program.placements.map(({ buffer, bytes }) => [buffer, bytes]));
  const parts: (typeof program.outputs)[number][][] = [[]];
  let room = largestPart;
  for (const output of program.outputs) {
    const bytes = bytesOf.get(output.value) ?? 0;
    if (bytes > room && parts.at(-1)?.length !== 0) {
      parts.push([]);
      room = largestPart;
    }
    room -= bytes;
    parts.at(-1)?.push(output);
  }
  return parts.map((outputs) => ({ ...program, outputs }));
}

/** The program with every buffer as an output under its own name. */
function keepLayers(compiled: Compiled): Checked<ShaderProgram> {
  const loops = compiled.levels.loop();
  const buffers = bufferMap(loops);
  const results = loops.nests.map((nest) => nest.result);
  // What is computed in parts is a buffer of its own.
  const wholes = results.flatMap((name) => buffers.get(name)?.aliasOf ?? []);
  const written = new Set([...loops.inputs, ...results, ...wholes]);
  const aliases = loops.buffers.filter(({ aliasOf }) => aliasOf !== undefined && written.has(aliasOf)).map(({ name }) => name);
  const given = loops.buffers.filter(({ role }) => role.kind === "weight" || role.kind === "constant").map(({ name }) => name);
  const names = [...new Set([...written, ...aliases, ...given, ...loops.outputs.map(({ value }) => value)])].filter((name) =>
    buffers.has(name),
  );
  return lowerShaders({ ...loops, outputs: names.map((name) => ({ name, value: name })) }, compiled.limits);
}
