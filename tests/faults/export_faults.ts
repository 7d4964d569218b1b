/** Mistakes in the exporters. */
import type { Fault, Test } from "./fault.ts";

const formats: readonly Test[] = [{ path: "tests/exporters/formats.test.ts", name: "something of everything" }];
const meaning: readonly Test[] = [{ path: "tests/exporters/onnx_meaning.test.ts" }];
const padding: readonly Test[] = [{ path: "tests/exporters/padding.test.ts" }];

export const exportFaults: readonly Fault[] = [
  {
    name: "an exported kernel has its height and width exchanged",
    file: "src/exporters/onnx/windowed.ts",
    find: "permute(values, [kh, kw, c, m], [2, 3, 0, 1])",
    replace: "permute(values, [kh, kw, c, m], [2, 3, 1, 0])",
    caughtBy: meaning,
  },
  {
    name: "a slice of an image counts its channels last",
    file: "src/exporters/onnx/movement.ts",
    find: "const dimensions = axes.map((position) => layout[position] ?? 0);",
    replace: "const dimensions = axes;",
    caughtBy: meaning,
  },
  {
    name: "any padding of the right size is taken for SAME",
    file: "src/exporters/windows.ts",
    find: " && at(before, d) === at(same, d) >> 1",
    replace: "",
    caughtBy: padding,
  },
  {
    name: "a maximum over negative values sees zeros around them",
    file: "src/exporters/nonnegative.ts",
    find: "operands.every((name) => found.has(name))",
    replace: "operands.length > 0",
    caughtBy: [{ path: "tests/exporters/nonnegative.test.ts" }],
  },
  {
    name: "an activation is fused into a value that others read without it",
    file: "src/exporters/calls.ts",
    find: "(uses.get(value) === 1 ? calls[makers.get(value) ?? -1] : undefined)",
    replace: "calls[makers.get(value) ?? -1]",
    caughtBy: formats,
  },
];
