/** Mistakes in steps that compute one layer inside another. */
import { type Fault, memory, schedules } from "./fault.ts";

const primitives = [{ path: "tests/schedule/primitives.test.ts" }];
const regions = [{ path: "tests/schedule/region.test.ts" }];

export const scheduleFaults: readonly Fault[] = [
  {
    name: "a tile is one element too small",
    file: "src/schedule/region.ts",
    find: "extent: high - low + 1 });",
    replace: "extent: Math.max(1, high - low) });",
    caughtBy: regions,
  },
  {
    name: "a tile begins one element late",
    file: "src/schedule/region.ts",
    find: "const base = offset(first.outer, low);",
    replace: "const base = offset(first.outer, low + 1);",
    caughtBy: regions,
  },
  {
    name: "places of a tile in the border are computed",
    file: "src/schedule/primitives/compute.ts",
    find: 'isFixed || start.low >= 0 ? [] : [compared("ge", inTensor, 0)]',
    replace: "[]",
    caughtBy: schedules,
  },
  {
    name: "a tile keeps what it held before in its border",
    file: "src/schedule/primitives/compute.ts",
    find: "const fill = isWhole ? [] : [fillStatement(producer, region.region)];",
    replace: "const fill: Statement[] = [];",
    caughtBy: schedules,
  },
  {
    name: "a region that stands still is shifted",
    file: "src/schedule/primitives/compute.ts",
    find: "const from = isFixed ? Math.min(extent, Math.max(0, -start.low)) : 0;",
    replace: "const from = 0;",
    caughtBy: schedules,
  },
  {
    name: "strides of a layout are those of the dimensions' own order",
    file: "src/ir/tensor.ts",
    find: "return layout ? layout.map((_, d) => strides[layout.indexOf(d)] ?? 1) : strides;",
    replace: "return strides;",
    caughtBy: [{ path: "tests/networks/verify.test.ts", name: "another order" }, { path: "tests/random/random_schedules.test.ts" }],
  },
  {
    name: "a table is read where a choice does not need it",
    file: "src/codegen/lower_expr.ts",
    find: "if (!expr.indices.every((index) => isSafeIndex(index, place))) return false;",
    replace: "",
    caughtBy: memory,
  },
  {
    name: "padded elements are summed from beyond memory",
    file: "src/schedule/padding.ts",
    find: 'if (expr.kind === "read" && !expr.otherwise && !isInside(expr)) isSafe = false;',
    replace: "",
    caughtBy: [{ path: "tests/random/random_schedules.test.ts" }, { path: "tests/schedule/schedules.test.ts" }],
  },
  {
    name: "padded elements are stored",
    file: "src/schedule/primitives/stage_registers.ts",
    find: "const guards = (leaf?.guards ?? []).filter((guard) => isOfElements(guard, reduce));",
    replace: "const guards = (leaf?.guards ?? []).filter((guard) => !isOfElements(guard, reduce));",
    caughtBy: [{ path: "tests/schedule/legality.test.ts" }],
  },
  {
    name: "a border is computed where it is inlined",
    file: "src/schedule/primitives/inline.ts",
    find: '...(low < 0 ? [compared("ge", index, 0)] : []), ',
    replace: "",
    caughtBy: primitives,
  },
  {
    name: "a layer is computed from what was overwritten since",
    file: "src/schedule/producer.ts",
    find: "between.result !== tensor && shareMemory(between.result, operand, apart)",
    replace: "between.result === operand",
    caughtBy: primitives,
  },
  {
    name: "a layer that is computed again still overwrites its operand",
    file: "src/schedule/schedule_program.ts",
    find: "[...program.buffers, ...states.flatMap((state) => state.added)]",
    replace: "[...states.flatMap((state) => state.added), ...program.buffers]",
    caughtBy: [{ path: "tests/passes/memory.test.ts" }],
  },
  {
    name: "a layer that is still read is dropped",
    file: "src/schedule/drop_unread.ts",
    find: "const wanted = new Set(program.outputs.map((output) => rootOf(output.value)));",
    replace: "const wanted = new Set(program.outputs.slice(0, 1).map((output) => rootOf(output.value)));",
    caughtBy: [{ path: "tests/networks/dtypes.test.ts" }, { path: "tests/passes/memory.test.ts" }],
  },
  {
    name: "bounds forget the error of a layer computed inside another",
    file: "src/pipeline/layer_bounds.ts",
    find: "bounded.has(name) && recomputes(group.name, name)",
    replace: "false",
    caughtBy: [{ path: "tests/networks/verify.test.ts", name: "rounding of both" }],
  },
  {
    name: "a variable that is another one and a number is taken for the other one less it",
    file: "src/schedule/solve.ts",
    find: "shift: root.shift + alias.shift",
    replace: "shift: root.shift - alias.shift",
    caughtBy: [{ path: "tests/schedule/solve.test.ts" }],
  },
  {
    name: "a bounded difference leaves what is known of both variables out",
    file: "src/schedule/solve.ts",
    find: "low: low - shift, high: high - shift",
    replace: "low, high",
    caughtBy: [{ path: "tests/schedule/solve.test.ts" }],
  },
  {
    name: "a compute that was sound once is sound for ever",
    file: "src/ir/verify_tensor.ts",
    find: "if (soundWith.get(compute) !== readable) {",
    replace: "if (!soundWith.has(compute)) {",
    caughtBy: [{ path: "tests/levels/verify_tensor.test.ts" }],
  },
  {
    name: "a sample that another program slowed is kept as it is",
    file: "src/tuner/agent.ts",
    find: "if (slow > quiet) runner.slowed.push(each / slow);",
    replace: "if (slow > quiet) runner.samples.push(each / slow);",
    caughtBy: [{ path: "tests/tuner/agent.test.ts" }],
  },
];
