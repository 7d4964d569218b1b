/** Invariants of the tensor level. docs/levels.md lists them with their codes. */
import type { Diagnostic } from "../support/diagnostic.ts";
import type { Index } from "./affine.ts";
import { type Axis, type Compute, dtypeOf, indicesOf, tensorsRead, visitExpr } from "./expr.ts";
import { type Buffer, type Group, isPart, rootReduction, type TensorProgram } from "./tensor.ts";
import { checkBuffers, readableOf, rootOf } from "./verify_buffers.ts";
import { checkExpr, type Readable } from "./verify_expr.ts";
import { type ArenaStep, checkInPlace } from "./verify_in_place.ts";
import { createReport, isShape, type Report, requireUnique } from "./verify_report.ts";

export function verifyTensor(program: TensorProgram): Diagnostic[] {
  const report = createReport();
  const buffers = checkBuffers(program, report);
  requireUnique(
    program.groups.map((group) => group.name),
    "group-twice",
    "the group",
    report,
  );
  /** Buffers that hold their values by now. */
  const written = new Set(program.buffers.filter(isGiven).map((buffer) => buffer.name));
  for (const group of program.groups) {
    checkGroup(group, buffers, written, report);
    written.add(rootOf(group.name, buffers));
  }
  const isWritten = (name: string) => written.has(rootOf(name, buffers));
  for (const { name } of program.buffers) if (!isWritten(name)) report.add("not-written", `nothing computes \`${name}\``);
  const steps = program.groups.filter((group) => group.phase === "run").map((group) => arenaStep(group, buffers));
  checkInPlace(program, steps, buffers, report);
  return report.diagnostics;
}

function isGiven({ role }: Buffer): boolean {
  return role.kind === "input" || role.kind === "weight" || role.kind === "constant";
}

function checkGroup(group: Group, buffers: ReadonlyMap<string, Buffer>, written: ReadonlySet<string>, report: Report): void {
  const result = group.computes.at(-1);
  const buffer = buffers.get(group.name);
  if (!result) {
    report.add("group-empty", `the group \`${group.name}\` computes nothing`);
    return;
  }
  if (result.name !== group.name || !buffer) {
    report.add("group-result", `the group \`${group.name}\` ends with \`${result.name}\`${buffer ? "" : ", and it has no buffer"}`);
  } else {
    checkResult(group, result, buffer, report);
  }
  checkForm(group, report);
  const inner = new Map<string, Readable>();
  for (const compute of group.computes) {
    checkCompute(compute, group, inner, { buffers, written, report });
    if (compute !== result && buffers.has(compute.name))
      report.add("inner-name", `\`${compute.name}\` is inside the group \`${group.name}\` and also a buffer`);
    if (inner.has(compute.name)) report.add("defined-twice", `the compute \`${compute.name}\` is defined twice`);
    inner.set(compute.name, { dtype: compute.dtype, shape: compute.axes.map((axis) => axis.extent) });
  }
}

function checkResult(group: Group, result: Compute, buffer: Buffer, report: Report): void {
  const shape = result.axes.map((axis) => axis.extent);
  if (result.dtype !== buffer.dtype || shape.join() !== buffer.shape.join())
    report.add(
      "result-type",
      `the group \`${group.name}\` gives ${result.dtype}[${shape.join(", ")}], and its buffer is ${buffer.dtype}[${buffer.shape.join(", ")}]`,
    );
  const wanted = group.phase === "build" ? "derived" : "temporary";
  if (buffer.role.kind !== wanted)
    report.add("result-role", `\`${group.name}\` is computed at ${group.phase} time and has the role ${buffer.role.kind}: it is ${wanted}`);
  if (buffer.aliasOf !== undefined && !isPart(buffer))
    report.add("alias-written", `\`${group.name}\` is another name for \`${buffer.aliasOf}\` and computed all the same`);
}

/** A map, a reduction, or a reduction and a map that reads it element by element. */
function checkForm(group: Group, report: Report): void {
  const [first, second, third] = group.computes;
  if (!first || !second) return;
  const sameDomain = first.axes.map((axis) => axis.extent).join() === second.axes.map((axis) => axis.extent).join();
  if (third || !rootReduction(first) || rootReduction(second) || !sameDomain || !readsInPlace(second, first.name))
    report.add(
      "group-form",
      `the group \`${group.name}\` is not a reduction and a map over the same axes that reads it element by element`,
    );
}

type Surroundings = { readonly buffers: ReadonlyMap<string, Buffer>; readonly written: ReadonlySet<string>; readonly report: Report };

function checkCompute(
  compute: Compute,
  group: Group,
  inner: ReadonlyMap<string, Readable>,
  { buffers, written, report }: Surroundings,
): void {
  const where = `\`${compute.name}\``;
  const extents = compute.axes.map((axis) => axis.extent);
  requireUnique(
    compute.axes.map((axis) => axis.name),
    "axis-repeated",
    `${where}: the axis`,
    report,
  );
  if (!isShape(extents)) report.add("type-extent", `${where} has extents [${extents.join(", ")}]: they are whole and at least 0`);
  const variables = new Map(compute.axes.map((axis) => [axis.name, axis.extent]));
  const tensor = (name: string): Readable | undefined => {
    const known = inner.get(name);
    const buffer = buffers.get(name);
    return known ?? (buffer && readableOf(buffer));
  };
  // A pass leaves most of a program as it was: what was sound is so as long as it can read the same.
  const readable = [...tensorsRead(compute.value)].map((name) => `${name} ${textOf(tensor(name))}`).join("\n");
  if (soundWith.get(compute) !== readable) {
    const before = report.diagnostics.length;
    checkNormal(compute, report);
    checkExpr(compute.value, { where, report, variables, guarded: false, tensor });
    if (report.diagnostics.length === before) soundWith.set(compute, readable);
  }
  const dtype = dtypeOf(compute.value);
  if (dtype !== compute.dtype) report.add("compute-dtype", `${where} is ${compute.dtype}, and its value ${dtype}`);
  for (const name of tensorsRead(compute.value)) {
    const buffer = buffers.get(name);
    if (inner.has(name) || !buffer) continue;
    if (!written.has(rootOf(name, buffers))) report.add("used-before-written", `${where} reads \`${name}\` before it is computed`);
    if (group.phase === "build" && (buffer.role.kind === "input" || buffer.role.kind === "temporary"))
      report.add("build-reads-run", `${where} is computed at build time and reads \`${name}\`, which is known at run time only`);
  }
}

const soundWith = new WeakMap<Compute, string>();

function textOf(readable: Readable | undefined): string {
  return readable ? [readable.dtype, readable.shape, readable.before, readable.after].join(" ") : "nothing";
}

function checkNormal(compute: Compute, report: Report): void {
  const root = rootReduction(compute);
  let nested = false;
  visitExpr(compute.value, (expr) => {
    nested ||= expr.kind === "reduce" && expr !== root;
  });
  if (nested) report.add("normal-form", `\`${compute.name}\` has a reduction that is not at its root`);
  if (root && (root.op === "argmax" || root.op === "argmin"))
    report.add("normal-form", `\`${compute.name}\` is an ${root.op}, which lowering has taken apart`);
}

function arenaStep(group: Group, buffers: ReadonlyMap<string, Buffer>): ArenaStep {
  const reads = new Set(group.computes.flatMap((compute) => [...tensorsRead(compute.value)]));
  return {
    writes: group.name,
    reads,
    readsInPlace: (root) =>
      group.computes.every((compute, i) => {
        const names = [...tensorsRead(compute.value)].filter((name) => rootOf(name, buffers) === root);
        if (names.length === 0) return true;
        const isLast = i === group.computes.length - 1;
        return isLast && !rootReduction(compute) && names.every((name) => name === root && readsInPlace(compute, name));
      }),
  };
}

/** Whether a tensor is read as a value only, without a default, and at the element that the compute gives. */
function readsInPlace(compute: Compute, tensor: string): boolean {
  let reads = 0;
  let others = 0;
  visitExpr(compute.value, (expr) => {
    for (const index of indicesOf(expr)) if (tensorsRead({ kind: "index", index }).has(tensor)) others++;
    if (expr.kind !== "read" || expr.tensor !== tensor) return;
    const { axes } = compute;
    const sameElement = expr.indices.length === axes.length && axes.every((axis, d) => isAxis(expr.indices[d], axis));
    if (sameElement && !expr.otherwise) reads++;
    else others++;
  });
  return reads > 0 && others === 0;
}

/** The axis itself; one of extent 1 may be written 0. */
function isAxis(index: Index | undefined, axis: Axis): boolean {
  if (index?.constant !== 0 || index.terms.length > 1) return false;
  const [term] = index.terms;
  if (!term) return axis.extent === 1;
  return term.coefficient === 1 && term.atom.kind === "variable" && term.atom.name === axis.name;
}
