/** Random operators of the user's own: comprehensions over named dimensions and packs, and expansions, each with one call of it. */
import { type Context, clamp, type Iterator, type Readable, randomReduction, randomValue } from "./expressions.ts";
import { type ComputedType, chance, computedTypes, freshName, type Generator, mark, markShape, type TensorInfo } from "./features.ts";

/** A call's text, and what it gives; several results are taken apart by the caller. */
export type Call = { readonly text: string; readonly results: readonly Omit<TensorInfo, "name">[] };

const mostElements = 240;

/** Declares an operator that fits the operands, and calls it. */
export function randomOperator(generator: Generator, operands: readonly TensorInfo[]): Call | undefined {
  const makers = [comprehension, comprehension, comprehension, comprehension, packOperator, variadicOperator, expansion, table];
  return generator.random.pick(makers)(generator, operands);
}

/** `op f(x: [n, c], k: [m]; a: int = 2) -> (y: f32[n, q = m + 1], z: i32[]) { y[i0, i1] = ... }` */
function comprehension(generator: Generator, operands: readonly TensorInfo[]): Call {
  const { random } = generator;
  const name = freshName(generator, "op");
  const parameters: string[] = [];
  const dimensions: Iterator[] = [];
  const tensors = operands.map((operand, position): Readable => {
    const own = `t${position}`;
    const extents = operand.shape.map((extent, d) => {
      const known = dimensions.filter((dimension) => dimension.extent === extent);
      const dimension = known.length > 0 && chance(generator, 0.6) ? random.pick(known) : { name: `d${position}${d}`, extent };
      if (!dimensions.includes(dimension)) dimensions.push(dimension);
      return dimension.name;
    });
    parameters.push(`${own}: ${operand.dtype}[${extents.join(", ")}]`);
    return { ...operand, name: own, extents };
  });
  const scalar = attributeFor(generator);
  const count = chance(generator, 0.2) ? 2 : 1;
  if (count > 1) mark(generator, "declaration: several results");
  const declared: string[] = [];
  const body: string[] = [...scalar.body];
  const results: Omit<TensorInfo, "name">[] = [];
  for (let r = 0; r < count; r++) {
    const dtype = random.pick(["f32", "f32", "f32", "i32", ...computedTypes]) as ComputedType;
    const axes = randomAxes(generator, dimensions, r);
    const context: Context = {
      generator,
      tensors,
      dimensions,
      iterators: axes.map(({ iterator }) => iterator),
      points: axes.reduce((n, { iterator }) => n * Math.max(1, iterator.extent), 1),
    };
    const reduces = dtype !== "bool" && chance(generator, 0.35);
    const raw = reduces ? randomReduction(context, dtype, random.integer(1, 3)) : randomValue(context, dtype, random.integer(1, 3));
    const plain = dtype !== "f32" || chance(generator, 0.2) ? raw : clamp(raw, "f32", 64);
    const attribute = dtype === "f32" && scalar.use && chance(generator, 0.7);
    const value = attribute ? { text: `(${plain.text}) * ${scalar.use}`, magnitude: plain.magnitude * 3 } : plain;
    declared.push(`y${r}: ${dtype}[${axes.map(({ extent }) => extent).join(", ")}]`);
    body.push(`y${r}[${axes.map(({ iterator }) => iterator.name).join(", ")}] = ${value.text}`);
    const shape = axes.map(({ iterator }) => iterator.extent);
    markShape(generator, shape);
    results.push({ dtype, shape, magnitude: value.magnitude });
  }
  const heads = count === 1 ? declared[0] : `(${declared.join(", ")})`;
  const attributes = scalar.declaration ? `; ${scalar.declaration}` : "";
  const infix = infixFor(generator, operands, count, attributes);
  generator.declarations.push(
    `op ${name}(${parameters.join(", ")}${attributes})${infix ? ` infix "${infix}"` : ""} -> ${heads} {\n  ${body.join("\n  ")}\n}`,
  );
  if (infix) return { text: `(${operands[0]?.name} ${infix} ${operands[1]?.name})`, results };
  const given = [...operands.map((operand) => operand.name), ...(scalar.given ? [scalar.given] : [])];
  return { text: `${name}(${given.join(", ")})`, results };
}

type Attribute = { readonly declaration?: string; readonly body: readonly string[]; readonly use?: string; readonly given?: string };

/** An attribute, a `let` or a `require` that the equations may use. */
function attributeFor(generator: Generator): Attribute {
  const { random } = generator;
  const roll = random.uniform();
  if (roll < 0.3) {
    const isGiven = chance(generator, 0.5);
    mark(generator, isGiven ? "declaration: attribute given" : "declaration: attribute default");
    return {
      declaration: "a: float = 2, b: int[2] = [1, 2]",
      body: [],
      use: chance(generator, 0.5) ? "a" : "b.1",
      ...(isGiven ? { given: "a: 0.5" } : {}),
    };
  }
  if (roll < 0.4) {
    mark(generator, "declaration: symbol attribute");
    mark(generator, "declaration: compile-time if");
    return {
      declaration: "mode: twice | once = twice",
      body: ['let factor = if mode == "twice" then 2 else 1'],
      use: "factor",
      ...(chance(generator, 0.5) ? { given: "mode: once" } : {}),
    };
  }
  if (roll < 0.5) {
    mark(generator, "declaration: definition");
    const name = freshName(generator, "def");
    generator.declarations.push(`def ${name}(k) = if k == 0 then 1 else ${name}(k - 1) + 1`);
    return { body: [`let size = ${name}(2) - 1`], use: "size" };
  }
  if (roll < 0.6) {
    mark(generator, "declaration: require");
    return { declaration: "p: int = 1", body: ['require p > 0, "p is positive"', "let [u, v] = [p, p + 1]"], use: "v" };
  }
  return { body: [] };
}

/** Notations that the library leaves free. */
function infixFor(generator: Generator, operands: readonly TensorInfo[], results: number, attributes: string): string | undefined {
  if (operands.length !== 2 || results !== 1 || attributes || !chance(generator, 0.5)) return undefined;
  const free = ["//", "%", "==", "<="].filter((symbol) => !generator.declarations.some((text) => text.includes(`infix "${symbol}"`)));
  const [symbol] = free;
  if (symbol) mark(generator, "declaration: infix operator");
  return symbol;
}

function randomAxes(generator: Generator, dimensions: readonly Iterator[], result: number): { iterator: Iterator; extent: string }[] {
  const { random } = generator;
  const axes: { iterator: Iterator; extent: string }[] = [];
  let elements = 1;
  const rank = random.pick([0, 1, 1, 2, 2, 2, 3, 3, 4]);
  for (let d = 0; d < rank; d++) {
    const dimension = dimensions.length > 0 && chance(generator, 0.6) ? random.pick(dimensions) : undefined;
    const own = random.pick([0, 1, 1, 2, 3, 4, 5, 8, 9, 16]);
    let extent = dimension ? dimension.extent : own === 0 && chance(generator, 0.7) ? 2 : own;
    let shown = dimension ? dimension.name : String(extent);
    if (dimension && chance(generator, 0.3)) {
      mark(generator, "declaration: result extent computed");
      [shown, extent] = random.pick([
        [`(${dimension.name} + 1) // 2`, (extent + 1) >> 1],
        [`q${result}${d} = ${dimension.name} + 1`, extent + 1],
        [`max(0, ${dimension.name} - 1)`, Math.max(0, extent - 1)],
      ] as const);
    }
    if (elements * extent > mostElements) break;
    elements *= Math.max(1, extent);
    // An iterator may have the name of its dimension.
    const isPlain = dimension && shown === dimension.name && !axes.some(({ iterator }) => iterator.name === dimension.name);
    const name = isPlain && chance(generator, 0.6) ? dimension.name : `i${d}`;
    axes.push({ iterator: { name, extent }, extent: shown });
  }
  return axes;
}

/** Operators of any rank over `...s`. */
function packOperator(generator: Generator, operands: readonly TensorInfo[]): Call | undefined {
  const [x] = operands;
  if (!x || x.dtype === "bool") return undefined;
  const name = freshName(generator, "pack");
  const result = { dtype: x.dtype, shape: x.shape, magnitude: x.magnitude };
  const kind = generator.random.integer(0, 3);
  markShape(generator, x.shape);
  if (kind === 0) {
    mark(generator, "declaration: pack elementwise");
    mark(generator, "declaration: type variable");
    generator.declarations.push(`op ${name}(x: kind[...s], y: kind[...s]) -> z: kind[...s] {\n  z[...i] = x[...i] + y[...i] * 2\n}`);
    return { text: `${name}(${x.name}, ${x.name})`, results: [{ ...result, magnitude: x.magnitude * 3 }] };
  }
  if (kind === 1) {
    mark(generator, "declaration: pack reversed");
    mark(generator, "index: reversed");
    const over = chance(generator, 0.5) ? "(s - 1 - i)" : "[for d in 0..count(s): s.(d) - 1 - i.(d)]";
    generator.declarations.push(`op ${name}(x: [...s]) -> y: [...s] {\n  y[...i] = x[...${over}]\n}`);
    return { text: `${name}(${x.name})`, results: [result] };
  }
  mark(generator, "declaration: pack reduced");
  const last = x.shape.at(-1);
  if (kind === 2 && last !== undefined) {
    generator.declarations.push(`op ${name}(x: [...s, c]) -> y: [...s] {\n  y[...i] = sum(c) x[...i, c]\n}`);
    return {
      text: `${name}(${x.name})`,
      results: [{ ...result, shape: x.shape.slice(0, -1), magnitude: x.magnitude * Math.max(1, last) }],
    };
  }
  generator.declarations.push(`op ${name}(x: [...s]) -> y: [...s] {\n  y[...i] = x[...i] - (max(...r in s) x[...r])\n}`);
  return { text: `${name}(${x.name})`, results: [{ ...result, magnitude: x.magnitude * 2 }] };
}

/** Operators of any number of operands. */
function variadicOperator(generator: Generator, operands: readonly TensorInfo[]): Call | undefined {
  const [x] = operands;
  if (!x || x.dtype === "bool") return undefined;
  const alike = operands.filter((operand) => operand.dtype === x.dtype && operand.shape.join() === x.shape.join());
  const all = generator.random.pick([alike, [...alike, x], [...alike, x, x]]);
  const name = freshName(generator, "all");
  mark(generator, "declaration: variadic");
  const call = `${name}(${all.map((operand) => operand.name).join(", ")})`;
  const magnitude = Math.max(...all.map((operand) => operand.magnitude));
  if (chance(generator, 0.5)) {
    mark(generator, "declaration: compile-time for");
    generator.declarations.push(`op ${name}(xs: [...s]*) -> y: [...s] {\n  y[...i] = sum_of([for x in xs: x[...i]])\n}`);
    return { text: call, results: [{ dtype: x.dtype, shape: x.shape, magnitude: magnitude * all.length }] };
  }
  mark(generator, "declaration: first");
  const otherwise = chance(generator, 0.5) ? " else 3" : "";
  generator.declarations.push(
    `op ${name}(xs: [...s]*) -> y: [count(xs) * 2, ...s] {\n  y[k, ...i] = first(j in 0..count(xs)) xs.(j)[...[for d in 0..count(s): if d == 0 then i.(0) + (k - j * 2) * s.(0) else i.(d)]]${otherwise}\n}`,
  );
  const shape = [all.length * 2, ...x.shape];
  return x.shape.length === 0
    ? fixScalarStack(generator, call, x, shape)
    : { text: call, results: [{ dtype: x.dtype, shape, magnitude: Math.max(3, magnitude) }] };
}

/** Tensors of rank 0 have no dimension to leave: the first always wins. */
function fixScalarStack(generator: Generator, text: string, x: TensorInfo, shape: readonly number[]): Call {
  markShape(generator, shape);
  return { text, results: [{ dtype: x.dtype, shape, magnitude: x.magnitude }] };
}

/** Operators that are written with others. */
function expansion(generator: Generator, operands: readonly TensorInfo[]): Call | undefined {
  const [x] = operands;
  if (!x || x.dtype === "bool") return undefined;
  const name = freshName(generator, "expand");
  const times = generator.random.integer(0, 3);
  mark(generator, "declaration: expansion");
  mark(generator, "declaration: compile-time for");
  mark(generator, "declaration: compile-time if");
  const given = [...(chance(generator, 0.5) ? [`times: ${times}`] : []), ...(chance(generator, 0.5) ? ["flag: false"] : [])];
  mark(generator, given.length > 0 ? "declaration: attribute given" : "declaration: attribute default");
  generator.declarations.push(`op ${name}(x: [...s]; times: int = 2, flag: bool = true) -> y: [...s] {
  let t = x
  for k in 0..times {
    t = t + x * k
  }
  if flag {
    y = relu(t)
  } else if times > 1 {
    y = t - 1
  } else {
    y = -t
  }
}`);
  for (const used of ["relu", "add", "sub", "neg", "mul"]) mark(generator, `library: ${used}`);
  return {
    text: `${name}(${[x.name, ...given].join(", ")})`,
    results: [{ dtype: x.dtype, shape: x.shape, magnitude: x.magnitude * 7 + 1 }],
  };
}

/** A constant table of integers, and a gather through it. */
function table(generator: Generator, operands: readonly TensorInfo[]): Call | undefined {
  const { random } = generator;
  const x = operands.find((operand) => operand.shape.length > 0 && !operand.shape.includes(0));
  if (!x) return undefined;
  const [maker, gather] = [freshName(generator, "table"), freshName(generator, "gather")];
  const length = random.integer(1, 6);
  const extent = x.shape[0] as number;
  generator.declarations.push(
    `op ${maker}(; n: int) -> y: i32[n] {\n  y[i] = (i*${random.integer(1, 5)} + ${random.integer(0, 5)}) % ${extent}\n}`,
  );
  if (chance(generator, 0.2)) {
    markShape(generator, [length]);
    return { text: `${maker}(n: ${length})`, results: [{ dtype: "i32", shape: [length], magnitude: extent }] };
  }
  const rest = x.shape.slice(1).map((_, d) => `r${d}`);
  const bounded = random.pick(["at[m] % n", "min(max(at[m], 0), n - 1)"]);
  mark(generator, "read: gather constant");
  mark(generator, "function: mod");
  generator.declarations.push(
    `op ${gather}(x: kind[n, ${rest.join(", ")}], at: i32[m]) -> y: kind[m, ${rest.join(", ")}] {\n  y[m, ${rest.join(", ")}] = x[${bounded}, ${rest.join(", ")}]\n}`,
  );
  const shape = [length, ...x.shape.slice(1)];
  markShape(generator, shape);
  return { text: `${gather}(${x.name}, ${maker}(n: ${length}))`, results: [{ dtype: x.dtype, shape, magnitude: x.magnitude }] };
}
