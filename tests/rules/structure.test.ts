/** A rule's pattern denotes a comprehension: operators of the user's own, under other names and written differently, get it. */
import { expect, test } from "vitest";
import { compile } from "../../src/compile.ts";
import { initializeWeights } from "../../src/ir/initialize.ts";
import { applyOnce } from "../../src/passes/rewrite.ts";
import { interpretNn } from "../../src/semantics/interpret_nn.ts";
import { createRandom } from "../../src/support/random.ts";

const operators = `
/// The library's conv2d at stride 1 without padding: factors and iterators in another order.
op correlate(picture: [b, rows, columns, ch], taps: [p, q, ch, out]) -> result: [b, r = rows - p + 1, c = columns - q + 1, out] {
  result[b, r, c, out] = sum(ch, q, p) taps[p, q, ch, out] * picture[b, r + p, c + q, ch]
}

/// The same with the operands the other way round.
op correlate_with(taps: [p, q, ch, out], picture: [b, rows, columns, ch]) -> result: [b, r = rows - p + 1, c = columns - q + 1, out] {
  result[b, r, c, out] = sum(p, q, ch) picture[b, r + p, c + q, ch] * taps[p, q, ch, out]
}

/// At stride 2 with one row and column of zeros around.
op halve(picture: [b, rows, columns, ch], taps: [3, 3, ch, out]) -> result: [b, r = (rows - 1) // 2 + 1, c = (columns - 1) // 2 + 1, out] {
  result[b, r, c, out] = sum(p in 3, q in 3, ch) (picture[b, 2*r + p - 1, 2*c + q - 1, ch] else 0) * taps[p, q, ch, out]
}

/// Outside it reads 1: not a convolution of the library.
op framed(picture: [b, rows, columns, ch], taps: [3, 3, ch, out]) -> result: [b, rows, columns, out] {
  result[b, rows, columns, out] = sum(p in 3, q in 3, ch) (picture[b, rows + p - 1, columns + q - 1, ch] else 1) * taps[p, q, ch, out]
}

op per_channel(picture: [b, rows, columns, ch], taps: [p, q, ch, 1]) -> result: [b, r = rows - p + 1, c = columns - q + 1, ch] {
  result[b, r, c, ch] = sum(q, p) taps[p, q, ch, 0] * picture[b, r + p, c + q, ch]
}

op product(left: [rows, k], right: [k, columns]) -> result: [rows, columns] {
  result[rows, columns] = sum(k) right[k, columns] * left[rows, k]
}

/// A product with the transposed matrix: another access map.
op product_transposed(left: [rows, k], right: [columns, k]) -> result: [rows, columns] {
  result[rows, columns] = sum(k) right[columns, k] * left[rows, k]
}

op scaled(v: [...lead, ch], by: [ch]) -> result: [...lead, ch] { result[...at, ch] = by[ch] * v[...at, ch] }

op shifted(v: [...lead, ch], by: [ch]) -> result: [...lead, ch] { result[...at, ch] = v[...at, ch] + by[ch] }

op positive(v: [...d]) -> result: [...d] { result[...at] = max(0, v[...at]) }

op shrink(x: [...s]; t: float = 0.1) -> y: [...s] { y[...i] = max(x[...i] - t, 0) - max(-x[...i] - t, 0) }
op soften(v: [...d]) -> result: [...d] { result[...at] = max(v[...at] - 0.1, 0) - max(-v[...at] - 0.1, 0) }
op soften_more(v: [...d]) -> result: [...d] { result[...at] = max(v[...at] - 0.25, 0) - max(-v[...at] - 0.25, 0) }

rule shrink_then_relu(x: [...s]; t: float): relu(shrink(x, t: t)) => relu(x - t) where t >= 0
`;

const kernel = "@k: [3, 3, 3, 4] = he_normal";
const scale = "@s: [4] = uniform(1, 2)";

const recognised: readonly (readonly [rule: string, input: string, body: string])[] = [
  ["scale_into_conv2d", "2, 6, 5, 3", `scaled(correlate(x, ${kernel}), ${scale})`],
  ["scale_into_conv2d", "2, 6, 5, 3", `correlate(x, ${kernel}) * ${scale}`],
  ["scale_into_conv2d", "2, 6, 5, 3", `scaled(conv2d(x, ${kernel}, stride: [2, 1], pad: same), ${scale})`],
  ["scale_into_conv2d", "1, 6, 5, 3", `scaled(correlate_with(${kernel}, x), ${scale})`],
  ["scale_into_conv2d", "1, 7, 7, 3", `scaled(halve(x, ${kernel}), ${scale})`],
  ["scale_into_depthwise", "1, 6, 5, 4", `scaled(per_channel(x, @k: [3, 2, 4, 1] = he_normal), ${scale})`],
  ["scale_into_matmul", "5, 3", `scaled(product(x, @k: [3, 4] = he_normal), ${scale})`],
  ["scale_past_bias", "5, 4", `scaled(shifted(x, @b: [4] = he_normal), ${scale})`],
  ["scale_past_bias", "2, 5, 4", `shifted(x, @b: [4] = he_normal) * ${scale}`],
  ["join_biases", "5, 4", `shifted(shifted(x, @b: [4] = he_normal), ${scale})`],
  ["shrink_then_relu", "5, 4", "positive(soften(x))"],
  ["shrink_then_relu", "5, 4", "positive(soften_more(x))"],
];

const foreign: readonly (readonly [rule: string, input: string, body: string])[] = [
  ["scale_into_conv2d", "1, 6, 6, 3", `scaled(framed(x, ${kernel}), ${scale})`],
  ["scale_into_matmul", "5, 3", `scaled(product_transposed(x, @k: [4, 3] = he_normal), ${scale})`],
  ["scale_into_matmul", "4, 4", `scaled(product_transposed(x, @k: [4, 4] = he_normal), ${scale})`],
  ["shrink_then_relu", "5, 4", "positive(positive(x))"],
];

function compiled(input: string, body: string) {
  const { value, diagnostics } = compile(`${operators}\nmodel m(x: f32[${input}]) -> y {\n  ${body}\n}`);
  if (!value) throw new Error(diagnostics.map(({ message }) => message).join("; "));
  return value;
}

test.each(recognised)("%s is recognised on [%s] in %s", (name, input, body) => {
  const model = compiled(input, body);
  const rule = model.module.rules.find((candidate) => candidate.name === name);
  if (!rule) throw new Error(`no rule ${name}`);
  const program = model.levels.nn("eliminate-common-subexpressions");
  const rewritten = applyOnce(program, rule);
  expect(rewritten).toBeDefined();
  if (!rewritten) return;
  const random = createRandom(name);
  const x = model.inputs[0]?.type.shape.reduce((a, b) => a * b, 1) ?? 0;
  const given = new Map([
    ["x", Float64Array.from({ length: x }, () => random.normal())] as const,
    ...initializeWeights(model.source.weights, 1),
  ]);
  const [expected, actual] = [program, rewritten].map(
    (of) => interpretNn(of, given).get(of.outputs[0]?.value ?? "") ?? new Float64Array(),
  ) as [Float64Array, Float64Array];
  expect(actual.length).toBe(expected.length);
  actual.forEach((value, i) => {
    expect(Math.abs(value - (expected[i] as number))).toBeLessThanOrEqual(1e-9);
  });
});

test.each(foreign)("%s is not seen on [%s] in %s", (name, input, body) => {
  const model = compiled(input, body);
  const rule = model.module.rules.find((candidate) => candidate.name === name);
  if (!rule) throw new Error(`no rule ${name}`);
  expect(applyOnce(model.levels.nn("eliminate-common-subexpressions"), rule)).toBeUndefined();
});
