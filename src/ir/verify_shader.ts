/** Invariants of shaders, and the limits of the device that they are for. docs/levels.md lists them with their codes. */
import type { Diagnostic } from "../support/diagnostic.ts";
import { exactJson } from "../support/exact_json.ts";
import { dtypes, elementCount } from "./dtype.ts";
import { defaultGpuLimits, type GpuLimits, largestSubgroup, privateBytesLimit } from "./gpu_limits.ts";
import { type Dispatch, gridOf, type Shader, type ShaderPlacement, type ShaderProgram, weightsArena, workgroupSize } from "./shader.ts";
import { usesSubgroups } from "./uniformity.ts";
import { verifyKernel } from "./verify_kernel.ts";
import { checkKernelBody } from "./verify_kernel_body.ts";
import { createReport, isShape, type Report, requireUnique } from "./verify_report.ts";

export function verifyShader(program: ShaderProgram, limits: GpuLimits = defaultGpuLimits): Diagnostic[] {
  const report = createReport();
  const placements = new Map(program.placements.map((placement) => [placement.buffer, placement]));
  const shaders = new Map(program.shaders.map((shader) => [shader.name, shader]));
  requireUnique(
    program.shaders.map((shader) => shader.name),
    "shader-twice",
    "the shader",
    report,
  );
  checkMemory(program, limits, report);
  const dispatches = new Map<string, Dispatch[]>();
  for (const dispatch of program.dispatches) {
    const { subgroups, ...portable } = dispatch;
    const choices = subgroups === undefined ? [portable] : [portable, { ...portable, shader: subgroups }];
    for (const choice of choices) {
      checkDispatch(choice, shaders.get(choice.shader), placements, report);
      dispatches.set(choice.shader, [...(dispatches.get(choice.shader) ?? []), choice]);
    }
    checkSubgroups(dispatch, shaders, report);
  }
  for (const shader of program.shaders) {
    checkKernelBody(asKernel(shader), sizesOf(shader, dispatches.get(shader.name) ?? [], placements), report);
    checkLimits(shader, limits, report);
  }
  checkLives(program, shaders, placements, report);
  for (const problem of verifyKernel(program.build)) report.add(problem.code, `in the kernels of the build: ${problem.message}`);
  return report.diagnostics;
}

function asKernel({ name, parameters, arrays, body, ...shader }: Shader) {
  const written = arrays.map((array) => ({ name: array.name, dtype: array.dtype, writes: true }));
  return { name, body, parameters: [...parameters, ...written], grid: gridOf(shader) };
}

function sizesOf(shader: Shader, dispatches: readonly Dispatch[], placements: ReadonlyMap<string, ShaderPlacement>): Map<string, number> {
  const sizes = new Map<string, number>();
  shader.parameters.forEach(({ name }, i) => {
    const bytes = Math.min(...dispatches.flatMap((dispatch) => placements.get(dispatch.arguments[i] ?? "")?.bytes ?? []), Infinity);
    // A binding has whole vectors: the last one may be read with what lies beside it.
    sizes.set(name, Math.ceil(bytes / 16) * 16);
  });
  for (const { name, dtype, elements } of shader.arrays) sizes.set(name, elements * dtypes[dtype].bytes);
  return sizes;
}

function checkLimits(shader: Shader, limits: GpuLimits, report: Report): void {
  const where = `the shader \`${shader.name}\``;
  const exceed = (what: string, value: number, limit: number, help: string) => {
    if (value > limit) report.add("gpu-limit", `${where} has ${what} of ${value}, and the device's limit is ${limit}`, help);
  };
  const all = [...shader.workgroup, ...shader.grid];
  if (!isShape(all) || all.some((extent) => extent < 1)) report.add("grid-extent", `${where} has a grid of ${all.join(", ")}`);
  const sizes = [limits.maxComputeWorkgroupSizeX, limits.maxComputeWorkgroupSizeY, limits.maxComputeWorkgroupSizeZ];
  shader.workgroup.forEach((size, i) => {
    exceed(`a workgroup size along ${"xyz"[i]}`, size, sizes[i] ?? 0, smaller);
  });
  exceed("a workgroup size", workgroupSize(shader), limits.maxComputeInvocationsPerWorkgroup, smaller);
  for (const count of shader.grid) exceed("a grid side", count, limits.maxComputeWorkgroupsPerDimension, wider);
  exceed("a number of bindings", shader.parameters.length, limits.maxStorageBuffersPerShaderStage, fewer);
  exceed("workgroup memory", arrayBytes(shader, "workgroup"), limits.maxComputeWorkgroupStorageSize, less);
  exceed("private memory", arrayBytes(shader, "private"), privateBytesLimit, less);
  if (usesSubgroups(shader)) exceed("a subgroup", workgroupSize(shader), largestSubgroup, smaller);
}

const smaller = "split by less what is bound to invocations";
const wider = "split the loop, and bind its outer part to another coordinate";
const fewer = "let the layer read fewer tensors: compute some of them in a layer of their own";
const less = "stage a smaller tile, or stage it further in";
const elsewhere = "take smaller inputs, or a device with a larger limit";

/** In an array every element has a word, whatever its type. */
export function arrayBytes({ arrays }: Pick<Shader, "arrays">, space: "private" | "workgroup"): number {
  return arrays.filter((array) => array.space === space).reduce((sum, { elements }) => sum + elements * 4, 0);
}

function checkDispatch(
  dispatch: Dispatch,
  shader: Shader | undefined,
  placements: ReadonlyMap<string, ShaderPlacement>,
  report: Report,
): void {
  const where = `the dispatch of \`${dispatch.shader}\` for \`${dispatch.nest}\``;
  if (!shader) {
    report.add("unknown-shader", `${where}: there is no shader \`${dispatch.shader}\``);
    return;
  }
  if (dispatch.arguments.length !== shader.parameters.length)
    report.add("argument-count", `${where} gives ${dispatch.arguments.length} buffers to ${shader.parameters.length} parameters`);
  const places = dispatch.arguments.map((buffer) => placements.get(buffer));
  places.forEach((place, i) => {
    const parameter = shader.parameters[i];
    if (!place) report.add("unplaced", `${where}: \`${dispatch.arguments[i]}\` has no place in an arena`);
    else if (parameter && parameter.dtype !== place.dtype)
      report.add("argument-dtype", `${where}: \`${parameter.name}\` holds ${parameter.dtype}, and \`${place.buffer}\` ${place.dtype}`);
    if (!place || !parameter?.writes) return;
    if (place.packs) report.add("pack-place", `${where} writes \`${place.buffer}\`, which packs what is read`);
    if (place.arena === weightsArena) report.add("weights-written", `${where} writes \`${place.buffer}\`, which lies among the weights`);
    // A buffer of the device is either read or written in a dispatch (WebGPU, 3.4.5 Resource usages).
    const other = places.find((read, k) => k !== i && read?.arena === place.arena);
    if (other) report.add("arena-shared", `${where} writes \`${place.buffer}\` in the arena of \`${other.buffer}\``);
  });
}

/** A device without subgroups runs the dispatch's own shader, and any other may run either. */
function checkSubgroups({ shader, nest, subgroups }: Dispatch, shaders: ReadonlyMap<string, Shader>, report: Report): void {
  const where = `the dispatch of \`${shader}\` for \`${nest}\``;
  const own = shaders.get(shader);
  if (own && usesSubgroups(own)) report.add("subgroup-choice", `${where} leaves no choice to a device without subgroups`);
  const other = subgroups === undefined ? undefined : shaders.get(subgroups);
  if (!own || !other) return;
  const formOf = ({ parameters, workgroup, grid }: Shader) =>
    exactJson([parameters.map(({ dtype, writes }) => [dtype, writes]), workgroup, grid]);
  if (formOf(own) !== formOf(other)) report.add("subgroup-choice", `${where}: \`${subgroups}\` has other parameters or another grid`);
}

function checkMemory(program: ShaderProgram, limits: GpuLimits, report: Report): void {
  const arenas = new Map(program.arenas.map((arena) => [arena.name, arena]));
  requireUnique(
    program.arenas.map((arena) => arena.name),
    "arena-twice",
    "the arena",
    report,
  );
  requireUnique(
    program.placements.map((placement) => placement.buffer),
    "placed-twice",
    "the place of",
    report,
  );
  for (const { name, bytes } of program.arenas)
    if (bytes > limits.maxBufferSize)
      report.add("gpu-limit", `the arena \`${name}\` has ${bytes} bytes, and the device's limit is ${limits.maxBufferSize}`, elsewhere);
  for (const { buffer, dtype, shape, arena, offset, bytes } of program.placements) {
    const size = arenas.get(arena)?.bytes;
    if (size === undefined) report.add("unknown-arena", `\`${buffer}\` lies in the arena \`${arena}\`, which there is not`);
    else if (offset + bytes > size)
      report.add("arena-bounds", `\`${buffer}\` ends at byte ${offset + bytes} of the ${size} of \`${arena}\``);
    if (!isShape([offset]) || offset % limits.minStorageBufferOffsetAlignment !== 0)
      report.add("offset-value", `\`${buffer}\` lies at ${offset}, which is no multiple of ${limits.minStorageBufferOffsetAlignment}`);
    if (bytes !== elementCount(shape) * dtypes[dtype].bytes)
      report.add("placement-bytes", `\`${buffer}\` has ${bytes} bytes, and its elements ${elementCount(shape) * dtypes[dtype].bytes}`);
    if (bytes > limits.maxStorageBufferBindingSize)
      report.add(
        "gpu-limit",
        `\`${buffer}\` has ${bytes} bytes, and the device binds at most ${limits.maxStorageBufferBindingSize}`,
        elsewhere,
      );
  }
  checkPacks(program, report);
  const placed = new Set(program.placements.map((placement) => placement.buffer));
  for (const name of [...program.inputs, ...program.outputs.map((output) => output.value)])
    if (!placed.has(name)) report.add("unplaced", `\`${name}\` is an input or output and has no place in an arena`);
}

function checkPacks({ placements }: ShaderProgram, report: Report): void {
  for (const { buffer, arena, offset, bytes, packs = [] } of placements)
    for (const name of packs) {
      const packed = placements.find((candidate) => candidate.buffer === name && !candidate.packs);
      const isInside = packed?.arena === arena && packed.offset >= offset && packed.offset + packed.bytes <= offset + bytes;
      if (!isInside) report.add("pack-place", `\`${buffer}\` packs \`${name}\`, which does not lie in it`);
    }
}

/** What a dispatch reads is still there: the dispatches are followed twice, with whoever last wrote each stretch of an arena. */
function checkLives(
  program: ShaderProgram,
  shaders: ReadonlyMap<string, Shader>,
  placements: ReadonlyMap<string, ShaderPlacement>,
  report: Report,
): void {
  const owners = new Map<string, ShaderPlacement[]>();
  const write = (name: string) => {
    const place = placements.get(name);
    if (!place || place.bytes === 0) return;
    // Who begins and ends at the same places is another name for this one.
    const others = (owners.get(place.arena) ?? []).filter((owner) => !overlap(owner, place));
    owners.set(place.arena, [...others, place]);
  };
  const read = (name: string, where: string) => {
    const place = placements.get(name);
    if (place?.packs) {
      for (const packed of place.packs) read(packed, where);
      return;
    }
    if (!place || place.bytes === 0 || place.arena === weightsArena) return;
    const isThere = owners.get(place.arena)?.some((owner) => owner.offset === place.offset && owner.bytes === place.bytes);
    if (!isThere) report.add("overwritten", `${where} reads \`${name}\`, whose place holds something else by then, or nothing yet`);
  };
  for (let run = 0; run < 2; run++) {
    for (const name of program.inputs) write(name);
    for (const { shader, nest, arguments: given } of program.dispatches) {
      const { parameters = [] } = shaders.get(shader) ?? {};
      given.forEach((name, i) => {
        if (!parameters[i]?.writes) read(name, `the dispatch for \`${nest}\``);
      });
      given.forEach((name, i) => {
        if (parameters[i]?.writes) write(name);
      });
    }
    for (const { name, value } of program.outputs) read(value, `the output \`${name}\``);
  }
}

function overlap(a: ShaderPlacement, b: ShaderPlacement): boolean {
  return a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
}
