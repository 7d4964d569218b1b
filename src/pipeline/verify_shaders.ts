/**
 * verifyShaders: as `verifyModel`, for shaders. Whoever calls it runs them: once as they ship, and once with every layer's result kept
 * until the end, so that each layer is judged on the operands that the device gave it.
 */
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
  const layers = await run(kept.value, targetWeights, inputs);
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

/** The program with every buffer as an output under its own name. */
function keepLayers(compiled: Compiled): Checked<ShaderProgram> {
  const loops = compiled.levels.loop();
  const buffers = bufferMap(loops);
  const written = new Set([...loops.inputs, ...loops.nests.map((nest) => nest.result)]);
  const aliases = loops.buffers.filter(({ aliasOf }) => aliasOf !== undefined && written.has(aliasOf)).map(({ name }) => name);
  const given = loops.buffers.filter(({ role }) => role.kind === "weight" || role.kind === "constant").map(({ name }) => name);
  const names = [...new Set([...written, ...aliases, ...given, ...loops.outputs.map(({ value }) => value)])].filter((name) =>
    buffers.has(name),
  );
  return lowerShaders({ ...loops, outputs: names.map((name) => ({ name, value: name })) }, compiled.limits);
}
