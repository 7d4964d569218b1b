/** Sliding windows of convolutions and pooling, with every way to write the padding resolved to numbers. */
import type { AttributeValue } from "../ir/nn.ts";
import { invariant } from "../support/invariant.ts";
import type { Call, ExportGraph } from "./exporter.ts";

/** Per spatial dimension. */
export type Window = {
  readonly extent: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly before: readonly number[];
  /** As far as the last window really reads: rounding up makes more of it, a remainder less. */
  readonly after: readonly number[];
  /** What the call itself declares after; `after` where it rounds down. */
  readonly declaredAfter: readonly number[];
  /** No padding, the padding that TensorFlow calls SAME (the odd element after), or another. */
  readonly padding: "valid" | "same" | "explicit";
};

/** `extent` is of the kernel or the pooling window; the operand is [n, ...spatial, c]. */
export function windowOf(call: Call, extent: readonly number[], { types }: Pick<ExportGraph, "types">): Window {
  const input = spatial(types.get(call.operands[0] ?? "")?.shape);
  const output = spatial(call.result.type.shape);
  const stride = listOr(call.attributes.stride, extent);
  const dilation = listOr(
    call.attributes.dilation,
    extent.map(() => 1),
  );
  const reach = extent.map((k, d) => (k - 1) * at(dilation, d) + 1);
  const { before, after: declaredAfter } = declaredPadding(call.attributes.pad, input, stride, reach);
  const after = output.map((o, d) => Math.max(0, (o - 1) * at(stride, d) + at(reach, d) - at(input, d) - at(before, d)));
  const same = sameTotals(input, stride, reach);
  // The padding after follows from the extents: it need not be compared.
  const isSame = input.every((n, d) => at(output, d) === Math.ceil(n / at(stride, d)) && at(before, d) === at(same, d) >> 1);
  const isValid = [...before, ...after].every((padding) => padding === 0);
  return { extent, stride, dilation, before, after, declaredAfter, padding: isValid ? "valid" : isSame ? "same" : "explicit" };
}

function declaredPadding(pad: AttributeValue | undefined, input: readonly number[], stride: readonly number[], reach: readonly number[]) {
  if (Array.isArray(pad)) return { before: pad.slice(0, input.length).map(Number), after: pad.slice(input.length).map(Number) };
  const totals = pad === "valid" ? input.map(() => 0) : sameTotals(input, stride, reach);
  const less = totals.map((total) => total >> 1);
  const more = totals.map((total) => (total + 1) >> 1);
  return pad === "same_lower" ? { before: more, after: less } : { before: less, after: more };
}

function sameTotals(input: readonly number[], stride: readonly number[], reach: readonly number[]): number[] {
  return input.map((n, d) => Math.max(0, (Math.ceil(n / at(stride, d)) - 1) * at(stride, d) + at(reach, d) - n));
}

/** The extents between the first and the last. */
export function spatial(shape: readonly number[] | undefined): readonly number[] {
  return shape?.slice(1, -1) ?? [];
}

/** An attribute that is a list of numbers. */
export function numbersOf(call: Call, name: string): number[] {
  const value = call.attributes[name];
  invariant(Array.isArray(value), `${call.operator} has no list ${name}`);
  return value.map(Number);
}

export function numberOf(call: Call, name: string): number {
  const value = call.attributes[name];
  invariant(typeof value === "number", `${call.operator} has no number ${name}`);
  return value;
}

function listOr(value: AttributeValue | undefined, otherwise: readonly number[]): readonly number[] {
  return Array.isArray(value) ? value.map(Number) : otherwise;
}

function at(list: readonly number[], d: number): number {
  return list[d] ?? 0;
}
