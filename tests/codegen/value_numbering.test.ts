/** What shareValues computes once, and what it must not: contents of registers change, and a loop's body is a place of its own. */
import { expect, test } from "vitest";
import { shareValues } from "../../src/codegen/value_numbering.ts";
import type { KernelExpr, KernelStatement } from "../../src/ir/kernel.ts";

const get = (name: string): KernelExpr => ({ kind: "get", name, type: "f32" });
const add = (a: KernelExpr, b: KernelExpr): KernelExpr => ({ kind: "apply", function: "add", on: "f32", args: [a, b] });
const set = (name: string, value: KernelExpr): KernelStatement => ({ kind: "set", name, type: "f32", value });
const one: KernelExpr = { kind: "constant", type: "i32", value: 1 };
const when = (whenTrue: readonly KernelStatement[], otherwise: readonly KernelStatement[] = []): KernelStatement => ({
  kind: "if",
  condition: one,
  whenTrue,
  otherwise,
});

function shared(body: readonly KernelStatement[]): readonly KernelStatement[] {
  let count = 0;
  return shareValues(body, (stem) => `${stem}${count++}`);
}

const sum = add(get("a"), get("b"));

test("a value is computed once, and its parts with it", () => {
  const twice = add(sum, get("c"));
  expect(shared([set("x", twice), set("y", twice)])).toEqual([set("t0", twice), set("x", get("t0")), set("y", get("t0"))]);
});

test("what two branches need is computed before both; what one needs, inside it", () => {
  const body = [when([set("x", sum)], [set("y", sum)]), when([set("x", add(sum, sum)), set("z", add(get("c"), get("c")))])];
  const [first, ...rest] = shared(body);
  expect(first).toEqual(set("t0", sum));
  expect(rest[0]).toEqual(when([set("x", get("t0"))], [set("y", get("t0"))]));
  const inside = shared([when([set("x", sum), set("y", sum)])]);
  expect(inside).toEqual([when([set("t0", sum), set("x", get("t0")), set("y", get("t0"))])]);
});

test("a part that moves out of a branch with its whole is there before it", () => {
  const whole = add(sum, get("c"));
  const body = [when([set("x", whole), set("u", add(sum, get("d")))]), when([set("y", whole)])];
  expect(shared(body)).toEqual([
    set("t0", sum),
    set("t1", add(get("t0"), get("c"))),
    when([set("x", get("t1")), set("u", add(get("t0"), get("d")))]),
    when([set("y", get("t1"))]),
  ]);
});

test("a register that was set in between holds another value", () => {
  const body = [set("x", sum), set("a", get("c")), set("y", sum)];
  expect(shared(body)).toEqual(body);
  const branched = [set("x", sum), when([set("a", get("c"))]), set("y", sum)];
  expect(shared(branched)).toEqual(branched);
  const between = [when([set("a", get("c")), set("x", sum)], [set("y", sum)])];
  expect(shared(between)).toEqual(between);
});

test("a loop's body shares by itself, and what it sets is another value after it", () => {
  const loop: KernelStatement = { kind: "for", name: "i", extent: 4, body: [set("x", sum), set("y", sum), set("a", get("y"))] };
  expect(shared([set("u", sum), loop, set("v", sum)])).toEqual([
    set("u", sum),
    { ...loop, body: [set("t0", sum), set("x", get("t0")), set("y", get("t0")), set("a", get("y"))] },
    set("v", sum),
  ]);
});

test("zeros of both signs are two values", () => {
  const zero = (value: number): KernelExpr => add(get("a"), { kind: "constant", type: "f32", value });
  const body = [set("x", zero(0)), set("y", zero(-0))];
  expect(shared(body)).toEqual(body);
});
