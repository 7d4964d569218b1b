/** Functions that a shader brings along where it uses them: what WGSL has no operator for. */

export type Helper =
  | "floordiv"
  | "modulo"
  | "infinity"
  | "not_a_number"
  | "runtime_f32"
  | "runtime_i32"
  | "saturated"
  | "saturated_lanes"
  | "not_number"
  | "not_number_lanes"
  | "replaced_f32"
  | "replaced_i32"
  | "element_i8"
  | "element_u8"
  | "element_f16"
  | "bits_f16";

/** Each with the helpers that it calls. */
const helpers: { readonly [name in Helper]: { readonly text: string; readonly uses?: readonly Helper[] } } = {
  floordiv: {
    text: `/// Rounds down; dividing by 0 gives 0.
fn floordiv(a: i32, b: i32) -> i32 {
  if (b == 0) { return 0; }
  let quotient = a / b;
  return select(quotient, quotient - 1, quotient * b != a && (a < 0) != (b < 0));
}`,
  },
  modulo: {
    text: `/// Has the sign of b; by 0 it is 0.
fn modulo(a: i32, b: i32) -> i32 {
  if (b == 0) { return 0; }
  return a - b * floordiv(a, b);
}`,
    uses: ["floordiv"],
  },
  infinity: {
    text: `/// WGSL has no infinite constants, and folds none: the bits are read from a variable.
var<private> infinity_bits: u32 = 0x7f800000u;
fn infinity() -> f32 { return bitcast<f32>(infinity_bits); }`,
  },
  not_a_number: {
    text: "fn not_a_number() -> f32 { return bitcast<f32>(infinity_bits | 0x400000u); }",
    uses: ["infinity"],
  },
  runtime_f32: {
    text: "/// Keeps what is constant from being evaluated, and refused, by the compiler of the shader.\nfn runtime_f32(x: f32) -> f32 { return x; }",
  },
  runtime_i32: { text: "fn runtime_i32(x: i32) -> i32 { return x; }" },
  saturated: {
    text: `/// WGSL ends at the largest f32 below 2^31.
fn saturated(x: f32) -> i32 { return select(i32(x), 2147483647, x >= 2147483648f); }`,
  },
  saturated_lanes: {
    text: "fn saturated_lanes(x: vec4f) -> vec4i { return select(vec4i(x), vec4i(2147483647), x >= vec4f(2147483648f)); }",
  },
  not_number: {
    text: `/// A device may take comparisons for those of finite numbers: the bits say it.
fn not_number(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }`,
  },
  not_number_lanes: {
    text: "fn not_number_lanes(x: vec4f) -> vec4<bool> { return (bitcast<vec4u>(x) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u); }",
  },
  replaced_f32: { text: "fn replaced_f32(v: vec4f, lane: i32, x: f32) -> vec4f { var w = v; w[lane] = x; return w; }" },
  replaced_i32: { text: "fn replaced_i32(v: vec4i, lane: i32, x: i32) -> vec4i { var w = v; w[lane] = x; return w; }" },
  element_i8: {
    text: "/// Four elements lie in a word, the first in its lowest bits.\nfn element_i8(word: u32, at: i32) -> i32 { return extractBits(bitcast<i32>(word), u32(at & 3) * 8u, 8u); }",
  },
  element_u8: { text: "fn element_u8(word: u32, at: i32) -> i32 { return i32(extractBits(word, u32(at & 3) * 8u, 8u)); }" },
  element_f16: { text: "fn element_f16(word: u32, at: i32) -> f32 { return unpack2x16float(word)[at & 1]; }" },
  bits_f16: {
    text: `/// To the nearest f16, ties to even; pack2x16float may round otherwise, and refuse what is too large.
fn bits_f16(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  let sign = (bits >> 16u) & 0x8000u;
  let magnitude = bits & 0x7fffffffu;
  if (magnitude >= 0x7f800000u) { return sign | select(0x7c00u, 0x7e00u, magnitude > 0x7f800000u); }
  if (magnitude >= 0x477ff000u) { return sign | 0x7c00u; }
  if (magnitude < 0x33000001u) { return sign; }
  let exponent = magnitude >> 23u;
  // Below 2^-14 the steps stay as wide as they are there.
  let shift = select(13u, 126u - exponent, exponent < 113u);
  let fraction = select(magnitude - 0x38000000u, (magnitude & 0x7fffffu) | 0x800000u, exponent < 113u);
  let half = 1u << (shift - 1u);
  let rest = fraction & ((1u << shift) - 1u);
  let steps = fraction >> shift;
  return sign | (steps + select(0u, 1u, rest > half || (rest == half && (steps & 1u) == 1u)));
}`,
  },
};

/** The text of those that are used, callees first. */
export function helperTexts(used: ReadonlySet<Helper>): string[] {
  const needed = new Set<Helper>();
  const need = (name: Helper): void => {
    for (const callee of helpers[name].uses ?? []) need(callee);
    needed.add(name);
  };
  for (const name of [...used].sort()) need(name);
  return [...needed].map((name) => helpers[name].text);
}

export const helperNames: readonly string[] = [...Object.keys(helpers), "infinity_bits"];
