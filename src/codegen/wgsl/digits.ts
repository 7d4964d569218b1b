/**
 * Integers of a shader as sums over digits of an invocation's number along x: `coefficient * ((number / step) % modulus)`, the
 * modulus infinite for the highest digit. What depends on loops around is a multiple of each counter.
 */
import type { KernelExpr } from "../../ir/kernel.ts";

export type Digit = { readonly step: number; readonly modulus: number; readonly coefficient: number };

export type Sum = {
  readonly digits: readonly Digit[];
  readonly counters: ReadonlyMap<string, number>;
  readonly constant: number;
};

function constantSum(constant: number): Sum {
  return { digits: [], counters: new Map(), constant };
}

export function counterSum(name: string): Sum {
  return { digits: [], counters: new Map([[name, 1]]), constant: 0 };
}

export function digitSum(step: number, modulus: number): Sum {
  return { digits: joined([{ step, modulus, coefficient: 1 }]), counters: new Map(), constant: 0 };
}

/** The expression as a sum over digits; undefined where it is none. */
export function sumOf(expr: KernelExpr, known: ReadonlyMap<string, Sum>): Sum | undefined {
  if (expr.kind === "constant") return expr.type === "i32" ? constantSum(expr.value) : undefined;
  if (expr.kind === "get") return known.get(expr.name);
  if (expr.kind !== "apply" || expr.on !== "i32") return undefined;
  const [a, b] = expr.args.map((arg) => sumOf(arg, known));
  if (!a || !b) return undefined;
  const factor = b.digits.length === 0 && b.counters.size === 0 ? b.constant : undefined;
  switch (expr.function) {
    case "add":
      return added(a, b);
    case "mul":
      return factor === undefined ? undefined : scaled(a, factor);
    case "floordiv":
      return factor === undefined ? undefined : divided(a, factor);
    case "mod":
      return factor === undefined ? undefined : remainder(a, factor);
    default:
      return undefined;
  }
}

function added(a: Sum, b: Sum): Sum {
  const counters = new Map(a.counters);
  for (const [name, step] of b.counters) counters.set(name, (counters.get(name) ?? 0) + step);
  return { digits: joined([...a.digits, ...b.digits]), counters, constant: a.constant + b.constant };
}

function scaled({ digits, counters, constant }: Sum, factor: number): Sum {
  return {
    digits: joined(digits.map((digit) => ({ ...digit, coefficient: digit.coefficient * factor }))),
    counters: new Map([...counters].map(([name, step]) => [name, step * factor])),
    constant: constant * factor,
  };
}

/** floor((by * a + b) / by) = a + floor(b / by), where b is less than `by` or one digit. */
function divided({ digits, counters, constant }: Sum, by: number): Sum | undefined {
  if (counters.size > 0 || constant !== 0 || by <= 0) return undefined;
  const whole = digits
    .filter(({ coefficient }) => coefficient % by === 0)
    .map((digit) => ({ ...digit, coefficient: digit.coefficient / by }));
  const rest = digits.filter(({ coefficient }) => coefficient % by !== 0);
  if (isBelow(rest, by)) return { digits: joined(whole), counters, constant };
  const [digit, ...others] = rest;
  if (!digit || others.length > 0 || digit.coefficient !== 1) return undefined;
  if (digit.modulus % by !== 0 && digit.modulus !== Number.POSITIVE_INFINITY) return undefined;
  const quotient = { step: digit.step * by, modulus: digit.modulus / by, coefficient: 1 };
  return { digits: joined([...whole, quotient]), counters, constant };
}

function remainder({ digits, counters, constant }: Sum, by: number): Sum | undefined {
  if (counters.size > 0 || constant !== 0 || by <= 0) return undefined;
  const rest = digits.filter(({ coefficient }) => coefficient % by !== 0);
  if (isBelow(rest, by)) return { digits: rest, counters, constant };
  const [digit, ...others] = rest;
  if (!digit || others.length > 0 || digit.coefficient !== 1) return undefined;
  if (digit.modulus % by !== 0 && digit.modulus !== Number.POSITIVE_INFINITY) return undefined;
  return { digits: joined([{ ...digit, modulus: by }]), counters, constant };
}

function isBelow(digits: readonly Digit[], limit: number): boolean {
  if (digits.some(({ coefficient }) => coefficient < 0)) return false;
  return digits.reduce((most, { modulus, coefficient }) => most + coefficient * (modulus - 1), 0) < limit;
}

/** By step, without those that are always 0; two that follow each other in the number as in the sum are one. */
function joined(digits: readonly Digit[]): Digit[] {
  const result: Digit[] = [];
  const present = digits.filter(({ modulus, coefficient }) => modulus !== 1 && coefficient !== 0);
  for (const digit of present.sort((a, b) => a.step - b.step || a.modulus - b.modulus)) {
    const last = result.at(-1);
    if (last?.step === digit.step && last.modulus === digit.modulus) {
      result[result.length - 1] = { ...last, coefficient: last.coefficient + digit.coefficient };
    } else if (last && last.step * last.modulus === digit.step && last.coefficient * last.modulus === digit.coefficient) {
      result[result.length - 1] = { ...last, modulus: last.modulus * digit.modulus };
    } else result.push(digit);
  }
  return result.filter(({ coefficient }) => coefficient !== 0);
}
