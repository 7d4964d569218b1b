/** Arithmetic of indices against numbers: every result has the value that it should, in the one form that there is for it. */
import { expect, test } from "vitest";
import {
  add,
  constantIndex,
  evaluateIndex,
  floordiv,
  formatIndex,
  type Index,
  mod,
  offset,
  type Ranges,
  scale,
  substitute,
  subtract,
  variableIndex,
} from "../../src/ir/affine.ts";
import { createRandom, type Random } from "../../src/support/random.ts";

const names = ["i", "j", "k"];
const extent = 12;
const ranges: Ranges = { variable: () => ({ low: 0, high: extent - 1 }) };

function randomIndex(random: Random, depth: number): Index {
  const inner = () => randomIndex(random, depth - 1);
  if (depth === 0) return random.uniform() < 0.3 ? constantIndex(random.integer(-3, 3)) : variableIndex(random.pick(names));
  switch (random.pick(["add", "subtract", "scale", "offset", "floordiv", "mod"])) {
    case "add":
      return add(inner(), inner());
    case "subtract":
      return subtract(inner(), inner());
    case "scale":
      return scale(inner(), random.integer(-3, 3));
    case "offset":
      return offset(inner(), random.integer(-2, 2));
    case "floordiv":
      return floordiv(inner(), random.integer(1, 6), ranges);
    default:
      return mod(inner(), random.integer(1, 6), ranges);
  }
}

const none = () => {
  throw new Error("no index here reads a tensor");
};
const valueAt = (index: Index, point: ReadonlyMap<string, number>) => evaluateIndex(index, (name) => point.get(name) ?? 0, none);

function constantsOf({ constant, terms }: Index): number[] {
  const inside = terms.flatMap(({ atom }) => ("value" in atom ? constantsOf(atom.value) : []));
  return [constant, ...terms.map(({ coefficient }) => coefficient), ...inside];
}

test("sums, differences and multiples have the value of their parts, whichever comes first, and no minus zero", () => {
  for (let seed = 0; seed < 3000; seed++) {
    const random = createRandom(`affine/${seed}`);
    const [a, b] = [randomIndex(random, 2), randomIndex(random, 2)];
    const factor = random.integer(-3, 3);
    const point = new Map(names.map((name) => [name, random.integer(0, extent - 1)]));
    const results = [add(a, b), subtract(a, b), scale(a, factor)];
    const [left, right] = [valueAt(a, point), valueAt(b, point)];
    expect(results.map((index) => valueAt(index, point) + 0)).toEqual(
      [left + right, left - right, left * factor + 0].map((value) => value + 0),
    );
    expect(formatIndex(add(b, a))).toBe(formatIndex(add(a, b)));
    expect(results.flatMap(constantsOf).some((value) => Object.is(value, -0))).toBe(false);
  }
});

test("what replaces a variable has its value, and where none is replaced the index stays the same object", () => {
  for (let seed = 0; seed < 3000; seed++) {
    const random = createRandom(`affine/substitute/${seed}`);
    const index = randomIndex(random, 3);
    const by = randomIndex(random, 1);
    const point = new Map(names.map((name) => [name, random.integer(0, extent - 1)]));
    const replaced = substitute(index, (name) => (name === "i" ? by : undefined));
    expect(valueAt(replaced, point) + 0).toBe(valueAt(index, new Map(point).set("i", valueAt(by, point))) + 0);
    const plain = add(scale(variableIndex("i"), 3), offset(variableIndex("j"), 1));
    expect(substitute(plain, () => undefined)).toBe(plain);
  }
});
