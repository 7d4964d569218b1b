/** A random Quern program as text, with what has to be known to run and judge it. */
import { chance, computedTypes, createGenerator, freshName, type Generator, mark, markShape, type TensorInfo } from "./features.ts";
import { randomLibraryCall } from "./library_calls.ts";
import { randomWeight } from "./library_support.ts";
import { type Call, randomOperator } from "./operators.ts";

export type RandomProgram = {
  readonly seed: number;
  readonly source: string;
  readonly features: ReadonlySet<string>;
  /** Whether floats are small integers and halves, with which every level computes exactly. */
  readonly exact: boolean;
  /** Whether rounding of floats may change a result by a whole step. */
  readonly discontinuous: boolean;
};

/** Values above this are clipped before they are used again. */
const largest = 64;

export function randomProgram(seed: number): RandomProgram {
  const generator = createGenerator(seed);
  const { random } = generator;
  const inputs = Array.from({ length: random.integer(1, 3) }, (_, i) => randomInput(generator, i));
  const pool = [...inputs];
  const lines: string[] = [];
  const steps = random.integer(3, 12);
  for (let i = 0; i < steps; i++) addStep(generator, pool, lines);
  const outputs = chooseOutputs(generator, pool, inputs);
  const parameters = inputs.map((input) => `${input.name}: ${input.dtype}[${input.shape.join(", ")}]`);
  const results = outputs.map((output, i) => `out${i}: ${output.dtype}[${output.shape.join(", ")}]`);
  lines.push(outputs.length === 1 ? (outputs[0] as TensorInfo).name : `(${outputs.map((output) => output.name).join(", ")})`);
  const head = `model random(${parameters.join(", ")}) -> ${results.length === 1 ? results[0] : `(${results.join(", ")})`}`;
  const source = [...generator.declarations, `${head} {\n  ${lines.join("\n  ")}\n}`].join("\n\n");
  return { seed, source, features: generator.features, exact: generator.exact, discontinuous: generator.discontinuous };
}

function randomInput(generator: Generator, position: number): TensorInfo {
  const { random } = generator;
  const dtype = random.pick(["f32", "f32", "f32", "f32", ...computedTypes] as const);
  mark(generator, `input: ${dtype}`);
  const shape =
    dtype === "f32" && chance(generator, 0.35)
      ? [random.integer(1, 2), random.integer(1, 6), random.integer(1, 6), random.pick([1, 2, 3, 4, 8])]
      : Array.from({ length: random.integer(0, 3) }, () => (chance(generator, 0.03) ? 0 : random.pick([1, 2, 3, 4, 5, 8])));
  markShape(generator, shape);
  return { name: `x${position}`, dtype, shape, magnitude: dtype === "bool" ? 1 : 4 };
}

/** One more line of the model; what it gives joins the pool. */
function addStep(generator: Generator, pool: TensorInfo[], lines: string[]): void {
  const { random } = generator;
  const roll = random.uniform();
  if (roll < 0.08) {
    addFunction(generator, pool, lines);
    return;
  }
  // Later values more often, so that programs are deep.
  const chosen = () => pool[Math.max(random.integer(0, pool.length - 1), random.integer(0, pool.length - 1))] as TensorInfo;
  const operands = Array.from({ length: random.integer(1, 3) }, chosen);
  const call = roll < 0.45 ? randomOperator(generator, operands) : randomLibraryCall(generator, pool);
  if (call) bind(generator, call, pool, lines);
}

function bind(generator: Generator, call: Call, pool: TensorInfo[], lines: string[]): void {
  if (/ [-+*/<] /.test(call.text)) mark(generator, "model: infix");
  const names = call.results.map(() => freshName(generator, "v"));
  lines.push(names.length === 1 ? `let ${names[0]} = ${call.text}` : `let (${names.join(", ")}) = ${call.text}`);
  if (chance(generator, 0.04)) {
    mark(generator, "model: shared subexpression");
    lines.push(names.length === 1 ? `let ${names[0]}_again = ${call.text}` : `let again = ${call.text}`);
    const [result] = call.results;
    if (names.length === 1 && result)
      pool.push({ ...result, name: `${names[0]}_again`, magnitude: limit(generator, result, `${names[0]}_again`, lines) });
  }
  call.results.forEach((result, i) => {
    const name = names[i] as string;
    pool.push({ ...result, name, magnitude: limit(generator, result, name, lines) });
  });
}

/** Clips what has grown too large; the name stays. */
function limit(generator: Generator, result: Call["results"][number], name: string, lines: string[]): number {
  if (result.magnitude <= largest || result.dtype === "bool") return result.magnitude;
  if (result.dtype !== "f32" || (result.magnitude === Infinity && chance(generator, 0.1))) return result.magnitude;
  mark(generator, "library: clip");
  lines.push(`${name} = clip(${name}, low: -8, high: 8)`);
  return 8;
}

/** A function with weights in a scope, called once or in a loop. */
function addFunction(generator: Generator, pool: TensorInfo[], lines: string[]): void {
  const found = pool.filter((tensor) => tensor.dtype === "f32" && tensor.shape.length > 0 && tensor.shape.length < 4);
  if (found.length === 0) return;
  const x = generator.random.pick(found);
  const c = x.shape.at(-1) as number;
  const name = freshName(generator, "layer");
  mark(generator, "model: function");
  mark(generator, "model: weight scope");
  const rank = x.shape.length;
  const dimensions = [...Array.from({ length: rank - 1 }, (_, d) => `n${d}`), "c"].join(", ");
  const scale = randomWeight(generator, [c], "w.").name;
  const bias = randomWeight(generator, [c], "w.deep.").name.replace(`[${c}]`, "[c]");
  generator.declarations.push(
    `fn ${name}(x: [${dimensions}], @w; twice: bool = false) {\n  let y = x * (${scale}) + (${bias})\n  if twice {\n    y = relu(y) + y\n  }\n  clip(y, low: -8, high: 8)\n}`,
  );
  for (const used of ["add", "mul", "clip"]) mark(generator, `library: ${used}`);
  const result = freshName(generator, "v");
  if (chance(generator, 0.5)) {
    mark(generator, "model: weights in a loop");
    lines.push(
      `let ${result} = ${x.name}`,
      `for k in 0..${generator.random.integer(1, 2)} {`,
      `  ${result} = ${name}(${result}, @blocks_${result}[k], twice: k == 1)`,
      "}",
    );
  } else lines.push(`let ${result} = ${x.name} |> ${name}(@part_${result}.inner${chance(generator, 0.5) ? ", twice: true" : ""})`);
  pool.push({ ...x, name: result, magnitude: Math.max(8, x.magnitude) });
}

/** Mostly the last values; now and then an input, or one value twice. */
function chooseOutputs(generator: Generator, pool: readonly TensorInfo[], inputs: readonly TensorInfo[]): TensorInfo[] {
  const made = pool.slice(inputs.length);
  const outputs = made.length > 0 ? [made.at(-1) as TensorInfo] : [pool[0] as TensorInfo];
  for (const value of made.slice(0, -1)) if (chance(generator, 0.3)) outputs.push(value);
  if (chance(generator, 0.04)) outputs.push(generator.random.pick(inputs));
  if (chance(generator, 0.04)) {
    outputs.push(generator.random.pick(outputs));
    mark(generator, "model: output twice");
  }
  if (outputs.some((output) => inputs.includes(output))) mark(generator, "model: input as output");
  if (outputs.length > 1) mark(generator, "model: several outputs");
  if (made.length > outputs.length) mark(generator, "model: unused value");
  return outputs;
}
