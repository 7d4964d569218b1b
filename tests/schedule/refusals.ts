/** One way into each refusal of each primitive: the last step of `steps` is refused with the code that `name` begins with. */
import { primitives } from "../../src/schedule/primitives.ts";
import {
  accumulated,
  across,
  builtOnce,
  chain,
  consuming,
  convolution,
  doubled,
  elementwise,
  empty,
  following,
  gathered,
  guarded,
  inPlace,
  lost,
  lostHere,
  matmul,
  operationsOf,
  producing,
  products,
  separable,
  skewed,
  taken,
  twice,
  twins,
  twoStatements,
} from "./refused_programs.ts";

type RefusalCase = {
  /** The step refused. */
  readonly primitive: string;
  /** The code, and words after it that tell cases of one code apart. */
  readonly name: string;
  /** A model with a layer `y`, or a loop program's text. */
  readonly source: string;
  readonly steps: string;
};

/** Refused alike by the two steps that compute another nest's tensor. */
const withoutProducer = (step: (tensor: string) => string): (readonly [name: string, source: string, steps: string])[] => [
  ["producer-none", separable, step("x")],
  [
    "producer-none name",
    producing(doubled, consuming("for i in 8 {\n    y[i] = v[i]\n  }"), "temporary a: f32[8]\ntemporary v: f32[8] alias a"),
    step("v"),
  ],
  ["producer-phase", builtOnce, step("s")],
  ["producer-form", twoStatements, step("a")],
  ["producer-overwritten", lost, step("a")],
  ["producer-overwritten here", lostHere, step("a")],
];

function cases(primitive: string, list: readonly (readonly [name: string, source: string, steps: string])[]): RefusalCase[] {
  return list.map(([name, source, steps]) => ({ primitive, name, source, steps }));
}

/** Steps after which invocations of a workgroup can share a tile. */
const shared = "split m by 4; bind m.i to invocation.x; stage result in registers at f";

/** The golden file of a case. */
export function goldenOf({ primitive, name }: RefusalCase): string {
  return `refused_${primitive}_${name.replaceAll(" ", "_")}`;
}

/** Every example of every primitive, and the stem of its golden files. */
export const primitiveExamples = [...primitives.values()].flatMap((primitive) =>
  primitive.examples.map((example) => ({ ...example, file: `${primitive.name} ${example.title}`.replaceAll(" ", "_") })),
);

export const refusals: readonly RefusalCase[] = [
  ...cases("splat", [["unknown-step", elementwise, "splat i0 by 4"]]),
  ...cases("split", [
    ["bad-step", elementwise, "split i0"],
    ["bad-step tail", elementwise, "split i1 by 4 tail drop"],
    ["unknown-loop", elementwise, "split i2 by 4"],
    ["which-loop", twins, "split i by 2"],
    ["name-taken", taken, "split i by 2"],
    ["bad-factor", elementwise, "split i0 by 0"],
    ["bad-factor large", elementwise, "split i0 by 8 tail shift"],
    ["split-after-mode", elementwise, "unroll i0; split i0 by 2"],
    ["split-shift", inPlace, "split i by 4 tail shift"],
    ["split-shift reduction", matmul, "split c by 5 tail shift"],
    ["split-cut", matmul, "split c by 5 tail cut"],
    ["split-cut vectors", matmul, "reorder f, m, c; vectorize f; split m by 3 tail cut"],
    ["split-cut inside", matmul, "reorder c, m, f; split m by 3 tail cut"],
    ["split-shift accumulation", accumulated, "split j by 4 tail shift"],
  ]),
  ...cases("fuse", [
    ["bad-step", elementwise, "fuse i0, i1"],
    ["bad-step twice", elementwise, "fuse i0, i0 into i"],
    ["unknown-loop", elementwise, "fuse i0, j into i"],
    ["which-loop", twins, "fuse i into j"],
    ["name-taken", matmul, "fuse m, f into c"],
    ["fuse-imperfect", elementwise, "fuse i1, i0 into i"],
    ["fuse-imperfect guard", guarded, "fuse i, j into k"],
    ["fuse-mode", elementwise, "unroll i1; fuse i0, i1 into i"],
    ["fuse-empty", empty, "fuse i, j into k"],
    ["fuse-reduction", matmul, "fuse f, c into k"],
  ]),
  ...cases("reorder", [
    ["bad-step", elementwise, "reorder"],
    ["bad-step twice", elementwise, "reorder i1, i1"],
    ["unknown-loop", elementwise, "reorder i1, j0"],
    ["which-loop", twins, "reorder i"],
    ["reorder-imperfect", matmul, "unroll f; stage result in registers at m; reorder m, c"],
    ["reorder-imperfect guard", guarded, "reorder j, i"],
    ["reorder-parallel", elementwise, "parallel i0; reorder i1, i0"],
    ["reorder-dependence", skewed, "reorder j, i"],
    ["reorder-dependence reduction", across, "reorder k, i"],
  ]),
  ...cases("unroll", [
    ["bad-step", elementwise, "unroll"],
    ["unknown-loop", elementwise, "unroll i3"],
    ["which-loop", twins, "unroll i"],
    ["mode-twice", elementwise, "unroll i0; unroll i0"],
    ["mode-twice vectors", matmul, "vectorize f; unroll f"],
    ["unroll-size", "model m(x: f32[80, 90]) -> y: f32[80, 90] { relu(x) }", "unroll i0; unroll i1"],
  ]),
  ...cases("vectorize", [
    ["bad-step", elementwise, "vectorize"],
    ["unknown-loop", elementwise, "vectorize c"],
    ["which-loop", twins, "vectorize i"],
    ["mode-twice", matmul, "unroll f; vectorize f"],
    ["mode-twice vectors", matmul, "vectorize f; vectorize f"],
    ["vectorize-extent", elementwise, "vectorize i1"],
    ["vectorize-extent short", convolution, "vectorize kw"],
    ["vectorize-nested", matmul, "vectorize m; vectorize f"],
    ["vectorize-reduction", matmul, "vectorize c"],
    ["vectorize-imperfect", matmul, "reorder f, m, c; split m by 3 tail cut; vectorize f"],
    ["vectorize-dependence", skewed.replaceAll("in 7", "in 4"), "vectorize i"],
    ["vectorize-dependence accumulation", accumulated.replaceAll("in 10", "in 8"), "vectorize j"],
  ]),
  ...cases("parallel", [
    ["bad-step", elementwise, "parallel"],
    ["unknown-loop", elementwise, "parallel i2"],
    ["which-loop", twins, "parallel i"],
    ["mode-twice", elementwise, "unroll i0; parallel i0"],
    ["parallel-reduction", matmul, "parallel c"],
    ["parallel-dependence", skewed, "parallel i"],
  ]),
  ...cases("bind", [
    ["bad-step", elementwise, "bind i0"],
    ["unknown-loop", elementwise, "bind i5 to workgroup.x"],
    ["which-loop", twins, "bind i to workgroup.x"],
    ["mode-twice", elementwise, "unroll i0; bind i0 to workgroup.x"],
    ["bind-axis", elementwise, "bind i0 to thread"],
    ["bind-twice", elementwise, "bind i0 to workgroup.x; bind i1 to workgroup.x"],
    ["bind-reduction", matmul, "bind c to invocation.x"],
    ["bind-dependence", skewed, "bind i to workgroup.x"],
    ["bind-apart", following, "bind i to workgroup.x"],
    ["bind-tile", matmul, "unroll f; stage result in registers at m; bind c to invocation.x"],
    ["bind-shared", matmul, `${shared}; stage x in workgroup at c; bind m.o to invocation.y`],
    [
      "bind-shared longer",
      matmul,
      "split m by 5 tail cut; bind m.t to invocation.x; stage result in registers at f.t; stage x in workgroup at c.t; bind m.i to invocation.x",
    ],
  ]),
  ...cases("rfactor", [
    ["bad-step", matmul, "rfactor"],
    ["unknown-loop", matmul, "rfactor d"],
    ["which-loop", twins, "rfactor i"],
    ["mode-twice", matmul, "unroll c; rfactor c"],
    ["rfactor-no-reduction", matmul, "rfactor f"],
    ["bad-step place", matmul, "rfactor c in registers"],
    ["rfactor-shared", matmul, "bind m to invocation.x; rfactor c in workgroup"],
    ["rfactor-shared inside", matmul, "reorder m, c, f; bind f to workgroup.x; rfactor c"],
    ["rfactor-inside", matmul, "split c by 5 tail guard; rfactor c.i"],
    ["rfactor-in-vector", matmul, "vectorize f; rfactor c"],
    ["rfactor-dependence", across, "rfactor k"],
    ["name-taken", matmul, "fuse m, f into c.final; rfactor c"],
  ]),
  ...cases("stage", [
    ["bad-step", matmul, "stage"],
    ["bad-step place", matmul, "stage result at m"],
    ["bad-step packed", matmul, "stage w packed"],
    ["bad-step twice", matmul, "stage w packed by f, c, f"],
    ["unknown-loop", matmul, "stage result in registers at n"],
    [
      "which-loop",
      twins.replace("y[i] = x[i]", "y[i] = reduce sum into acc: f32 {\nvalue x[i]\nfinish acc\n}"),
      "stage result in registers at i",
    ],
    ["stage-no-reduction", elementwise, "stage result in registers at i0"],
    ["stage-result", matmul, "stage w in registers at m"],
    [
      "stage-imperfect",
      twins.replace("y[i] = x[i]", "y[i] = reduce sum into acc: f32 {\nvalue x[i]\nfinish acc\n}"),
      "stage result in registers",
    ],
    ["stage-reduction-outside", matmul, "reorder c, m, f; stage result in registers at m"],
    ["stage-reduction-outside several", convolution, "reorder kh, kw, c, f; stage result in registers at kw"],
    ["stage-serial", matmul, "stage result in registers at m"],
    ["stage-serial several", matmul, "stage result in registers"],
    ["stage-in-vector", matmul, "vectorize f; stage result in registers at f"],
    ["stage-dependence", across, "stage result in registers at j"],
    ["bad-step memory", matmul, "stage x in memory"],
    ["region-unread", matmul, "stage v in memory at m"],
    ["region-in-vector", elementwise.replaceAll("10", "8"), "vectorize i1; stage x in memory at i1"],
    ["region-imperfect", matmul, "stage x in memory at c"],
    ["stage-written", inPlace, "stage x in memory at i"],
    ["region-shape", twice, "stage w in memory at i"],
    ["region-shape guard", guarded, "stage x in memory at i"],
    ["region-shape index", gathered, "stage w in memory at i"],
    ["stage-alone", matmul, "stage result in registers at f; stage x in workgroup at c"],
    [
      "stage-missed",
      matmul,
      "split m by 3 tail cut; bind m.i to invocation.y; bind m.t to invocation.y; stage result in registers at f.t; stage x in workgroup at c.t",
    ],
    ["stage-result workgroup", matmul, "stage result in workgroup at f"],
    ["stage-outside", elementwise, "split i1 by 4 tail guard; stage x in memory at i1.o"],
    ["name-taken", elementwise, "stage x in memory at i1; stage x in memory at i0"],
    ["stage-unknown", matmul, "stage v packed by f, c"],
    ["stage-not-constant", products, "stage z packed by f, c"],
    ["stage-several-reads", twice, "stage w packed by i, j"],
    ["stage-several-reads index", gathered, "stage w packed by i"],
    ["stage-missing-loop", matmul, "split f by 4; stage w packed by f.o, c"],
    ["stage-result compute", separable, "compute a at oh; stage x in registers at a.f"],
  ]),
  ...cases("compute", [
    ["bad-step", separable, "compute a"],
    ["unknown-loop", separable, "compute a at o"],
    [
      "which-loop",
      producing(doubled, consuming("for i in 4 {\n    y[i] = a[i]\n  }\n  for i in 4 {\n    y[i + 4] = a[i]\n  }")),
      "compute a at i",
    ],
    [
      "region-unread",
      producing(doubled, consuming("for i in 4 {\n    y[i] = a[i]\n  }\n  for j in 4 {\n    y[j + 4] = x[j]\n  }")),
      "compute a at j",
    ],
    ["region-in-vector", chain, "split i by 4; reorder i.o, t, i.i; vectorize i.i; compute a at i.i"],
    ["region-imperfect", separable, "compute a at c"],
    [
      "region-shape",
      producing(doubled, consuming("for i in 4 {\n    for j in 2 {\n      y[i + j*4] = a[i] * a[j]\n    }\n  }")),
      "compute a at i",
    ],
    ["region-shape default", producing(doubled, consuming("for i in 8 {\n    y[i] = a[i + 1] else 3\n  }")), "compute a at i"],
    ["name-taken", separable, "split oh by 4 tail cut; compute a at oh.o; compute a at oh.t"],
    ...withoutProducer((tensor) => `compute ${tensor} at i`),
  ]),
  ...cases("layout", [
    ["bad-step", separable, "layout a by 0, 1, 2"],
    ["bad-step twice", separable, "layout a by 0, 1, 2, 2"],
    ["layout-unknown", separable, "layout x by 0, 3, 1, 2"],
    ["layout-place", separable, "layout result by 0, 3, 1, 2"],
    ["layout-place constant", separable, "layout w by 3, 2, 1, 0"],
    [
      "layout-place name",
      producing(doubled, consuming("for i in 8 {\n    y[i] = a[i]\n  }"), "temporary a: f32[8]\ntemporary v: f32[8] alias a"),
      "layout a by 0",
    ],
  ]),
  ...cases("inline", [
    ["bad-step", chain, "inline"],
    ["inline-unread", producing(doubled, consuming("for i in 8 {\n    y[i] = x[i]\n  }")), "inline a"],
    ["inline-reduction", separable, "inline a"],
    [
      "inline-index",
      producing(
        "for p in 8 {\n    a[p] = n[p] % 4_i32\n  }",
        consuming("for i in 8 {\n    y[i] = x[a[i]]\n  }"),
        "weight n: i32[8]\ntemporary a: i32[8]",
      ),
      "inline a",
    ],
    [
      "inline-size",
      producing(
        `for i in 8 {\n    a[i] = ${operationsOf("x", 80)}\n  }`,
        consuming(`for i in 8 {\n    y[i] = ${operationsOf("a", 40)}\n  }`),
      ),
      "inline a",
    ],
    ...withoutProducer((tensor) => `inline ${tensor}`),
  ]),
];
