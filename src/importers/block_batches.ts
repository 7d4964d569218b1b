/** Blocks of an image moved into the batch and back, which is how TensorFlow once said a convolution with dilation. */
import type { ModelBuilder } from "./model_builder.ts";
import type { Value } from "./written_model.ts";

/** [n, ...s, c] padded to multiples of the block: place p of each block becomes image p n + i of a batch. `pads` are [before, after] for each dimension. */
export function spaceToBatch(builder: ModelBuilder, x: Value, block: readonly number[], pads: readonly number[], zero = 0): Value {
  if (isNoBlock(builder, x, block)) return x;
  const rank = block.length;
  const rest = x.type.shape.length - 1 - rank;
  const [before, after] = [0, 1].map((side) => [0, ...block.map((_, d) => pads[2 * d + side] ?? 0), ...Array<number>(rest).fill(0)]);
  const isPadded = pads.some((amount) => amount !== 0);
  const around = { pad: [...(before ?? []), ...(after ?? [])], ...(zero === 0 ? {} : { value: zero }) };
  const padded = isPadded ? builder.call("pad", [x], around) : x;
  const [n = 1, ...extents] = padded.type.shape;
  const counts = block.map((size, d) => Math.floor((extents[d] ?? 0) / size));
  const apart = builder.call("reshape", [padded], {
    to: [n, ...block.flatMap((size, d) => [counts[d] ?? 0, size]), ...extents.slice(rank)],
  });
  const order = [...block.map((_, d) => 2 * d + 2), 0, ...block.map((_, d) => 2 * d + 1), ...tail(2 * rank + 1, rest)];
  const turned = builder.call("transpose", [apart], { order });
  return builder.call("reshape", [turned], { to: [n * product(block), ...counts, ...extents.slice(rank)] });
}

/** The way back; `crops` are [before, after] for each dimension. */
export function batchToSpace(builder: ModelBuilder, x: Value, block: readonly number[], crops: readonly number[]): Value {
  if (isNoBlock(builder, x, block)) return x;
  const rank = block.length;
  const [n = 1, ...extents] = x.type.shape;
  const rest = extents.length - rank;
  const batch = Math.floor(n / product(block));
  const apart = builder.call("reshape", [x], { to: [...block, batch, ...extents] });
  const order = [rank, ...block.flatMap((_, d) => [rank + 1 + d, d]), ...tail(2 * rank + 1, rest)];
  const turned = builder.call("transpose", [apart], { order });
  const whole = [batch, ...block.map((size, d) => size * (extents[d] ?? 0)), ...extents.slice(rank)];
  const joined = builder.call("reshape", [turned], { to: whole });
  if (crops.every((amount) => amount === 0)) return joined;
  const starts = whole.map((_, d) => (d >= 1 && d <= rank ? (crops[2 * d - 2] ?? 0) : 0));
  const ends = whole.map((extent, d) => (d >= 1 && d <= rank ? extent - (crops[2 * d - 1] ?? 0) : extent));
  return builder.call("slice", [joined], { starts, ends });
}

/** A block that the image cannot have is refused. */
function isNoBlock(builder: ModelBuilder, x: Value, block: readonly number[]): boolean {
  const isBlock = block.length < x.type.shape.length && block.every((size) => Number.isSafeInteger(size) && size > 0);
  if (!isBlock) builder.refuse(`a block of [${block.join(", ")}] does not fit an image of ${x.type.shape.length} dimensions`);
  return !isBlock;
}

function tail(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, d) => from + d);
}

function product(extents: readonly number[]): number {
  return extents.reduce((a, b) => a * b, 1);
}
