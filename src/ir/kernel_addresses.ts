/** Addresses that are sums of a buffer's begin and multiples of loop counters: exactly those whose bounds can be told. */
import type { KernelExpr, KernelStatement } from "./kernel.ts";

/** `bases` counts how often each buffer's begin is added; `terms` are bytes per step of each counter. */
export type Linear = {
  readonly bases: ReadonlyMap<string, number>;
  readonly terms: ReadonlyMap<string, number>;
  readonly constant: number;
};

export type LinearScope = {
  /** Counters in scope with their extents. */
  readonly loops: Map<string, number>;
  /** Registers that are assigned once, to something linear. */
  readonly known: Map<string, Linear>;
  readonly assignments: ReadonlyMap<string, number>;
};

export function linearOf(expr: KernelExpr, scope: LinearScope): Linear | undefined {
  switch (expr.kind) {
    case "constant":
      return expr.type === "i32" ? { bases: new Map(), terms: new Map(), constant: expr.value } : undefined;
    case "base":
      return { bases: new Map([[expr.buffer, 1]]), terms: new Map(), constant: 0 };
    case "get":
      if (scope.loops.has(expr.name)) return { bases: new Map(), terms: new Map([[expr.name, 1]]), constant: 0 };
      return scope.known.get(expr.name);
    case "apply":
      return applicationOf(expr, scope);
    default:
      return undefined;
  }
}

/** `p = p + 16`: the register and the bytes it advances by. */
export function stepOf(statement: KernelStatement): { readonly register: string; readonly bytes: number } | undefined {
  if (statement.kind !== "set" || statement.value.kind !== "apply" || statement.value.function !== "add") return undefined;
  const [left, right] = statement.value.args;
  const isStep = left?.kind === "get" && left.name === statement.name && right?.kind === "constant" && right.type === "i32";
  return isStep ? { register: statement.name, bytes: right.value } : undefined;
}

/** `begin` and `bytes` for each iteration of the loop. */
export function advancedBy(begin: Linear, loop: string, bytes: number): Linear {
  return { ...begin, terms: new Map(begin.terms).set(loop, (begin.terms.get(loop) ?? 0) + bytes) };
}

/** Offsets from the begin of `buffer` that an address takes; every bound is reached, as counters do not depend on each other. */
export function addressRange(linear: Linear, buffer: string, { loops }: LinearScope): { low: number; high: number } | undefined {
  const bases = [...linear.bases].filter(([, count]) => count !== 0);
  if (bases.length !== 1 || bases[0]?.[0] !== buffer || bases[0][1] !== 1) return undefined;
  let low = linear.constant;
  let high = linear.constant;
  for (const [name, step] of linear.terms) {
    const extent = loops.get(name);
    if (extent === undefined) return undefined;
    low += Math.min(0, step * (extent - 1));
    high += Math.max(0, step * (extent - 1));
  }
  return { low, high };
}

function applicationOf(expr: Extract<KernelExpr, { kind: "apply" }>, scope: LinearScope): Linear | undefined {
  if (expr.on !== "i32") return undefined;
  const [left, right] = expr.args.map((arg) => linearOf(arg, scope));
  if (!left || !right) return undefined;
  if (expr.function === "add") return sum(left, right, 1);
  if (expr.function === "sub") return sum(left, right, -1);
  const number = right.bases.size === 0 && right.terms.size === 0 ? right.constant : undefined;
  if (number === undefined) return undefined;
  const zero: Linear = { bases: new Map(), terms: new Map(), constant: 0 };
  if (expr.function === "mul") return sum(zero, left, number);
  return expr.function === "shift_left" && number >= 0 && number < 31 ? sum(zero, left, 2 ** number) : undefined;
}

/** left + factor * right */
function sum(left: Linear, right: Linear, factor: number): Linear {
  const join = (a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>) => {
    const joined = new Map(a);
    for (const [name, count] of b) joined.set(name, (joined.get(name) ?? 0) + factor * count);
    return joined;
  };
  return {
    bases: join(left.bases, right.bases),
    terms: join(left.terms, right.terms),
    constant: left.constant + factor * right.constant,
  };
}
