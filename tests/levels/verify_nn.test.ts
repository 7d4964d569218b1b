import { expect, test } from "vitest";
import { verifyNn } from "../../src/ir/verify_nn.ts";
import { type Break, testCoverage, testVerifier } from "./broken.ts";
import { parsed } from "./levels.ts";

const text = `quern nn 1
program p

input %x: f32[2, 3]
input %m: bool[2, 3]

weight %k: f32[3, 4] path "dense.kernel" = he_normal
weight %b: f32[4]

constant %c: i32[2] = [1, 2]

%y = matmul(%x, %k; transposed: false, size: 3, mode: same, pads: [0, 1]) : f32[2, 4]
%z = join(%y, %y; rate: 0.5) : f32[4, 4]
%w = to(%x; to: i8) : i8[2, 3]
%u, %v = both(%x, %m) : f32[2, 3], bool[3]

output first = %z
output second = %v

declarations

def double(a) = 2 * a

op matmul(a: [n, c], b: [c, f]; transposed: bool, size: int, mode: same | valid, pads: int[2]) -> y: [n, f] {
  y[n, f] = sum(c) a[n, c] * b[c, f]
}

op join(xs: [n, ...s]*; rate: float) -> y: [t, ...s] {
  let t = double(n)
  y[i, ...j] = first(k in 0..count(xs)) xs.k[i - k * n, ...j]
}

op to(x: from[...s]; to: dtype) -> y: to[...s] {
  y[...i] = convert(x[...i], to)
}

op both(x: [n, 3], m: bool[n, 3]) -> (y: [n, 3], z: bool[3]) {
  y[n, i] = x[n, i]
  z[i] = m[0, i]
}
`;

const breaks: readonly Break[] = [
  ["defined-twice", "input %m:", "input %x:"],
  ["defined-twice", "%z = join", "%y = join"],
  ["constant-size", "[1, 2]\n", "[1, 2, 3]\n"],
  ["constant-value", "[1, 2]\n", "[1, 2.5]\n"],
  ["path-twice", "weight %b: f32[4]", 'weight %b: f32[4] path "dense.kernel"'],
  ["undefined-value", "matmul(%x, %k;", "matmul(%z, %k;"],
  ["undefined-value", "output first = %z", "output first = %q"],
  ["unknown-operator", "= join(", "= concat("],
  ["output-twice", "output second", "output first"],
  ["operand-count", "matmul(%x, %k;", "matmul(%x;"],
  ["operand-count", "join(%y, %y;", "to(%x, %x;"],
  ["result-count", "%u, %v = both(%x, %m) : f32[2, 3], bool[3]", "%v = both(%x, %m) : bool[3]"],
  ["operand-type", "matmul(%x, %k;", "matmul(%x, %x;"],
  ["operand-type", "matmul(%x, %k;", "matmul(%b, %k;"],
  ["operand-type", "join(%y, %y;", "join(%y, %c;"],
  ["operand-type", "both(%x, %m)", "both(%x, %x)"],
  ["operand-type", "input %x: f32[2, 3]", "input %x: f32[2, 5]"],
  ["result-type", "pads: [0, 1]) : f32[2, 4]", "pads: [0, 1]) : f32[2, 5]"],
  ["result-type", "pads: [0, 1]) : f32[2, 4]", "pads: [0, 1]) : f32[2, 4, 1]"],
  ["result-type", "pads: [0, 1]) : f32[2, 4]", "pads: [0, 1]) : i32[2, 4]"],
  ["result-type", ": f32[4, 4]", ": f32[4, 5]"],
  ["result-type", ": i8[2, 3]", ": u8[2, 3]"],
  ["result-type", ": i8[2, 3]", ": i8[6]"],
  ["result-type", "bool[3]\n\noutput", "bool[4]\n\noutput"],
  ["attribute-name", "rate: 0.5", "speed: 0.5"],
  ["attribute-name", "; rate: 0.5", ""],
  ["attribute-type", "transposed: false", "transposed: 0"],
  ["attribute-type", "size: 3", "size: 3.5"],
  ["attribute-type", "mode: same,", "mode: other,"],
  ["attribute-type", "pads: [0, 1])", "pads: [0, true])"],
  ["attribute-type", "to: i8)", "to: i7)"],
  // What no text can say: see below.
  ["type-extent", "", ""],
  ["declaration-name", "", ""],
];

testVerifier(
  "verifyNn refuses",
  text,
  breaks.filter(([, from]) => from !== ""),
);
testCoverage(["verify_nn.ts"], breaks);

test("type-extent and declaration-name, in data that no text gives", () => {
  const at = parsed(text);
  if (at.level !== "nn") throw new Error("not nn");
  const { program } = at;
  const codes = (changed: typeof program) => verifyNn(changed).map((diagnostic) => diagnostic.code);
  expect(codes({ ...program, inputs: [...program.inputs, { name: "n", type: { dtype: "f32", shape: [-1] } }] })).toContain("type-extent");
  const definition = program.definitions.get("double");
  if (!definition) throw new Error("no definition");
  expect(codes({ ...program, definitions: new Map([["twice", definition]]) })).toContain("declaration-name");
});
