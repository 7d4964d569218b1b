/** A program of shaders, and changes of it that each break one invariant. */
import type { Break } from "./broken.ts";

export const shaderText = `quern shader 1
program p

arena weights 256
arena arena0 512
arena arena1 256

inputs x
output y = y

place k: f32[16] in weights at 0 bytes 64
place x: f32[16] in arena0 at 0 bytes 64
place z: f32[16] in arena0 at 256 bytes 64
place t: f32[16] in arena1 at 0 bytes 64
place y: f32[16] in arena1 at 0 bytes 64
place both: f32[80] in arena0 at 0 bytes 320 packs [x, z]

dispatch first(x, k, t) nest t
dispatch copy(t, z) nest z
dispatch second(both, y) nest y subgroups together

shader first(b0: f32, b1: f32, b2: f32 writes) workgroup 16, 1, 1 grid 1, 1, 1 {
  workload "w"
  array rows: f32[16] workgroup
  e: f32 = load f32 b0[invocation_x]
  store f32 rows[invocation_x] = e
  barrier
  store f32 b2[invocation_x] = load f32 rows[15 - invocation_x] + load f32 b1[invocation_x]
}

shader copy(b0: f32, b1: f32 writes) workgroup 16, 1, 1 grid 1, 1, 1 {
  workload "w"
  store f32 b1[invocation_x] = load f32 b0[invocation_x]
}

shader second(b0: f32, b1: f32 writes) workgroup 16, 1, 1 grid 1, 1, 1 {
  workload "w"
  store f32 b1[invocation_x] = load f32 b0[invocation_x] + load f32 b0[invocation_x; 64]
}

shader together(b0: f32, b1: f32 writes) workgroup 16, 1, 1 grid 1, 1, 1 {
  workload "w"
  total: f32 = subgroup sum load f32 b0[invocation_x; 16]
  store f32 b1[invocation_x] = total
}

build

quern kernel 1
program p
memory weights 64 run 64 build 64

output k = k

place k: f32[16] at 0 bytes 64

source k weight = ones
`;

export const shaderBreaks: readonly Break[] = [
  ["shader-twice", "shader copy(b0", "shader first(b0"],
  ["unknown-shader", "dispatch copy(", "dispatch copies("],
  ["argument-count", "dispatch copy(t, z)", "dispatch copy(t)"],
  ["argument-dtype", "place z: f32[16]", "place z: i32[16]"],
  ["unplaced", "dispatch copy(t, z)", "dispatch copy(t, v)"],
  ["unplaced", "output y = y", "output y = v"],
  ["grid-extent", "shader copy(b0: f32, b1: f32 writes) workgroup 16, 1, 1", "shader copy(b0: f32, b1: f32 writes) workgroup 16, 0, 1"],
  ["gpu-limit", "shader copy(b0: f32, b1: f32 writes) workgroup 16, 1, 1", "shader copy(b0: f32, b1: f32 writes) workgroup 16, 8, 4"],
  ["gpu-limit", "shader copy(b0: f32, b1: f32 writes) workgroup 16, 1, 1", "shader copy(b0: f32, b1: f32 writes) workgroup 1, 1, 65"],
  [
    "gpu-limit",
    "shader copy(b0: f32, b1: f32 writes) workgroup 16, 1, 1 grid 1, 1, 1",
    "shader copy(b0: f32, b1: f32 writes) workgroup 16, 1, 1 grid 1, 65536, 1",
  ],
  ["gpu-limit", "array rows: f32[16] workgroup", "array rows: f32[4097] workgroup"],
  ["gpu-limit", "array rows: f32[16] workgroup", "array rows: f32[2049] private"],
  ["gpu-limit", "arena arena1 256", "arena arena1 268435460"],
  ["arena-twice", "arena arena1 256", "arena arena0 256"],
  ["placed-twice", "place z: f32[16]", "place x: f32[16]"],
  ["unknown-arena", "place z: f32[16] in arena0", "place z: f32[16] in arena7"],
  ["arena-bounds", "place z: f32[16] in arena0 at 256", "place z: f32[16] in arena0 at 512"],
  ["offset-value", "place z: f32[16] in arena0 at 256", "place z: f32[16] in arena0 at 128"],
  ["placement-bytes", "in arena0 at 256 bytes 64", "in arena0 at 256 bytes 60"],
  ["pack-place", "packs [x, z]", "packs [x, t]"],
  ["pack-place", "dispatch copy(t, z)", "dispatch copy(t, both)"],
  ["weights-written", "dispatch copy(t, z)", "dispatch copy(t, k)"],
  ["arena-shared", "dispatch copy(t, z)", "dispatch copy(x, z)"],
  ["overwritten", "dispatch copy(t, z)", "dispatch copy(t, x)"],
  ["shader-form", "load f32 b0[invocation_x; 64]", "load f32 b0[&b0]"],
  ["shader-form", "e: f32 = load f32 b0[invocation_x]", "e: f32 = f32(host exp(f64(load f32 b0[invocation_x])))"],
  ["barrier-place", "  barrier\n", "  if invocation_x < 3 {\n    barrier\n  }\n"],
  ["unknown-shader", "subgroups together", "subgroups apart"],
  ["subgroup-choice", "dispatch second(both, y) nest y subgroups together", "dispatch together(both, y) nest y"],
  [
    "subgroup-choice",
    "shader together(b0: f32, b1: f32 writes) workgroup 16, 1, 1 grid 1",
    "shader together(b0: f32, b1: f32 writes) workgroup 16, 1, 1 grid 2",
  ],
  ["gpu-limit", "shader together(b0: f32, b1: f32 writes) workgroup 16, 1", "shader together(b0: f32, b1: f32 writes) workgroup 16, 9"],
  [
    "subgroup-place",
    "  total: f32 = subgroup sum",
    "  total: f32 = 0.0\n  if invocation_x < 3 {\n    total = subgroup sum 1.0\n  }\n  total = subgroup sum",
  ],
  ["set-type", "total: f32 = subgroup sum", "total: i32 = subgroup sum"],
  ["out-of-range", "load f32 b0[invocation_x; 64]", "load f32 b0[invocation_x; 65]"],
  ["read-only", "store f32 rows[invocation_x]", "store f32 b1[invocation_x]"],
];
