/** What the makers of library calls share: the pool they choose from, weights, shapes, and how a call is written. */
import { type ComputedType, chance, freshName, type Generator, mark, type TensorInfo } from "./features.ts";
import type { Call } from "./operators.ts";

/** A new weight of the shape, as it is written where it is used; `scope` stands before its name. */
export function randomWeight(generator: Generator, shape: readonly number[], scope = ""): TensorInfo {
  const { random } = generator;
  const kind = random.pick(["zeros", "ones", "constant", "uniform", "uniform", "he_normal", "glorot_uniform"]);
  mark(generator, `initialiser: ${kind}`);
  const initializer = kind === "constant" ? `constant(${random.integer(-2, 2)})` : kind === "uniform" ? "uniform(-2, 2)" : kind;
  return { name: `@${scope}${freshName(generator, "w")}: [${shape.join(", ")}] = ${initializer}`, dtype: "f32", shape, magnitude: 3 };
}

/** Makes a call from what the model has at hand; undefined where nothing fits. */
export type Maker = (generator: Generator, pool: readonly TensorInfo[]) => Call | undefined;

export const isNumber = (tensor: TensorInfo) => tensor.dtype !== "bool";
export const isFloat = (tensor: TensorInfo) => tensor.dtype === "f32";

/** One of those in the pool that will do. */
export function pick(generator: Generator, pool: readonly TensorInfo[], accepts: (tensor: TensorInfo) => boolean): TensorInfo | undefined {
  const found = pool.filter(accepts);
  return found.length > 0 ? generator.random.pick(found) : undefined;
}

/** The shape to which two shapes broadcast. */
export function broadcast(s: readonly number[], t: readonly number[]): number[] | undefined {
  const rank = Math.max(s.length, t.length);
  const shape: number[] = [];
  for (let d = 0; d < rank; d++) {
    const [a, b] = [s[d + s.length - rank] ?? 1, t[d + t.length - rank] ?? 1];
    if (a !== b && a !== 1 && b !== 1) return undefined;
    shape.push(a === 1 ? b : a);
  }
  return shape;
}

export function count(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

export function most(dtype: TensorInfo["dtype"]): number {
  return { f32: Infinity, i32: 2 ** 31, i8: 128, u8: 255, bool: 1 }[dtype as ComputedType];
}

/** A call as a pipeline or plainly. */
export function call(generator: Generator, name: string, x: string, rest: readonly string[] = []): string {
  if (!chance(generator, 0.5)) return `${name}(${[x, ...rest].join(", ")})`;
  mark(generator, "model: pipeline");
  return rest.length === 0 && chance(generator, 0.5) ? `${x} |> ${name}` : `${x} |> ${name}(${rest.join(", ")})`;
}
