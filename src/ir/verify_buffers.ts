/** Invariants of the buffers and the interface of tensor and loop programs. */
import { dtypes, elementCount } from "./dtype.ts";
import type { NnOutput } from "./nn.ts";
import { printNumber } from "./print_literal.ts";
import { allocatedShape, type Buffer, isPart } from "./tensor.ts";
import { holdsValue, type Readable } from "./verify_expr.ts";
import { isShape, type Report, requireUnique } from "./verify_report.ts";

export type WithBuffers = {
  readonly buffers: readonly Buffer[];
  readonly inputs: readonly string[];
  readonly outputs: readonly NnOutput[];
  readonly arenaBytes?: number;
};

export function checkBuffers(program: WithBuffers, report: Report): ReadonlyMap<string, Buffer> {
  const buffers = new Map(program.buffers.map((buffer) => [buffer.name, buffer]));
  requireUnique(
    program.buffers.map((buffer) => buffer.name),
    "defined-twice",
    "the buffer",
    report,
  );
  for (const buffer of program.buffers) {
    checkContents(buffer, report);
    checkHalo(buffer, program, report);
    checkLayout(buffer, program, report);
    if (buffer.aliasOf !== undefined) checkAlias(buffer, buffers.get(buffer.aliasOf), report);
    if (buffer.overwrites !== undefined) checkOverwrites(buffer, program.buffers, report);
    checkOffset(buffer, program, report);
  }
  for (const whole of program.buffers) checkParts(whole, program.buffers, report);
  checkInterface(program, buffers, report);
  return buffers;
}

export function bufferBytes(buffer: Buffer): number {
  return elementCount(allocatedShape(buffer)) * dtypes[buffer.dtype].bytes;
}

/** The buffer whose memory it is. */
export function rootOf(name: string, buffers: ReadonlyMap<string, Buffer>): string {
  return buffers.get(name)?.aliasOf ?? name;
}

export function readableOf(buffer: Buffer): Readable {
  const { dtype, shape, halo } = buffer;
  return halo ? { dtype, shape, before: halo.before, after: halo.after } : { dtype, shape };
}

function checkContents({ name, dtype, shape, role }: Buffer, report: Report): void {
  if (!isShape(shape)) report.add("type-extent", `\`${name}\` has extents [${shape.join(", ")}]: they are whole and at least 0`);
  if (role.kind !== "constant") return;
  if (role.data.length !== elementCount(shape))
    report.add(
      "constant-size",
      `\`${name}\` has ${role.data.length} elements, and its shape [${shape.join(", ")}] has ${elementCount(shape)}`,
    );
  const wrong = role.data.find((value) => !holdsValue(dtype, value));
  if (wrong !== undefined) report.add("constant-value", `\`${name}\` holds ${dtype}, and ${printNumber(wrong)} is none`);
}

/** What a caller reads or writes, and what has another name, stays dense. */
function checkHalo(buffer: Buffer, program: WithBuffers, report: Report): void {
  const { name, shape, halo, role } = buffer;
  if (!halo) return;
  if (halo.before.length !== shape.length || halo.after.length !== shape.length)
    report.add("halo-rank", `the border of \`${name}\` has not one width for each of its ${shape.length} dimensions`);
  if (!isShape([...halo.before, ...halo.after])) report.add("halo-width", `the border of \`${name}\` has a width that is not at least 0`);
  const isOutput = program.outputs.some((output) => output.value === name);
  if (role.kind !== "temporary" || isOutput)
    report.add(
      "halo-place",
      `\`${name}\` has a border, and it is ${isOutput ? "an output" : `of the role ${role.kind}`}: only temporaries have one`,
    );
}

/** What the caller reads or writes, and what has another name, lies in the order of its dimensions. */
function checkLayout({ name, shape, role, layout, aliasOf }: Buffer, program: WithBuffers, report: Report): void {
  if (!layout) return;
  if (layout.length !== shape.length || shape.some((_, d) => !layout.includes(d)))
    report.add("layout-order", `\`${name}\` lies in memory by [${layout.join(", ")}], which are not its ${shape.length} dimensions`);
  const isNamed = aliasOf !== undefined || program.buffers.some((other) => other.aliasOf === name);
  if (role.kind !== "temporary" || isNamed || program.outputs.some((output) => output.value === name))
    report.add("layout-place", `\`${name}\` has a layout of its own, and is no temporary that has one name and is no output`);
}

function checkAlias(buffer: Buffer, target: Buffer | undefined, report: Report): void {
  const { name, aliasOf } = buffer;
  if (!target || target.aliasOf !== undefined || target === buffer) {
    report.add("alias-target", `\`${name}\` is another name for \`${aliasOf}\`, which is ${target ? "itself one" : "no buffer"}`);
    return;
  }
  if (buffer.role.kind !== "temporary" || (target.role.kind !== "temporary" && target.role.kind !== "input"))
    report.add("alias-role", `\`${name}\` (${buffer.role.kind}) is another name for \`${aliasOf}\` (${target.role.kind})`);
  if (isPart(buffer) && (buffer.dtype !== target.dtype || allocatedShape(buffer).join() !== allocatedShape(target).join()))
    report.add("alias-part", `\`${name}\` is a part of \`${aliasOf}\`, and the two are not allocated alike`);
  if (!isPart(buffer) && (buffer.dtype !== target.dtype || elementCount(buffer.shape) !== elementCount(target.shape)))
    report.add("alias-type", `\`${name}\` is another name for \`${aliasOf}\` and has other elements`);
  if (!isPart(buffer) && target.halo) report.add("alias-halo", `\`${name}\` is another name for \`${aliasOf}\`, which has a border`);
  if (buffer.offset !== target.offset) report.add("alias-offset", `\`${name}\` lies at another offset than \`${aliasOf}\``);
}

/** The two lie alike, and the memory has no third name while it changes hands. When, is for what is known of the steps to say. */
function checkOverwrites(buffer: Buffer, all: readonly Buffer[], report: Report): void {
  const { name, overwrites } = buffer;
  const target = all.find((other) => other.name === overwrites);
  const places = [buffer, target].map((side) => side && layoutOf(side));
  const isPlain = target?.role.kind === "temporary" && buffer.role.kind === "temporary" && places[0] === places[1] && target !== buffer;
  if (!isPlain || buffer.aliasOf !== undefined || target.aliasOf !== undefined || all.some((other) => other.aliasOf === overwrites))
    report.add(
      "overwrites-target",
      `\`${name}\` is computed in place of \`${overwrites}\`: the two are temporaries of one layout, and neither is or has an alias`,
    );
  if (all.some((other) => other !== buffer && other.overwrites === overwrites))
    report.add("overwrites-twice", `\`${name}\` is computed in place of \`${overwrites}\`, and so is another`);
  if (target && buffer.offset !== target.offset)
    report.add("overwrites-offset", `\`${name}\` is computed in place of \`${overwrites}\` and lies at another offset`);
}

function layoutOf({ dtype, shape, halo, layout }: Buffer): string {
  const border = halo ? [halo.before, halo.after, Object.is(halo.fill, -0) ? "-0" : String(halo.fill)] : [];
  return JSON.stringify([dtype, shape, border, layout]);
}

/** The parts of a buffer lie side by side and leave nothing of it out. */
function checkParts(whole: Buffer, buffers: readonly Buffer[], report: Report): void {
  const parts = buffers.filter((buffer) => isPart(buffer) && buffer.aliasOf === whole.name);
  if (parts.length === 0) return;
  const boxes = parts.map(({ shape, halo }) =>
    shape.map((extent, d) => ({ from: (halo?.before[d] ?? 0) - (whole.halo?.before[d] ?? 0), extent })),
  );
  const isInside = boxes.every((box) => box.every(({ from, extent }, d) => from >= 0 && from + extent <= (whole.shape[d] ?? 0)));
  const meet = (a: (typeof boxes)[number], b: (typeof boxes)[number]) =>
    a.every((side, d) => side.from < (b[d]?.from ?? 0) + (b[d]?.extent ?? 0) && (b[d]?.from ?? 0) < side.from + side.extent);
  const apart = boxes.every((box, i) => boxes.slice(0, i).every((other) => !meet(box, other)));
  const count = parts.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  if (!isInside || !apart || count !== elementCount(whole.shape))
    report.add(
      "parts",
      `the parts of \`${whole.name}\` do not fill it, each element once: ${parts.map(({ name }) => `\`${name}\``).join(", ")}`,
    );
}

function checkOffset(buffer: Buffer, { arenaBytes }: WithBuffers, report: Report): void {
  const { name, offset, role, dtype } = buffer;
  if (offset === undefined) return;
  const { bytes } = dtypes[dtype];
  if (!Number.isSafeInteger(offset) || offset < 0 || offset % bytes !== 0)
    report.add("offset-value", `\`${name}\` lies at ${offset}, which is no multiple of its elements' ${bytes} bytes`);
  if (role.kind !== "input" && role.kind !== "temporary")
    report.add("offset-place", `\`${name}\` is of the role ${role.kind} and has an offset: the arena is for inputs and temporaries`);
  const end = offset + bufferBytes(buffer);
  if (arenaBytes === undefined || end > arenaBytes)
    report.add("arena-bounds", `\`${name}\` ends at byte ${end} of an arena of ${arenaBytes ?? 0}`);
}

function checkInterface({ inputs, outputs }: WithBuffers, buffers: ReadonlyMap<string, Buffer>, report: Report): void {
  requireUnique(inputs, "input-twice", "the input", report);
  requireUnique(
    outputs.map((output) => output.name),
    "output-twice",
    "the output",
    report,
  );
  for (const name of inputs)
    if (buffers.get(name)?.role.kind !== "input") report.add("input-role", `the input \`${name}\` is no buffer of the role input`);
  for (const { name, role } of buffers.values())
    if (role.kind === "input" && !inputs.includes(name))
      report.add("input-role", `\`${name}\` has the role input and is not among the inputs`);
  for (const output of outputs)
    if (!buffers.has(output.value))
      report.add("unknown-output", `the output \`${output.name}\` is \`${output.value}\`, which is no buffer`);
}
