/** A candidate as shaders of its own for a device, with its operands and what must come out. */
import { lowerToShaders } from "../codegen/lower_to_shaders.ts";
import { dtypes } from "../ir/dtype.ts";
import { floatOperations } from "../ir/float_operations.ts";
import type { GpuLimits } from "../ir/gpu_limits.ts";
import { readElement } from "../ir/memory_element.ts";
import type { ShaderProgram } from "../ir/shader.ts";
import type { Buffer } from "../ir/tensor.ts";
import { verifyShader } from "../ir/verify_shader.ts";
import { encodeInputs, gpuPlan, gpuWeights } from "../pipeline/gpu.ts";
import { randomInputs } from "../pipeline/verify.ts";
import type { GpuPlan } from "../runtime/interface.ts";
import { distribute } from "../schedule/distribute.ts";
import { type Checked, errorDiagnostic } from "../support/diagnostic.ts";
import { invariant } from "../support/invariant.ts";
import { type PreparedWorkload, programOf, standAlone } from "./build_candidate.ts";
import type { Scheduled } from "./candidate.ts";
import type { TimedNetwork } from "./measurer.ts";
import type { Workload } from "./workload.ts";

export type BuiltShader = {
  readonly plan: GpuPlan;
  readonly weights: Uint8Array;
  /** In the plan's order. */
  readonly inputs: readonly Uint8Array[];
  /** Floating-point operations of one run. */
  readonly operations: number;
};

/** A diagnostic where it breaks a limit of the device. */
export function buildShader(
  workload: Workload,
  scheduled: Scheduled,
  { operands }: PreparedWorkload,
  limits: GpuLimits,
): Checked<BuiltShader> {
  const buffers = standAlone(workload);
  const all = new Map([...buffers, ...scheduled.added.map((buffer) => [buffer.name, buffer] as const)]);
  // What its steps left unbound comes to the grid as a network's layers do.
  const nest = distribute({ nest: scheduled.nest, buffers: all, nests: [], outputs: workload.outputs });
  const program = lowerToShaders(programOf(workload, { ...scheduled, nest }, buffers), limits);
  const [exceeded] = verifyShader(program, limits);
  if (exceeded) return { diagnostics: [exceeded] };
  const bytesOf = new Map(operands.map(({ name, bytes }) => [name, bytes]));
  const weights = new Map(
    [...buffers.values()].flatMap((buffer): [string, Float64Array][] => {
      const bytes = bytesOf.get(buffer.name);
      return bytes && buffer.role.kind === "weight" ? [[buffer.role.path, decode(bytes, buffer.dtype)]] : [];
    }),
  );
  const value = {
    plan: gpuPlan(program),
    weights: gpuWeights(program, weights),
    inputs: program.inputs.map((name) => bytesOf.get(name) ?? new Uint8Array()),
    operations: operationsOf(program),
  };
  return { value, diagnostics: [] };
}

/** A whole network as it ships, with random inputs; its result is not looked at. */
export function buildShaders({ compiled, weights }: TimedNetwork): Checked<BuiltShader> {
  const { value: program, diagnostics } = compiled.levels.shader();
  if (!program) return { diagnostics: diagnostics.length > 0 ? diagnostics : [errorDiagnostic("gpu-limit", "it has no shaders")] };
  const inputs = encodeInputs(program, randomInputs(compiled, 0));
  const value = { plan: gpuPlan(program), weights: gpuWeights(program, weights), inputs, operations: operationsOf(program) };
  return { value, diagnostics };
}

function operationsOf({ dispatches, shaders }: ShaderProgram): number {
  return dispatches.reduce((sum, { shader: name }) => {
    const shader = shaders.find((candidate) => candidate.name === name);
    invariant(shader, `no shader ${name}`);
    const invocations = [...shader.workgroup, ...shader.grid].reduce((product, extent) => product * extent, 1);
    return sum + invocations * floatOperations(shader.body);
  }, 0);
}

/** i64 is stored in 32 bits. */
export function decode(bytes: Uint8Array, dtype: Buffer["dtype"]): Float64Array {
  const stored = dtype === "i64" ? "i32" : dtype;
  const size = dtypes[stored].bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float64Array.from({ length: bytes.byteLength / size }, (_, i) => readElement(view, i * size, stored));
}
