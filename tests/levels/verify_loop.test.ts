import { describe, expect, test } from "vitest";
import { verifyLevel } from "../../src/ir/level_program.ts";
import { verifyLoop } from "../../src/ir/verify_loop.ts";
import { type Break, testCoverage, testVerifier } from "./broken.ts";
import { parsed } from "./levels.ts";

const text = `quern loop 1
program p
arena 1024

inputs x
output y = y
output w = w

input x: f32[4, 8] offset 0
weight k: f32[8, 8] = he_normal
derived kk: f32[8, 8]
temporary pad: f32[4, 8] halo before [1, 0] after [1, 0] fill 0 offset 128
temporary y: f32[4, 8] offset 320
temporary z: f32[4, 8] offset 448
temporary w: f32[4, 8] overwrites z offset 448

nest kk build -> kk {
  for a in 8 {
    for b in 8 {
      kk[a, b] = k[b, a]
    }
  }
}

nest pad.halo run -> pad {
  for h0 in 8 vectorize {
    pad[-1, h0] = 0
  }
  for h1 in 8 vectorize {
    pad[4, h1] = 0
  }
}

nest pad run -> pad {
  for p0 in 4 {
    for p1 in 8 {
      pad[p0, p1] = x[p0, p1]
    }
  }
}

nest y run -> y {
  trace "by hand"
  for i in 4 {
    for c in 8 {
      for j in 8 {
        y[i, j] = reduce sum over c into y.acc: f32 {
          value pad[i - 1, c] * kk[c, j]
          where index(c) < 7_i32
          finish max(y.acc, k[0, j])
        }
      }
    }
  }
}

nest z run -> z {
  for i in 4 {
    for o in 2 {
      local t: f32[4] register {
        for u in 4 unroll {
          t[u] = 0
        }
        for c in 8 {
          for v in 4 vectorize {
            if index(c) < 5_i32 {
              t[v] += x[i, c] * kk[c, o*4 + v] where x[i, c] > 0
            }
          }
        }
        for q in 4 unroll {
          z[i, o*4 + q] = t[q]
        }
      }
    }
  }
}

nest w run -> w {
  for i in 4 {
    for j in 8 {
      w[i, j] = z[i, j] + 1
    }
  }
}
`;

const lastNest = `for i in 4 {
    for j in 8 {
      w[i, j] = z[i, j] + 1
    }
  }`;

/** With a tile that a workgroup shares, filled by one statement and read by another. */
const sharing = (loop: string, fill: string) => `for i in 4 invocation.x {
    local s: f32[8] workgroup {
      ${loop} {
        s[a] = ${fill}
      }
      for j in 8 {
        w[i, j] = s[j]
      }
    }
  }`;

const breaks: readonly Break[] = [
  ["nest-twice", "nest w run", "nest z run"],
  ["nest-result", "nest kk build -> kk", "nest kk build -> k"],
  ["nest-result", "nest kk build -> kk", "nest kk build -> nothing"],
  ["not-written", "derived kk: f32[8, 8]", "derived kk: f32[8, 8]\ntemporary more: f32[1] offset 600"],
  ["loop-twice", "for b in 8 {", "for a in 8 {"],
  ["vectorize-extent", "for h0 in 8 vectorize", "for h0 in 6 vectorize"],
  ["bind-twice", "for c in 8 {\n      for j in 8 {", "for c in 8 workgroup.x {\n      for j in 8 workgroup.x {"],
  ["workgroup-tile", lastNest, sharing("for a in 8", "x[0, a]")],
  ["cooperative-loop", lastNest, sharing("for a in 8 cooperative", "x[i, a]")],
  ["cooperative-loop", "for p1 in 8 {", "for p1 in 8 cooperative {"],
  ["vectorize-nested", "for c in 8 {\n          for v", "for c in 8 vectorize {\n          for v"],
  ["vectorize-reduce", "for c in 8 {\n      for j", "for c in 8 vectorize {\n      for j"],
  ["local-name", "derived kk: f32[8, 8]", "derived kk: f32[8, 8]\nweight t: f32[4]"],
  ["unknown-tensor", "t[u] = 0", "q[u] = 0"],
  ["store-target", "pad[p0, p1] = x[p0, p1]", "kk[p0, p1] = x[p0, p1]"],
  ["store-dtype", "kk[a, b] = k[b, a]", "kk[a, b] = i32(k[b, a])"],
  ["register-index", "t[u] = 0", "t[o] = 0"],
  ["register-index", "for u in 4 unroll", "for u in 4"],
  ["register-index", "= t[q]\n", "= t[i]\n"],
  ["used-before-written", "value pad[i - 1, c]", "value z[i, c]"],
  ["build-reads-run", "kk[a, b] = k[b, a]", "kk[a, b] = x[0, a]"],
  ["over-twice", "over c into", "over c, c into"],
  ["over-outside", "over c into", "over d into"],
  ["accumulator-name", "derived kk: f32[8, 8]", "derived kk: f32[8, 8]\nweight y.acc: f32[4]"],
  ["reduce-dtype", "value pad[i - 1, c] * kk[c, j]", "value i32(pad[i - 1, c])"],
  ["condition-dtype", "where index(c) < 7_i32", "where index(c)"],
  ["condition-dtype", "if index(c) < 5_i32 {", "if index(c) {"],
  ["condition-dtype", "where x[i, c] > 0", "where x[i, c]"],
  ["unknown-variable", "finish max(y.acc, k[0, j])", "finish max(y.acc, k[c, j])"],
  ["unknown-variable", "y[i, j] = reduce", "y[i, c] = reduce"],
  ["out-of-range", "pad[-1, h0] = 0", "pad[-2, h0] = 0"],
  ["out-of-range", "pad[i - 1, c] * kk[c, j]\n          where index(c) < 7_i32", "pad[i + 2, c] * kk[c, j]"],
  ["out-of-range", "z[i, o*4 + q] = t[q]", "z[i, o*5 + q] = t[q]"],
  ["in-place", "= z[i, j] + 1", "= z[i, (j + 1) % 8] + 1"],
  ["overwrites-offset", "overwrites z offset 448", "overwrites z offset 456"],
  ["no-offset", "overwrites z offset 448", "overwrites z"],
  ["arena-overlap", "overwrites z offset 448", "offset 448"],
  ["arena-overlap", "overwrites z offset 448", "offset 440"],
  ["arena-overlap", "y: f32[4, 8] offset 320", "y: f32[4, 8] offset 448"],
  ["arena-overlap", "fill 0 offset 128", "fill 0 offset 120"],
  ["arena-bounds", "arena 1024", "arena 200"],
  ["arena-bounds", "arena 1024", "arena 0"],
  // What no text can say, or only with more than one change: see below.
  ["reduce-target", "", ""],
  ["loop-extent", "", ""],
  ["type-extent", "", ""],
];

testVerifier(
  "verifyLoop refuses",
  text,
  breaks.filter(([, from]) => from !== ""),
);
// Expressions, buffers and what is in place have their own files and are covered by verifyTensor's tests; a few stand here too.
const shared = ["condition-dtype", "unknown-variable", "out-of-range", "in-place", "overwrites-offset", "arena-bounds"];
testCoverage(
  ["verify_loop.ts", "verify_arena.ts"],
  breaks.filter(([code]) => !shared.includes(code)),
);

test("a reduction into a tile that is gone before it is whole", () => {
  const inTile = text
    .replace(
      "for c in 8 {\n      for j in 8 {\n        y[i, j] = reduce",
      "for c in 8 {\n      local r: f32[8] memory {\n      for j in 8 {\n        r[j] = reduce",
    )
    .replace(
      "finish max(y.acc, k[0, j])\n        }\n      }\n    }",
      "finish max(y.acc, k[0, j])\n        }\n      }\n      for s in 8 {\n        y[i, s] = r[s]\n      }\n      }\n    }",
    );
  expect(verifyLevel(parsed(inTile)).map((diagnostic) => diagnostic.code)).toEqual(["reduce-target"]);
});

test("extents that no text gives", () => {
  const at = parsed(text);
  if (at.level !== "loop") throw new Error("not loop");
  const { program } = at;
  const [first, ...others] = program.nests;
  if (first?.body.kind !== "for") throw new Error("no loop");
  const codes = verifyLoop({ ...program, nests: [{ ...first, body: { ...first.body, extent: 2.5 } }, ...others] }).map(
    (found) => found.code,
  );
  expect(codes).toContain("loop-extent");
  const tile = { kind: "local", name: "n", dtype: "f32", shape: [-1], scope: "memory", body: first.body } as const;
  expect(verifyLoop({ ...program, nests: [{ ...first, body: tile }, ...others] }).map((found) => found.code)).toContain("type-extent");
});

describe("verifyLoop accepts", () => {
  test.each([
    ["a write outside under a guard", "pad[p0, p1] = x[p0, p1]", "if index(p0) < 0_i32 { pad[p0 + 9, p1] = x[p0, p1] }"],
    ["a register indexed by a loop of one iteration", "for u in 4 unroll", "for u in 1"],
    ["a result that reads itself once it is written", "w[i, j] = z[i, j] + 1", "w[i, j] = z[i, j] + 1\n      w[i, j] = w[i, j] * 2"],
    ["an output that nothing else uses", "output y = y\n", ""],
  ])("%s", (_, from, to) => {
    expect(verifyLevel(parsed(text.replace(from, to)))).toEqual([]);
  });
});
