/** Mistakes on the way to shaders; the tests that find them need the drivers, but for those of bound loops. */
import type { Fault } from "./fault.ts";

export const shaderFaults: readonly Fault[] = [
  {
    name: "a bound loop passes over what stands beside it",
    file: "src/schedule/primitives/bind.ts",
    find: "const apart = meetsOutside(loop, nest, buffers);",
    replace: "const apart = undefined as string | undefined;",
    caughtBy: [{ path: "tests/schedule/primitives.test.ts", name: "bind-apart" }],
  },
  {
    name: "a shorter bound loop goes on as far as the longest",
    file: "src/codegen/grid.ts",
    find: "const isLonger = (builder.shader?.extents.get(axis) ?? 1) > loop.extent;",
    replace: "const isLonger = false;",
    caughtBy: [{ path: "tests/gpu/random_programs.test.ts", name: "interpreter" }],
  },
  {
    name: "a dispatch writes the arena that it reads",
    file: "src/codegen/plan_arenas.ts",
    find: "written.apart.add(other.name);",
    replace: "",
    caughtBy: [{ path: "tests/gpu/random_programs.test.ts", name: "interpreter" }],
  },
  {
    name: "a packed buffer is read where the pack begins",
    file: "src/codegen/pack_bindings.ts",
    find: "offset: inner.offset + part.elements / unit",
    replace: "offset: inner.offset",
    caughtBy: [{ path: "tests/gpu/operators.test.ts", name: "^grid_sample$" }],
  },
];
