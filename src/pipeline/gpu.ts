/** Running compiled programs on a WebGPU device, and what a built module ships for one. The device is the caller's. */
import { buildWeights } from "../codegen/wasm/instance.ts";
import { shareShaders } from "../codegen/wgsl/share_shaders.ts";
import { dtypes } from "../ir/dtype.ts";
import { aboveDefault } from "../ir/gpu_limits.ts";
import { readElement, writeElement } from "../ir/memory_element.ts";
import { type ShaderPlacement, type ShaderProgram, weightsArena, workgroupSize } from "../ir/shader.ts";
import { arrayBytes } from "../ir/verify_shader.ts";
import { createGpuNet, type GpuNet } from "../runtime/gpu.ts";
import type { GpuPlan, Stretch } from "../runtime/interface.ts";
import { invariant } from "../support/invariant.ts";
import type { BuiltGpu } from "./build_module.ts";
import type { Compiled } from "./compiled.ts";
import type { Tensors, Weights } from "./execute.ts";

export type GpuRunner = {
  run(inputs: Tensors): Promise<Map<string, Float64Array>>;
  destroy(): void;
};

/** The shaders of a program on a device, with the weights in place. */
export async function createGpuRunner(program: ShaderProgram, weights: Weights, device: GPUDevice): Promise<GpuRunner> {
  const net = await createGpuNet(device, gpuPlan(program), gpuWeights(program, weights));
  return {
    run: (inputs) => runNet(net, program, inputs),
    destroy: () => net.destroy(),
  };
}

async function runNet(net: GpuNet, program: ShaderProgram, inputs: Tensors): Promise<Map<string, Float64Array>> {
  const all = program.outputs.map((_, i) => i);
  return decodeOutputs(program, await net.run(encodeInputs(program, inputs), all));
}

/** The bytes of each input, in the program's order. */
export function encodeInputs(program: ShaderProgram, inputs: Tensors): Uint8Array<ArrayBuffer>[] {
  return program.inputs.map((name) => {
    const values = inputs.get(name);
    invariant(values, `no values for the input ${name}`);
    return encode(values, placementOf(program, name));
  });
}

/** Outputs by name, from their bytes in the program's order. */
export function decodeOutputs(program: ShaderProgram, results: readonly Uint8Array[]): Map<string, Float64Array> {
  return new Map(
    program.outputs.map(({ name, value }, i) => {
      const bytes = results[i];
      invariant(bytes, `no bytes for the output ${name}`);
      return [name, decode(bytes, placementOf(program, value))];
    }),
  );
}

/** What a module ships for a GPU. The program is compiled for one, and breaks no limit: `compile` has said so otherwise. */
export function buildGpu(compiled: Compiled, weights: Weights): BuiltGpu {
  const program = shadersOf(compiled);
  return { plan: gpuPlan(program), weights: gpuWeights(program, weights) };
}

export function shadersOf({ target, levels }: Compiled): ShaderProgram {
  invariant(target === "webgpu", "the program is not compiled for webgpu");
  const { value, diagnostics } = levels.shader();
  invariant(value, `the shaders fail: ${diagnostics[0]?.message}`);
  return value;
}

/** Shaders as text, and what each dispatch binds. */
export function gpuPlan(program: ShaderProgram): GpuPlan {
  // The weights are the first arena, though they be none.
  const arenas = [{ name: weightsArena, bytes: 0 }, ...program.arenas.filter(({ name }) => name !== weightsArena)];
  const weights = program.arenas.find(({ name }) => name === weightsArena);
  const stretchOf = (buffer: string): Stretch => {
    const { arena, offset, bytes } = placementOf(program, buffer);
    return [arenas.findIndex(({ name }) => name === arena), offset, bytes];
  };
  const shaders = new Map(program.shaders.map((shader, i) => [shader.name, { shader, i }]));
  const shared = shareShaders(program.shaders);
  const useOf = (name: string) => {
    const found = shaders.get(name);
    const use = found && shared.uses[found.i];
    invariant(found && use, `no shader ${name}`);
    return { ...use, ...found };
  };
  return {
    arenas: arenas.map(({ name, bytes }) => (name === weightsArena ? (weights?.bytes ?? 0) : bytes)),
    shaders: shared.texts,
    dispatches: program.dispatches.map(({ shader: name, arguments: given, subgroups }): GpuPlan["dispatches"][number] => {
      const { shader, text, numbers } = useOf(name);
      const own = [text, given.map(stretchOf), shader.grid, numbers] as const;
      if (subgroups === undefined) return own;
      const other = useOf(subgroups);
      return [...own, [workgroupSize(other.shader), other.text, other.numbers]];
    }),
    inputs: program.inputs.map(stretchOf),
    outputs: program.outputs.map(({ value }) => stretchOf(value)),
    limits: limitsNeeded(program),
  };
}

/** Those of the limits that a program needs above what every device has. */
function limitsNeeded(program: ShaderProgram): { readonly [limit: string]: number } {
  const most = (numbers: readonly number[]) => Math.max(0, ...numbers);
  return aboveDefault({
    maxBufferSize: most(program.arenas.map(({ bytes }) => bytes)),
    maxStorageBufferBindingSize: most(program.placements.map(({ bytes }) => bytes)),
    maxStorageBuffersPerShaderStage: most(program.shaders.map(({ parameters }) => parameters.length)),
    maxComputeInvocationsPerWorkgroup: most(program.shaders.map(({ workgroup: [x, y, z] }) => x * y * z)),
    maxComputeWorkgroupSizeX: most(program.shaders.map(({ workgroup: [x] }) => x)),
    maxComputeWorkgroupSizeY: most(program.shaders.map(({ workgroup: [, y] }) => y)),
    maxComputeWorkgroupSizeZ: most(program.shaders.map(({ workgroup: [, , z] }) => z)),
    maxComputeWorkgroupStorageSize: most(program.shaders.map((shader) => arrayBytes(shader, "workgroup"))),
    maxComputeWorkgroupsPerDimension: most(program.shaders.flatMap(({ grid }) => grid)),
  });
}

/** The contents of the weights' arena. */
export function gpuWeights(program: ShaderProgram, weights: Weights): Uint8Array<ArrayBuffer> {
  const size = program.arenas.find(({ name }) => name === weightsArena)?.bytes ?? 0;
  const image = new Uint8Array(size);
  if (size === 0) return image;
  const built = buildWeights(program.build, weights);
  const sources = new Map(program.build.placements.map((placement) => [placement.buffer, placement]));
  for (const { buffer, arena, offset, bytes } of program.placements) {
    if (arena !== weightsArena) continue;
    const source = sources.get(buffer);
    invariant(source && source.offset + bytes <= built.byteLength, `the build does not make ${buffer}`);
    image.set(built.subarray(source.offset, source.offset + bytes), offset);
  }
  return image;
}

function placementOf(program: ShaderProgram, buffer: string): ShaderPlacement {
  const placement = program.placements.find((candidate) => candidate.buffer === buffer);
  invariant(placement, `no place for ${buffer}`);
  return placement;
}

function encode(values: Float64Array, { dtype, bytes, buffer }: ShaderPlacement): Uint8Array<ArrayBuffer> {
  const size = dtypes[dtype].bytes;
  invariant(values.length * size === bytes, `${buffer} has ${bytes / size} elements and is given ${values.length}`);
  const view = new DataView(new ArrayBuffer(bytes));
  values.forEach((value, i) => {
    writeElement(view, i * size, dtype, value);
  });
  return new Uint8Array(view.buffer);
}

function decode(bytes: Uint8Array, { dtype }: ShaderPlacement): Float64Array {
  const size = dtypes[dtype].bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float64Array.from({ length: bytes.byteLength / size }, (_, i) => readElement(view, i * size, dtype));
}
