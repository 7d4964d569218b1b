/** Mistakes on the way to shaders; the tests that find them need the drivers, but for those of bound loops. */
import type { Fault } from "./fault.ts";

export const shaderFaults: readonly Fault[] = [
  {
    name: "a bound loop passes over what stands beside it",
    file: "src/schedule/primitives/bind.ts",
    find: "const apart = meetsOutside(loop, nest, buffers, shared);",
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
    name: "invocations read a tile before all have written it",
    file: "src/codegen/barriers.ts",
    find: "reads.some((name) => pending.writes.has(name)) ||",
    replace: "",
    caughtBy: [{ path: "tests/schedule/shaders.test.ts", name: "as shaders" }],
  },
  {
    name: "invocations write a tile that others of the iteration before still read",
    file: "src/codegen/barriers.ts",
    find: "for (const name of writesOf(body)) if (tiles.has(name)) shader.pending.writes.add(name);",
    replace: "void writesOf(body);",
    caughtBy: [{ path: "tests/gpu/workgroup_tiles.test.ts", name: "interpreter" }],
  },
  {
    name: "the last turn of a cooperative loop goes past its end",
    file: "src/codegen/grid.ts",
    find: "loop.extent % size === 0 ? body :",
    replace: "loop.extent > 0 ? body :",
    caughtBy: [{ path: "tests/schedule/shaders.test.ts", name: "as shaders" }],
  },
  {
    name: "loops around a tile that a workgroup shares become its invocations",
    file: "src/schedule/distribute.ts",
    find: "|| workgroupTiles(part).length > 0;",
    replace: ";",
    caughtBy: [{ path: "tests/gpu/workgroup_tiles.test.ts", name: "no schedule binds" }],
  },
  {
    name: "a tile of a workgroup holds what one invocation reads",
    file: "src/schedule/region.ts",
    find: 'scope === "workgroup" ? around.filter(({ mode }) => isInvocation(mode)) : [];',
    replace: 'scope === "workgroup" ? around.filter(() => false) : [];',
    caughtBy: [{ path: "tests/schedule/primitives.test.ts", name: "rows_of_a_workgroup" }],
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
