/** Which nests reduce over a subgroup: one that does, and changes of it each of which needs memory, or an order, that registers do not give. */
import { expect, test } from "vitest";
import { gridExtents } from "../../src/codegen/grid.ts";
import { subgroupTile } from "../../src/codegen/subgroup_tile.ts";
import { parsed } from "../levels/levels.ts";

const text = `quern loop 1
program p
arena 0

inputs x
output y = y

input x: f32[3, 8, 4]
temporary y: f32[3, 4]

nest y run -> y {
  for n in 3 {
    local part: f32[8, 4] workgroup {
      for p in 8 invocation.x {
        for u in 4 vectorize {
          part[p, u] = x[n, p, u]
        }
      }
      for v in 4 vectorize {
        local acc: f32[1] register {
          acc[0] = 0
          for q in 8 {
            acc[0] += part[q, v]
          }
          y[n, v] = acc[0]
        }
      }
    }
  }
}
`;

test("a tile of which each invocation fills a slice, all of which are then reduced into one", () => {
  expect(found(text)).toEqual({ tile: "part", dimension: 0, reduction: "q" });
});

test.each([
  [
    "in any dimension",
    [
      ["f32[8, 4] workgroup", "f32[4, 8] workgroup"],
      ["part[p, u]", "part[u, p]"],
      ["part[q, v]", "part[v, q]"],
    ],
    1,
  ],
  ["by any function", [["acc[0] += part", "acc[0] max= part"]], 0],
  [
    "behind a guard that holds for all",
    [
      ["for n in 3 {\n", "for n in 3 {\n if index(n) < 2_i32 {\n"],
      ["  }\n}\n", "  }\n }\n}\n"],
    ],
    0,
  ],
  ["for every workgroup", [["for n in 3 {", "for n in 3 workgroup.y {"]], 0],
] as const)("%s", (_, changes, dimension) => {
  expect(found(changed(changes))?.dimension).toBe(dimension);
});

test.each([
  ["no invocations", [["in 8 invocation.x", "in 8"]]],
  ["invocations along another coordinate", [["in 8 invocation.x", "in 8 invocation.y"]]],
  ["invocations along two coordinates", [["y[n, v] = acc[0]", "y[n, v] = acc[0]\n for w in 2 invocation.y { y[n, v] = x[0, 0, 0] }"]]],
  ["a workgroup that shares it with others", [["for n in 3 {", "for n in 3 invocation.x {"]]],
  [
    "more of them than the largest subgroup",
    [
      ["3, 8, 4", "3, 256, 4"],
      ["f32[8, 4]", "f32[256, 4]"],
      ["p in 8", "p in 256"],
      ["q in 8", "q in 256"],
    ],
  ],
  ["more of them elsewhere", [["y[n, v] = acc[0]", "y[n, v] = acc[0]\n for w in 16 invocation.x { y[n, v] = x[0, 0, 0] }"]]],
  [
    "a dtype that registers hold otherwise",
    [
      ["x: f32", "x: i8"],
      ["y: f32", "y: i8"],
      ["part: f32", "part: i8"],
      ["acc: f32", "acc: i8"],
    ],
  ],
  ["a tile in memory of each", [["f32[8, 4] workgroup", "f32[8, 4] memory"]]],
  ["lanes that share a tile", [["for n in 3 {", "for n in 4 vectorize {"]]],
  ["iterations that invocations have among them", [["for n in 3 {", "for n in 3 cooperative {"]]],
  [
    "a guard that memory decides",
    [
      ["for n in 3 {\n", "for n in 3 {\n if x[n, 0, 0] < 2 {\n"],
      ["  }\n}\n", "  }\n }\n}\n"],
    ],
  ],
  ["an element that a loop tells", [["u in 4 vectorize", "u in 4"]]],
  ["a result that a loop tells", [["v in 4 vectorize", "v in 4"]]],
  ["results of some invocations", [["v in 4 vectorize", "v in 4 invocation.x"]]],
  ["slices in another order", [["part[p, u]", "part[7 - p, u]"]]],
  ["slices one further", [["part[p, u]", "part[p + 1, u]"]]],
  ["slices that lie apart", [["part[p, u]", "part[p*2, u]"]]],
  ["slices of two invocations", [["part[p, u]", "part[p // 2, u]"]]],
  [
    "slices in two dimensions",
    [
      ["f32[8, 4] workgroup", "f32[8, 8] workgroup"],
      ["part[p, u] = x[n, p, u]", "part[p, u] = x[n, p, u]\n part[u, p] = x[n, p, u]"],
    ],
  ],
  ["a slice that is left out", [["part[p, u] = x[n, p, u]", "if index(p) < 7_i32 { part[p, u] = x[n, p, u] }"]]],
  ["a slice that begins as another's", [["= x[n, p, u]", "= x[n, p, u] + part[7 - p, u]"]]],
  ["slices that are not reduced", [["q in 8", "q in 7"]]],
  ["a reduction by other places", [["part[q, v]", "part[7 - q, v]"]]],
  [
    "a reduction of a diagonal",
    [
      ["for q in 8", "for q in 8 unroll"],
      ["part[q, v]", "part[q, q]"],
    ],
  ],
  ["a reduction of what is made of them", [["+= part[q, v]", "+= part[q, v] * 2"]]],
  ["a reduction of what may be outside", [["+= part[q, v]", "+= (part[q, v] else 0)"]]],
  ["a reduction of some", [["+= part[q, v]", "+= part[q, v] where index(q) < 4_i32"]]],
  ["a reduction by lanes", [["for q in 8", "for q in 8 vectorize"]]],
  [
    "a reduction that one invocation makes",
    [
      ["        local acc", "        if x[n, 0, v] < 1 {\n        local acc"],
      ["y[n, v] = acc[0]\n        }", "y[n, v] = acc[0]\n        } }"],
    ],
  ],
  ["a loop that does more", [["acc[0] += part[q, v]", "acc[0] += part[q, v]\n y[n, v] = acc[0]"]]],
  ["a second reduction", [["y[n, v] = acc[0]", "y[n, v] = acc[0] + part[0, v]"]]],
  [
    "results of their own",
    [
      ["acc: f32[1]", "acc: f32[8]"],
      ["acc[0] += part[q, v]", "acc[q] += part[q, v]"],
    ],
  ],
  ["a tile that is written again", [["y[n, v] = acc[0]\n", "y[n, v] = acc[0]\n part[0, v] = 0\n"]]],
  ["a third step", [["      }\n    }\n  }\n}\n", "      }\n      y[n, 0] = part[0, 0]\n    }\n  }\n}\n"]]],
  [
    "two tiles",
    [
      ["        local acc", "        local other: f32[8] workgroup {\n        local acc"],
      ["y[n, v] = acc[0]\n        }", "y[n, v] = acc[0]\n        } }"],
    ],
  ],
] as const)("not with %s", (_, changes) => {
  expect(found(changed(changes))).toBeUndefined();
});

/** Each text occurs in what the changes before it made, the last time that it does. */
function changed(changes: readonly (readonly [string, string])[]): string {
  return changes.reduce((before, [from, to]) => {
    const at = before.lastIndexOf(from);
    if (at < 0) throw new Error(`there is no ${from}`);
    return before.slice(0, at) + to + before.slice(at + from.length);
  }, text);
}

function found(source: string) {
  const at = parsed(source);
  const body = at.level === "loop" ? at.program.nests[0]?.body : undefined;
  if (!body) throw new Error("no nest");
  const tile = subgroupTile(body, gridExtents(body));
  return tile && { tile: tile.tile.name, dimension: tile.dimension, reduction: tile.reduction.name };
}
