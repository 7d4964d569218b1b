/** i8 and u8 wrap after every operation, alone and in vectors of four; what is left of a division has the divisor's sign. */
import { expect, test } from "vitest";
import { createReference, createWasm } from "../../src/pipeline/execute.ts";
import { compileText } from "../support.ts";

const wrap = { i8: (value: number) => (value << 24) >> 24, u8: (value: number) => value & 0xff };

const restOf8 = "op rest_of_8(x: i32[n]) -> y: i32[n] { y[i] = x[i] % 8 }";

test.each(["i8", "u8"] as const)("%s wraps", (dtype) => {
  for (const extent of [3, 8]) {
    const type = `${dtype}[${extent}]`;
    const body = "((x * y + x) // 3, cast(x + y, to: i32), x * x * y, rest_of_8(cast(x, to: i32)))";
    const compiled = compileText(
      `${restOf8}\nmodel m(x: ${type}, y: ${type}) -> (a: ${type}, b: i32[${extent}], c: ${type}, d: i32[${extent}]) {\n  ${body}\n}\n`,
    );
    const x = Float64Array.from({ length: extent }, (_, i) => wrap[dtype](100 + 31 * i));
    const y = Float64Array.from({ length: extent }, (_, i) => wrap[dtype](77 + 53 * i));
    const each = (f: (x: number, y: number) => number) => Array.from(x, (value, i) => f(value, y[i] as number));
    const wrapped = wrap[dtype];
    const inputs = new Map([
      ["x", x],
      ["y", y],
    ]);
    for (const create of [createReference, createWasm]) {
      const results = create(compiled, new Map()).run(inputs);
      expect([...(results.get("a") ?? [])]).toEqual(each((p, q) => Math.floor(wrapped(wrapped(p * q) + p) / 3)));
      expect([...(results.get("b") ?? [])]).toEqual(each((p, q) => wrapped(p + q)));
      expect([...(results.get("c") ?? [])]).toEqual(each((p, q) => wrapped(wrapped(p * p) * q)));
      expect([...(results.get("d") ?? [])]).toEqual(each((p) => ((p % 8) + 8) % 8));
    }
  }
});
