/**
 * Memory of a kernel program: places within bounds, and nothing overwritten that is still read. The calls are followed
 * in order, build once and run twice, with the buffer that last wrote each stretch of memory: lives come out exactly,
 * whatever plan made them.
 */
import { dtypes, elementCount } from "./dtype.ts";
import type { Kernel, KernelCall, KernelProgram, Placement } from "./kernel.ts";
import { printNumber } from "./print_literal.ts";
import { holdsValue } from "./verify_expr.ts";
import { isShape, type Report, requireUnique } from "./verify_report.ts";

export function checkMemory(program: KernelProgram, report: Report): void {
  const placements = new Map(program.placements.map((placement) => [placement.buffer, placement]));
  for (const placement of program.placements)
    if (JSON.stringify(placement) !== JSON.stringify(placements.get(placement.buffer)))
      report.add("placed-twice", `\`${placement.buffer}\` has two places in memory`);
  const { weightBytes, runBytes, buildBytes } = program;
  if (!isShape([weightBytes, runBytes, buildBytes]) || weightBytes > runBytes || runBytes > buildBytes)
    report.add(
      "memory-size",
      `weights, run and build need ${weightBytes}, ${runBytes} and ${buildBytes} bytes, each at least the one before`,
    );
  for (const placement of program.placements) checkPlacement(placement, buildBytes, report);
  checkInterface(program, placements, report);
  const runs = program.calls.filter((call) => call.phase === "run");
  const used = new Set([...runs.flatMap((call) => call.arguments), ...program.inputs, ...program.outputs.map((output) => output.value)]);
  for (const name of used) {
    const placement = placements.get(name);
    if (placement && placement.bytes > 0 && placement.offset + placement.bytes > runBytes)
      report.add("run-bounds", `\`${name}\` is used at run time and ends at byte ${placement.offset + placement.bytes} of ${runBytes}`);
  }
  followCalls(program, placements, report);
}

function checkPlacement({ buffer, dtype, shape, offset, bytes }: Placement, buildBytes: number, report: Report): void {
  const size = dtypes[dtype].bytes;
  if (!isShape(shape)) report.add("type-extent", `\`${buffer}\` has extents [${shape.join(", ")}]`);
  if (!isShape([offset]) || offset % size !== 0)
    report.add("offset-value", `\`${buffer}\` lies at ${offset}, which is no multiple of its elements' ${size} bytes`);
  if (bytes !== elementCount(shape) * size)
    report.add("placement-bytes", `\`${buffer}\` has ${bytes} bytes, and its elements ${elementCount(shape) * size}`);
  if (offset + bytes > buildBytes) report.add("memory-bounds", `\`${buffer}\` ends at byte ${offset + bytes} of a memory of ${buildBytes}`);
}

function checkInterface(program: KernelProgram, placements: ReadonlyMap<string, Placement>, report: Report): void {
  requireUnique(program.inputs, "input-twice", "the input", report);
  requireUnique(
    program.outputs.map((output) => output.name),
    "output-twice",
    "the output",
    report,
  );
  requireUnique(
    program.sources.map((source) => source.buffer),
    "source-twice",
    "the source of",
    report,
  );
  for (const name of [
    ...program.inputs,
    ...program.outputs.map((output) => output.value),
    ...program.sources.map((source) => source.buffer),
  ])
    if (!placements.has(name)) report.add("unplaced", `\`${name}\` has no place in memory`);
  for (const { buffer, source } of program.sources) {
    const placement = placements.get(buffer);
    if (source.kind !== "constant" || !placement) continue;
    if (source.data.length !== elementCount(placement.shape))
      report.add("constant-size", `\`${buffer}\` has ${source.data.length} elements, and its place ${elementCount(placement.shape)}`);
    const wrong = source.data.find((value) => !holdsValue(placement.dtype, value));
    if (wrong !== undefined) report.add("constant-value", `\`${buffer}\` holds ${placement.dtype}, and ${printNumber(wrong)} is none`);
  }
}

/** Memory cut at every place's ends; `owners[i]` is the buffer that last wrote stretch i. */
type Memory = {
  readonly placements: ReadonlyMap<string, Placement>;
  readonly cuts: ReadonlyMap<number, number>;
  readonly bounds: readonly number[];
  readonly owners: (string | undefined)[];
  /** Buffers that something writes; any other one is another name for memory that a buffer of the same place wrote. */
  readonly written: ReadonlySet<string>;
};

function followCalls(program: KernelProgram, placements: ReadonlyMap<string, Placement>, report: Report): void {
  const kernels = new Map(program.kernels.map((kernel) => [kernel.name, kernel]));
  const bounds = [
    ...new Set([0, program.weightBytes, ...[...placements.values()].flatMap(({ offset, bytes }) => [offset, offset + bytes])]),
  ].sort((a, b) => a - b);
  const written = new Set([
    ...program.inputs,
    ...program.sources.map((source) => source.buffer),
    ...program.calls.flatMap((call) => call.arguments.filter((_, i) => kernels.get(call.kernel)?.parameters[i]?.writes)),
  ]);
  const cuts = new Map(bounds.map((bound, i) => [bound, i]));
  const memory: Memory = { placements, cuts, bounds, owners: new Array(bounds.length).fill(undefined), written };
  const complain = once(report);
  for (const { buffer } of program.sources) write(buffer, memory);
  for (const call of program.calls) if (call.phase === "build") followCall(call, kernels.get(call.kernel), memory, complain);
  // What ships is the image of the weights; all else is gone when running begins.
  memory.owners.fill(undefined, cuts.get(program.weightBytes));
  for (let run = 0; run < 2; run++) {
    for (const name of program.inputs) write(name, memory);
    for (const call of program.calls) if (call.phase === "run") followCall(call, kernels.get(call.kernel), memory, complain);
    for (const { name, value } of program.outputs) requireOwned(value, `the output \`${name}\``, memory, complain);
  }
}

function followCall(call: KernelCall, kernel: Kernel | undefined, memory: Memory, report: Report): void {
  if (!kernel) return;
  const where = `the call of \`${call.kernel}\` for \`${call.nest}\``;
  const writes = call.arguments.filter((_, i) => kernel.parameters[i]?.writes);
  call.arguments.forEach((name, i) => {
    if (kernel.parameters[i]?.writes) return;
    requireOwned(name, where, memory, report);
    for (const other of writes)
      if (overlapsAskew(name, other, memory))
        report.add("memory-overlap", `${where} reads \`${name}\` and writes \`${other}\`, which overlap and are not the same place`);
  });
  writes.forEach((name, i) => {
    for (const other of writes.slice(i + 1))
      if (overlap(name, other, memory)) report.add("memory-overlap", `${where} writes \`${name}\` and \`${other}\`, which overlap`);
  });
  for (const name of writes) write(name, memory);
}

function write(name: string, { placements, cuts, owners }: Memory): void {
  const placement = placements.get(name);
  if (!placement) return;
  owners.fill(name, cuts.get(placement.offset), cuts.get(placement.offset + placement.bytes));
}

/** What is read is what was written there last: the buffer itself, or the one whose other name it is. */
function requireOwned(name: string, reader: string, memory: Memory, report: Report): void {
  const placement = memory.placements.get(name);
  if (!placement) return;
  const [from = 0, to = 0] = [memory.cuts.get(placement.offset), memory.cuts.get(placement.offset + placement.bytes)];
  for (let i = from; i < to; i++) {
    const owner = memory.owners[i];
    if (owner === name || (owner !== undefined && !memory.written.has(name) && samePlace(owner, name, memory))) continue;
    if (owner === undefined) report.add("read-before-write", `${reader} reads \`${name}\`, and nothing has written it`);
    else report.add("overwritten", `${reader} reads \`${name}\`, and \`${owner}\` was written there since`);
    return;
  }
}

function overlap(a: string, b: string, { placements }: Memory): boolean {
  const [one, other] = [placements.get(a), placements.get(b)];
  if (!one || !other || one.bytes === 0 || other.bytes === 0) return false;
  return one.offset < other.offset + other.bytes && other.offset < one.offset + one.bytes;
}

function overlapsAskew(a: string, b: string, memory: Memory): boolean {
  return overlap(a, b, memory) && !samePlace(a, b, memory);
}

function samePlace(a: string, b: string, { placements }: Memory): boolean {
  const [one, other] = [placements.get(a), placements.get(b)];
  return one !== undefined && one.offset === other?.offset && one.bytes === other.bytes && one.dtype === other.dtype;
}

/** The second run finds again what the first found. */
function once(report: Report): Report {
  const seen = new Set<string>();
  return {
    diagnostics: report.diagnostics,
    add(code, message, help) {
      if (seen.has(message)) return;
      seen.add(message);
      report.add(code, message, help);
    },
  };
}
