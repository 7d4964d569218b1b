/** Small functions that several instructions' worth of meaning share: integer division as the language defines it, f16, and the host's maths. */
import binaryen from "binaryen";
import type { ScalarFunction } from "../../ir/expr.ts";
import type { Ref } from "./spelling.ts";

export type Helpers = {
  /** floor(a / b) and a - b floor(a / b); 0 where b is 0. */
  floordiv(left: Ref, right: Ref): Ref;
  mod(left: Ref, right: Ref): Ref;
  /** Between the bits of an f16 in an i32 and an f32. */
  f16ToF32(bits: Ref): Ref;
  f32ToF16(value: Ref): Ref;
  host(name: ScalarFunction, args: readonly Ref[]): Ref;
  /** Adds the functions that were asked for. */
  finish(): void;
};

export function addHelpers(module: binaryen.Module): Helpers {
  const wanted = new Map<string, () => void>();
  const call = (name: string, args: readonly Ref[], result: number, make: () => void): Ref => {
    wanted.set(name, make);
    return module.call(name, args, result);
  };
  const { i32, f32 } = module;
  const a = () => module.local.get(0, binaryen.i32);
  const b = () => module.local.get(1, binaryen.i32);
  const pair = binaryen.createType([binaryen.i32, binaryen.i32]);
  /** The remainder toward 0, which has the sign of a, and whether that makes it differ from the one toward minus infinity. */
  const remainder = () => module.local.get(2, binaryen.i32);
  const crosses = () => i32.and(i32.ne(remainder(), i32.const(0)), i32.lt_s(i32.xor(remainder(), b()), i32.const(0)));
  const makeMod = () => {
    // rem_s does not trap on the smallest integer by -1; only 0 does.
    const body = module.block(
      null,
      [
        module.if(i32.eqz(b()), module.return(i32.const(0))),
        module.local.set(2, i32.rem_s(a(), b())),
        module.select(crosses(), i32.add(remainder(), b()), remainder()),
      ],
      binaryen.i32,
    );
    module.addFunction("mod", pair, binaryen.i32, [binaryen.i32], body);
  };
  const makeFloordiv = () => {
    const byMinusOne = module.if(i32.eq(b(), i32.const(-1)), module.return(i32.sub(i32.const(0), a())));
    const body = module.block(
      null,
      [
        module.if(i32.eqz(b()), module.return(i32.const(0))),
        byMinusOne,
        module.local.set(2, i32.rem_s(a(), b())),
        i32.sub(i32.div_s(a(), b()), crosses()),
      ],
      binaryen.i32,
    );
    module.addFunction("floordiv", pair, binaryen.i32, [binaryen.i32], body);
  };
  /** Exponent and fraction move 13 bits up and 2^112 makes good the difference of the biases, subnormals included. */
  const makeF16ToF32 = () => {
    const magnitude = i32.shl(i32.and(a(), i32.const(0x7fff)), i32.const(13));
    const value = f32.mul(f32.reinterpret(magnitude), f32.const(2 ** 112));
    const isSpecial = i32.eq(i32.and(a(), i32.const(0x7c00)), i32.const(0x7c00));
    const special = i32.or(i32.const(0x7f800000), i32.shl(i32.and(a(), i32.const(0x3ff)), i32.const(13)));
    const sign = i32.shl(i32.and(a(), i32.const(0x8000)), i32.const(16));
    const body = f32.reinterpret(i32.or(module.select(isSpecial, special, i32.reinterpret(value)), sign));
    module.addFunction("f16_to_f32", binaryen.createType([binaryen.i32]), binaryen.f32, [], body);
  };
  /** Adding a power of two that puts the last kept bit at the last place rounds to nearest, halves to even. */
  const makeF32ToF16 = () => {
    const bits = () => module.local.get(1, binaryen.i32);
    const magnitude = () => i32.and(bits(), i32.const(0x7fffffff));
    const exponent = i32.and(magnitude(), i32.const(0x7f800000));
    const clamped = module.select(
      i32.lt_s(exponent, i32.const(0x38800000)),
      i32.const(0x38800000),
      i32.and(magnitude(), i32.const(0x7f800000)),
    );
    const anchor = () => module.local.get(2, binaryen.i32);
    const rounded = f32.sub(f32.add(f32.reinterpret(magnitude()), f32.reinterpret(anchor())), f32.reinterpret(anchor()));
    const scaled = i32.shr_u(i32.reinterpret(f32.mul(rounded, f32.const(2 ** -112))), i32.const(13));
    const finite = module.select(i32.gt_s(magnitude(), i32.const(0x477fefff)), i32.const(0x7c00), scaled);
    const special = module.select(i32.gt_s(magnitude(), i32.const(0x7f800000)), i32.const(0x7e00), finite);
    const sign = i32.and(i32.shr_u(bits(), i32.const(16)), i32.const(0x8000));
    const body = module.block(
      null,
      [
        module.local.set(1, i32.reinterpret(module.local.get(0, binaryen.f32))),
        module.local.set(2, i32.add(clamped, i32.const(13 << 23))),
        i32.or(special, sign),
      ],
      binaryen.i32,
    );
    module.addFunction("f32_to_f16", binaryen.createType([binaryen.f32]), binaryen.i32, [binaryen.i32, binaryen.i32], body);
  };
  return {
    mod: (left, right) => call("mod", [left, right], binaryen.i32, makeMod),
    floordiv: (left, right) => call("floordiv", [left, right], binaryen.i32, makeFloordiv),
    f16ToF32: (bits) => call("f16_to_f32", [bits], binaryen.f32, makeF16ToF32),
    f32ToF16: (value) => call("f32_to_f16", [value], binaryen.i32, makeF32ToF16),
    host: (name, args) =>
      call(`host ${name}`, args, binaryen.f64, () => {
        const parameters = binaryen.createType(args.map(() => binaryen.f64));
        module.addFunctionImport(`host ${name}`, "host", name, parameters, binaryen.f64);
      }),
    finish: () => {
      for (const make of wanted.values()) make();
    },
  };
}
