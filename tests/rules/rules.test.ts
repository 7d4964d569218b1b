/**
 * Every rewrite rule, the library's and the example's: both sides mean the same wherever `where` holds; the rule fires
 * on such a program and leaves its meaning; it does not fire where `where` or a shape fails.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Compiled, compile } from "../../src/compile.ts";
import { parseSource } from "../../src/frontend/parse.ts";
import type { RuleDeclaration } from "../../src/ir/declaration.ts";
import { initializeWeights } from "../../src/ir/initialize.ts";
import type { NnProgram } from "../../src/ir/nn.ts";
import { applyOnce } from "../../src/passes/rewrite.ts";
import { interpretNn } from "../../src/semantics/interpret_nn.ts";
import { createRandom } from "../../src/support/random.ts";
import { exampleFile, full } from "../support.ts";
import { drawInstance, type Instance, libraryRules, modelOf, type RuleSource, textOf, wantedBy } from "./instances.ts";

const instances = full ? 60 : 5;
const tolerance = 1e-9;

/** The rules of examples/custom-op, with its operators but without its model and schedule. */
function exampleRules(): ReturnType<typeof libraryRules> {
  const file = exampleFile("custom-op");
  const text = readFileSync(file, "utf8");
  const declarations = parseSource(text, file).value?.declarations ?? [];
  const kept = declarations.filter(({ kind }) => kind === "op" || kind === "def" || kind === "rule");
  const source = { text, declarations: kept.map(({ span }) => text.slice(span.start, span.end)).join("\n\n") };
  return declarations.flatMap((rule) => (rule.kind === "rule" ? [{ rule, source }] : []));
}

const rules = [...libraryRules(), ...exampleRules()];

/** The program that rules are applied to: operators expanded, equal calls shared. */
function expanded(compiled: Compiled): NnProgram {
  return compiled.levels.nn("eliminate-common-subexpressions");
}

function ruleOf(compiled: Compiled, name: string): RuleDeclaration {
  const rule = compiled.module.rules.find((candidate) => candidate.name === name);
  if (!rule) throw new Error(`no rule ${name}`);
  return rule;
}

/** Where a rule holds is tested here, and not where it pays. */
function wherever({ when: _, ...rule }: RuleDeclaration): RuleDeclaration {
  return rule;
}

function valuesFor(compiled: Compiled, seed: string): Map<string, Float64Array> {
  const random = createRandom(`values/${seed}`);
  const inputs = compiled.source.inputs.map(
    ({ name, type }) => [name, Float64Array.from({ length: type.shape.reduce((a, b) => a * b, 1) }, () => random.normal())] as const,
  );
  return new Map([...inputs, ...initializeWeights(compiled.source.weights, seed)]);
}

function resultOf(program: NnProgram, given: ReadonlyMap<string, Float64Array>): Float64Array {
  return interpretNn(program, given).get(program.outputs[0]?.value ?? "") ?? new Float64Array();
}

function relativeDifference(a: Float64Array, b: Float64Array): number {
  if (a.length !== b.length) return Infinity;
  const largest = a.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0) / largest;
}

/** For the target that the rule is for. */
function compiledFor({ target }: RuleDeclaration, text: string): ReturnType<typeof compile> {
  return compile(text, target === "webgpu" ? { target } : {});
}

/** Instances of which both sides compile. */
function drawCompiling(
  rule: RuleDeclaration,
  source: RuleSource,
  count: number,
): { instance: Instance; left: Compiled; right: Compiled }[] {
  const random = createRandom(`rule/${rule.name}`);
  const found: { instance: Instance; left: Compiled; right: Compiled }[] = [];
  for (let attempt = 0; attempt < 200 * count && found.length < count; attempt++) {
    const instance = drawInstance(rule, random);
    const conditions = wantedBy(rule.where).conditions.map(({ span }) => textOf(span, source));
    const left = compiledFor(rule, modelOf(textOf(rule.pattern.span, source), rule, instance, source, conditions)).value;
    if (!left) continue;
    const { value: right, diagnostics } = compiledFor(rule, modelOf(textOf(rule.replacement.span, source), rule, instance, source));
    if (!right)
      throw new Error(
        `the left side compiles and the right one does not: ${diagnostics[0]?.message} for ${JSON.stringify([...instance.shapes])}`,
      );
    found.push({ instance, left, right });
  }
  return found;
}

describe.each(rules.map(({ rule, source }) => [rule.name, rule, source] as const))("%s", (name, rule, source) => {
  const drawn = drawCompiling(rule, source, instances);

  test("has instances", () => {
    expect(drawn.length).toBe(instances);
  });

  test("both sides mean the same", () => {
    for (const { instance, left, right } of drawn) {
      const given = valuesFor(left, name);
      expect([[...instance.shapes], relativeDifference(resultOf(left.source, given), resultOf(right.source, given)) <= tolerance]).toEqual([
        [...instance.shapes],
        true,
      ]);
    }
  });

  test("fires, and the program keeps its meaning and its interface", () => {
    for (const { instance, left } of drawn) {
      const program = expanded(left);
      const rewritten = applyOnce(program, wherever(ruleOf(left, name)));
      expect([[...instance.shapes], rewritten !== undefined]).toEqual([[...instance.shapes], true]);
      if (!rewritten) continue;
      const given = valuesFor(left, name);
      expect(relativeDifference(resultOf(program, given), resultOf(rewritten, given))).toBeLessThanOrEqual(tolerance);
      expect(rewritten.outputs.map((output) => output.name)).toEqual(program.outputs.map((output) => output.name));
    }
  });

  test("does not fire where `where` fails", () => {
    const wanted = wantedBy(rule.where);
    for (const { instance } of drawn) {
      for (const operand of [...wanted.constant, ...wanted.variable]) {
        const constants = new Set(instance.constants);
        if (!constants.delete(operand)) constants.add(operand);
        const compiled = compiledFor(rule, modelOf(textOf(rule.pattern.span, source), rule, { ...instance, constants }, source)).value;
        expect(
          compiled !== undefined && applyOnce(expanded(compiled), wherever(ruleOf(compiled, name))) !== undefined,
          `with ${operand} the other way, [${[...instance.shapes]}]`,
        ).toBe(false);
      }
    }
  });

  test("does not fire where a condition on shapes or attributes fails", () => {
    const random = createRandom(`unwanted/${name}`);
    const pattern = textOf(rule.pattern.span, source);
    let failing = 0;
    for (const { span } of wantedBy(rule.where).conditions) {
      for (let attempt = 0; attempt < 20; attempt++) {
        const instance = drawInstance(rule, random);
        const compiled = compiledFor(rule, modelOf(pattern, rule, instance, source)).value;
        if (!compiled || compiledFor(rule, modelOf(pattern, rule, instance, source, [textOf(span, source)])).value) continue;
        failing++;
        expect(applyOnce(expanded(compiled), wherever(ruleOf(compiled, name))) !== undefined, `with ${[...instance.attributes]}`).toBe(
          false,
        );
      }
    }
    expect(failing > 0).toBe(wantedBy(rule.where).conditions.length > 0);
  });

  test("does not fire on shapes that only broadcast", () => {
    for (const { instance } of drawn) {
      for (const [operand, shape] of instance.shapes) {
        const extent = shape[0] ?? 1;
        const declared = rule.operands.find((candidate) => candidate.name === operand)?.type.dimensions ?? [];
        if (shape.length !== 1 || extent === 1 || declared.some((dimension) => dimension.spread)) continue;
        for (const other of [[], [1], [2, 1, 1, extent]]) {
          const shapes = new Map(instance.shapes).set(operand, other);
          const compiled = compiledFor(rule, modelOf(textOf(rule.pattern.span, source), rule, { ...instance, shapes }, source)).value;
          expect(
            compiled !== undefined && applyOnce(expanded(compiled), wherever(ruleOf(compiled, name))) !== undefined,
            `with ${operand}: [${other}], [${[...instance.shapes]}]`,
          ).toBe(false);
        }
      }
    }
  });
});

test("a rule does not fire where an inner value has another use", () => {
  const compiled = compile(`model twice(x: f32[2, 3]) -> (y, z) {
    let product = matmul(x, @a: [3, 4] = he_normal)
    (product * @s: [4] = uniform(1, 2), product)
  }`).value;
  if (!compiled) throw new Error("does not compile");
  expect(applyOnce(expanded(compiled), ruleOf(compiled, "scale_into_matmul"))).toBeUndefined();
});

test("all rules together keep the meaning of a chain, and come to an end", () => {
  const { value: compiled } = compile(`model chain(x: f32[1, 6, 6, 3]) -> y {
    let a = conv2d(x, @k: [3, 3, 3, 4] = he_normal, pad: same) + (@b: [4] = uniform(-1, 1))
    let n = batch_norm(a, @g: [4] = uniform(1, 2), @c: [4] = uniform(-1, 1), @m: [4] = uniform(-1, 1), @v: [4] = uniform(1, 2))
    let d = depthwise_conv2d(n, @dk: [3, 3, 4, 1] = he_normal) * (@ds: [4] = uniform(1, 2))
    (d + (@e: [4] = uniform(-1, 1))) * (@f: [4] = uniform(1, 2)) + (@h: [4] = uniform(-1, 1))
  }`);
  if (!compiled) throw new Error("does not compile");
  const given = valuesFor(compiled, "chain");
  const rewritten = compiled.levels.nn();
  expect(relativeDifference(resultOf(compiled.source, given), resultOf(rewritten, given))).toBeLessThanOrEqual(tolerance);
  // What is left between input and output: two convolutions and the addition after each.
  const constant = new Set([...rewritten.weights, ...rewritten.constants].map((value) => value.name));
  const running = rewritten.nodes.filter((node) => {
    const isBuilt = node.operands.every((operand) => constant.has(operand));
    if (isBuilt) for (const result of node.results) constant.add(result.name);
    return !isBuilt;
  });
  expect(running.map((node) => node.operator)).toEqual(["conv2d", "add", "depthwise_conv2d", "add"]);
});

test("a rule for one target is applied there alone", () => {
  const source = "model m(x: f32[1, 512]) -> y { matmul(x, @k: [512, 40] = he_normal) }";
  const operatorsFor = (target: "wasm" | "webgpu") =>
    compile(source, { target })
      .value?.levels.nn()
      .nodes.map(({ operator }) => operator);
  expect(operatorsFor("wasm")).toEqual(["matmul"]);
  expect(operatorsFor("webgpu")).toEqual(["matmul_by_parts", "reduce_sum"]);
});

test("a rule for a target that there is not is refused", () => {
  const { diagnostics } = compile("rule r on gpu (x: [n]): x + x => x * 2\nmodel m(x: f32[2]) -> y { x + x }");
  expect(diagnostics.map(({ code, message }) => [code, message])).toEqual([["unknown-target", "there is no target `gpu`"]]);
});
