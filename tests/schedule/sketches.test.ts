/** Which sketch each layer takes, and what becomes of schedules and sketches of the user's own. */
import { expect, test } from "vitest";
import { compile } from "../../src/compile.ts";
import type { Nest } from "../../src/ir/loop.ts";
import { renderDiagnostic } from "../../src/support/diagnostic.ts";
import { compileExample, compileText } from "../support.ts";
import { expectGolden } from "./support.ts";

const model = "model m(x: f32[8, 16]) -> y: f32[8, 8] { matmul(x, @w: [16, 8] = he_normal) }";

test.each(["resnet8", "vgg-cifar", "vww"])("layers of %s and their sketches", (example) => {
  const { nests } = compileExample(example).levels.loop();
  const lines = nests.map(({ name, phase, trace }) => `${phase} ${name}${trace.length > 0 ? `: ${trace.join("; ")}` : ""}`);
  expectGolden(`sketches_${example}`, lines.join("\n"));
});

test("a schedule comes before every sketch", () => {
  expect(traceOf("schedule s on wasm for y { split c by 4\n reorder c.o, m, f, c.i }")).toEqual(["split c by 4", "reorder c.o, m, f, c.i"]);
});

test("a schedule for another target is left alone", () => {
  expect(traceOf("schedule s on webgpu for y { split c by 4 }")[0]).toBe("sketch contraction");
});

test("a user's sketch comes before the library's", () => {
  const own = `sketch rows on wasm for sum(a * b)\n  axis r = first parallel where extent(r) >= 4 { split r by 2; unroll r.i }`;
  expect(traceOf(own)).toEqual(["sketch rows", "split m by 2", "unroll m.i"]);
});

test("a sketch that does not fit, or whose step is refused, gives way to the next", () => {
  const unfit = `sketch big on wasm for sum(a * b)\n  axis r = first parallel where extent(r) >= 100 { unroll r }`;
  expect(traceOf(unfit)[0]).toBe("sketch contraction");
  const refused = `sketch wrong on wasm for sum(a * b)\n  axis r = last reduction { vectorize r }`;
  expect(traceOf(refused)[0]).toBe("sketch contraction");
});

test("operands match in either order, and one name stands for one read", () => {
  expect(traceOf("sketch square on wasm for sum(a * a) { unroll c }")[0]).toBe("sketch contraction");
  const norm = "model m(x: f32[8, 16]) -> y: f32[8] { reduce_sum(x * x, axes: [1]) }";
  const square = "sketch square on wasm for sum(a * a)\n  axis k = last reduction { split k by 4 }";
  expect(traceOf(square, norm)).toEqual(["sketch square", "split r0 by 4"]);
});

test("axes, let, if, optional axes and lists of loops", () => {
  const sketch = `sketch all on wasm for sum(a * b)
  axis f = last parallel where uses(b, f) and not uses(a, f)
  axis w = last parallel where uses(a, w) and extent(w) > 1
  axis missing = first parallel where extent(missing) > 1000 optional
  where constant(b) and not bound(missing) and points(reduction) == 16 and stride(result, f) == 1 {
    let columns = divisors(extent(f), 6)
    if columns == 4 { split f by columns } else { unroll f }
    reorder ...rest, w, f.o, missing, ...reduction, f.i
  }`;
  expect(traceOf(sketch)).toEqual(["sketch all", "split f by 4", "reorder m, f.o, c, f.i"]);
});

const separable = (size: number, columns: number) => `model m(x: f32[1, ${size}, ${size}, 64]) -> y: f32[1, ${size}, ${size}, ${columns}] {
  let a = relu(depthwise_conv2d(x, @k: [3, 3, 64, 1] = he_normal, pad: same))
  relu(conv2d(a, @w: [1, 1, 64, ${columns}] = he_normal))
}`;

test("a large depthwise convolution into few columns is computed by rows, where it is read", () => {
  expect(traceOf("", separable(48, 16)).slice(0, 3)).toEqual(["sketch separable", "split oh by 1", "compute a at oh.o"]);
  // Rows that tiles do not divide go several at a time.
  expect(traceOf("", separable(46, 16)).slice(0, 2)).toEqual(["sketch separable", "split oh by 2"]);
  // What stays in the cache, or is hidden behind the product, has a nest of its own.
  expect(traceOf("", separable(32, 16))[0]).toBe("sketch contraction");
  expect(traceOf("", separable(48, 128))[0]).toBe("sketch contraction");
});

test("a sketch with a producer finds loops of both nests, and fits only where that is computed so", () => {
  const own = (structure: string) => `sketch rows on wasm for sum(a * b)
  with a = ${structure}
  axis h = first parallel where extent(h) > 1
  axis c of a = last parallel where stride(x, c) == 1 and extent(c) == 64
  axis i of a = first reduction
  axis missing of a = last reduction where extent(missing) > 100 optional
  where readers(a) == 1 and elements(a) == 1024 and not bound(missing) { compute a at h; reorder a.ow, i, missing, c; vectorize c }`;
  const text = separable(4, 8);
  expect(traceOf(own("sum(x * k)"), text)).toEqual(["sketch rows", "compute a at oh", "reorder a.ow, a.kh, a.f", "vectorize a.f"]);
  expect(traceOf(own("max(x)"), text)[0]).toBe("sketch contraction");
  const given = "model m(x: f32[8, 16]) -> y: f32[8, 8] { matmul(x, @w: [16, 8] = he_normal) }";
  expect(traceOf(own("sum(x * k)"), given)[0]).toBe("sketch contraction");
});

test.each([
  ["a refused step", "schedule s on wasm for y {\n  split f by 3 tail shift\n  vectorize f.i\n}"],
  ["an unknown layer", "schedule s on wasm for yy { unroll m }"],
  ["an unknown step", "schedule s on wasm for y {\n  tile m by 4\n}"],
  ["an unknown function", "schedule s on wasm for y {\n  split m by gcd(8, 4)\n}"],
  ["a list for a factor", "schedule s on wasm for y {\n  split m by [4]\n}"],
])("%s is an error of the source", (name, schedule) => {
  const text = `${model}\n${schedule}\n`;
  const { value, diagnostics } = compile([{ file: "user.qn", text }]);
  expect(value).toBeUndefined();
  const rendered = diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, new Map([["user.qn", text]])));
  expectGolden(`schedule_error_${name.replaceAll(" ", "_")}`, rendered.join("\n\n"));
});

function traceOf(declaration: string, source = model): readonly string[] {
  const { nests } = compileText(`${source}\n${declaration}\n`).levels.loop();
  return (nests.find((nest) => nest.name === "y") as Nest).trace;
}
