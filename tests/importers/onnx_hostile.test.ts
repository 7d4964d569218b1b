/** Files of strangers: what lies about its size, goes in circles or ends in the middle is refused, and where is said. */
import { expect, test } from "vitest";
import { tensorTypes } from "../../src/formats/onnx.ts";
import { onnx } from "../../src/importers/onnx/importer.ts";
import { type File, fileBytes, floats, info, int, ints, wholes } from "./onnx_files.ts";
import { convolution, dequantise } from "./onnx_integer_files.ts";
import { importBytes } from "./support.ts";

async function refused(bytes: Uint8Array): Promise<string> {
  const start = performance.now();
  const { value, diagnostics } = await importBytes(onnx, "bad.onnx", bytes);
  expect(value).toBeUndefined();
  expect(performance.now() - start).toBeLessThan(2000);
  return diagnostics.map(({ message }) => message).join("\n");
}

const plain: File = {
  nodes: [{ operator: "Add", name: "sum", inputs: ["x", "b"], outputs: ["y"] }],
  inputs: [info("x", [2])],
  outputs: [info("y", [2])],
  initializers: [floats("b", [2], [1, 2])],
};

test("no ONNX file", async () => {
  expect(await refused(new Uint8Array())).toBe("bad.onnx: this is no ONNX file, or it is damaged: it holds no graph");
  expect(await refused(new TextEncoder().encode("PK\u0003\u0004 is a zip file, and so no protobuf"))).toMatch(/damaged: at byte \d+/);
});

test("every truncation is refused, and where it ends is said", async () => {
  const bytes = fileBytes(plain);
  for (let length = 1; length < bytes.length; length++) {
    const said = await refused(bytes.slice(0, length));
    expect(said, `cut to ${length}`).not.toBe("");
  }
  expect(await refused(bytes.slice(0, bytes.length - 20))).toMatch(/at byte \d+: /);
});

test("petabytes are claimed", async () => {
  const huge = { ...floats("b", [], [1]), dims: [1n << 50n] };
  expect(await refused(fileBytes({ ...plain, initializers: [huge] }))).toContain(
    "the initialiser `b`: [1125899906842624] has more elements than memory can hold",
  );
  const product = { ...floats("b", [], [1]), dims: [1n << 20n, 1n << 20n, 1n << 20n] };
  expect(await refused(fileBytes({ ...plain, initializers: [product] }))).toContain("the initialiser `b`");
  const nothing = { ...floats("b", [], []), dims: [0n, 1n << 50n] };
  expect(await refused(fileBytes({ ...plain, initializers: [nothing] }))).toContain("the initialiser `b`");
  const negative = { ...floats("b", [], [1]), dims: [-1n] };
  expect(await refused(fileBytes({ ...plain, initializers: [negative] }))).toContain("-1 is no extent");
  const short = { ...floats("b", [], [1]), dims: [1000n] };
  expect(await refused(fileBytes({ ...plain, initializers: [short] }))).toContain("float[1000] takes 4000 bytes, and 4 are there");
  expect(await refused(fileBytes({ ...plain, inputs: [info("x", [2 ** 45])] }))).toContain("the input `x` has no usable shape");
  const ranks = { ...floats("b", [], [1]), dims: new Array<bigint>(5000).fill(1n) };
  expect(await refused(fileBytes({ ...plain, initializers: [ranks] }))).toContain("5000 dimensions are more than 32");
});

test("a shape that is computed claims as much", async () => {
  const file: File = {
    nodes: [
      { operator: "ConstantOfShape", name: "fill", inputs: ["to"], outputs: ["big"] },
      { operator: "Add", inputs: ["x", "big"], outputs: ["y"] },
    ],
    inputs: [info("x", [1])],
    outputs: [info("y", [1])],
    initializers: [wholes("to", [2], [1 << 30, 1 << 30])],
  };
  expect(await refused(fileBytes(file))).toContain("ConstantOfShape makes a constant of the shape [1073741824, 1073741824]");
  const tiled: File = {
    ...file,
    nodes: [{ operator: "Tile", name: "many", inputs: ["x", "to"], outputs: ["y"] }],
    initializers: [wholes("to", [1], [2n ** 50n])],
  };
  expect(await refused(fileBytes(tiled))).toContain("the node `many` (Tile)");
});

test("graphs that go in circles, or twice through one name", async () => {
  const circle: File = {
    ...plain,
    nodes: [
      { operator: "Relu", name: "first", inputs: ["b2"], outputs: ["a2"] },
      { operator: "Relu", name: "second", inputs: ["a2"], outputs: ["b2"] },
    ],
  };
  expect(await refused(fileBytes(circle))).toContain("the node `first` (Relu) reads `b2`, which nothing before it gives");
  const twice: File = { ...plain, nodes: [...plain.nodes, ...plain.nodes] };
  expect(await refused(fileBytes(twice))).toContain("the node `sum` (Add) gives `y`, which is given already");
  expect(await refused(fileBytes({ ...plain, outputs: [info("z", [2])] }))).toContain("nothing computes the output `z`");
});

test("attributes that no node has", async () => {
  const pool = (...attributes: Parameters<typeof ints>[]): File => ({
    nodes: [
      {
        operator: "MaxPool",
        name: "pool",
        inputs: ["x"],
        outputs: ["y"],
        attributes: attributes.map(([name, values]) => ints(name, values)),
      },
    ],
    inputs: [info("x", [1, 1, 4, 4])],
    outputs: [info("y", [1, 1, 2, 2])],
  });
  expect(await refused(fileBytes(pool()))).toContain("has no `kernel_shape`");
  expect(await refused(fileBytes(pool(["kernel_shape", [2, 2, 2]])))).toContain("has 3 `kernel_shape` for 2 dimensions");
  expect(await refused(fileBytes(pool(["kernel_shape", [2, 2]], ["strides", [0, 0]])))).toContain("has `strides` of [0, 0]");
  expect(await refused(fileBytes(pool(["kernel_shape", [2, 2]], ["pads", [-9, -9, -9, -9]])))).not.toBe("");
  const axis: File = {
    ...plain,
    nodes: [{ operator: "Concat", name: "c", inputs: ["x", "b"], outputs: ["y"], attributes: [int("axis", 99)] }],
  };
  expect(await refused(fileBytes(axis))).toContain("Concat names the axis 99 of an operand of 1 dimensions");
});

test("scales along a dimension that is none, or of others than the operand has", async () => {
  const file = convolution([], { scale: 8, zero: -3, dtype: "i8" });
  const nodes = file.nodes.map((node) => (node.inputs[0] === "k" ? dequantise("k", "kf", 9) : node));
  expect(await refused(fileBytes({ ...file, nodes }))).toContain("DequantizeLinear names the axis 9 of an operand of 4 dimensions");
  const scales = floats("b_scale", [3, 1], [1, 1, 1]);
  const initializers = [...(file.initializers ?? []).filter(({ name }) => name !== "b_scale"), scales];
  expect(await refused(fileBytes({ ...file, initializers }))).toContain("has a scale or zero point of 2 dimensions for an operand of 1");
});

test("text that would steer a terminal does not reach it", async () => {
  const file: File = { ...plain, nodes: [{ operator: "\u001b[2JEvil\n", name: "n\u001b]0;x\u0007", inputs: ["x"], outputs: ["y"] }] };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  expect(await refused(fileBytes(file))).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
});

test("a type that is none", async () => {
  const odd = { name: "b", dims: [1n], dataType: 99, rawData: new Uint8Array(8) };
  expect(await refused(fileBytes({ ...plain, initializers: [odd] }))).toContain("ONNX's type 99");
  const strings = { ...info("x", [2]), type: { tensorType: { elemType: tensorTypes.string, shape: { dim: [{ dimValue: 2n }] } } } };
  expect(await refused(fileBytes({ ...plain, inputs: [strings] }))).toContain("the input `x` is no tensor of numbers");
});
