/** What an imported ONNX file becomes: its interface, its shapes, its constants, and what is said where it cannot. */
import { expect, test } from "vitest";
import { type Message, tensorTypes } from "../../src/formats/onnx.ts";
import type { ImportedTensor, ImportOptions } from "../../src/importers/importer.ts";
import { onnx } from "../../src/importers/onnx/importer.ts";
import { type File, fileBytes, floats, info, int, ints, type Node, wholes } from "./onnx_files.ts";
import { compileImported, importBytes, library, runImported } from "./support.ts";

async function read(file: File, options: Omit<ImportOptions, "library"> = {}) {
  return importBytes(onnx, "net.onnx", fileBytes(file), options);
}

async function textOf(file: File, options: Omit<ImportOptions, "library"> = {}): Promise<string> {
  const { value, diagnostics } = await read(file, options);
  if (!value) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  compileImported(value);
  return value.text;
}

async function messagesOf(file: File, options: Omit<ImportOptions, "library"> = {}): Promise<readonly string[]> {
  const { value, diagnostics } = await read(file, options);
  expect(value).toBeUndefined();
  return diagnostics.map(({ message, notes }) => [message, ...notes.map((note) => note.message)].join(" | "));
}

function given(shape: readonly number[], values: readonly number[], dtype: "f32" | "i64" = "f32"): ImportedTensor {
  return { type: { dtype, shape }, values: dtype === "f32" ? Float32Array.from(values) : Float64Array.from(values) };
}

const image = info("image:0", [1, 2, 4, 4]);
const kernel = floats("conv/kernel", [3, 2, 1, 1], [1, 2, 3, 4, 5, 6]);

test("names stay near to the source's, and channels are last within", async () => {
  const text = await textOf({
    nodes: [
      { operator: "Conv", name: "conv", inputs: ["image:0", "conv/kernel", "b"], outputs: ["y"] },
      { operator: "Relu", name: "act", inputs: ["y"], outputs: ["z"] },
      {
        operator: "MaxPool",
        name: "pool",
        inputs: ["z"],
        outputs: ["result:0"],
        attributes: [ints("kernel_shape", [2, 2]), ints("strides", [2, 2])],
      },
    ],
    inputs: [image],
    outputs: [info("result:0", [1, 3, 2, 2])],
    initializers: [kernel, floats("b", [3], [0, 0, 0])],
  });
  expect(text).toBe(`/// Imported from net.onnx (ONNX, operator set 17, by test).
/// \`image\` is "image:0" in the source.
/// \`result\` is "result:0" in the source.
model net(image: f32[1, 2, 4, 4]) -> f32[1, 3, 2, 2] {
  let image_channels_last = transpose(image, order: [0, 2, 3, 1])
  # Conv conv
  let conv = conv2d(image_channels_last, @conv.kernel: [1, 1, 2, 3])
  # Relu act, MaxPool pool
  let result = conv + @b: [3] |> relu |> max_pool2d(window: [2, 2]) |> transpose(order: [0, 3, 1, 2])
  result
}
`);
});

test("transposes between layouts leave nothing behind", async () => {
  const text = await textOf({
    nodes: [
      { operator: "Transpose", inputs: ["x"], outputs: ["first"], attributes: [ints("perm", [0, 3, 1, 2])] },
      { operator: "Conv", inputs: ["first", "conv/kernel"], outputs: ["y"] },
      { operator: "Transpose", inputs: ["y"], outputs: ["last"], attributes: [ints("perm", [0, 2, 3, 1])] },
    ],
    inputs: [info("x", [1, 4, 4, 2])],
    outputs: [info("last", [1, 4, 4, 3])],
    initializers: [kernel],
  });
  expect(text).not.toContain("transpose");
});

test("the shapes that a file computes are folded", async () => {
  const text = await textOf({
    nodes: [
      { operator: "Shape", inputs: ["x"], outputs: ["shape"] },
      { operator: "Constant", inputs: [], outputs: ["zero"], attributes: [int("value_int", 0)] },
      { operator: "Gather", inputs: ["shape", "zero"], outputs: ["batch"], attributes: [int("axis", 0)] },
      { operator: "Unsqueeze", inputs: ["batch", "axes"], outputs: ["batches"] },
      { operator: "Concat", inputs: ["batches", "rest"], outputs: ["to"], attributes: [int("axis", 0)] },
      { operator: "Reshape", inputs: ["x", "to"], outputs: ["y"] },
    ],
    inputs: [info("x", ["batch", 6])],
    outputs: [info("y", ["batch", 2, 3])],
    initializers: [wholes("axes", [1], [0]), wholes("rest", [2], [2, -1])],
  });
  expect(text).toContain("let y = reshape(x, to: [1, 2, 3])");
});

test("the largest integer there is ends a slice, computed or not", async () => {
  const text = await textOf({
    nodes: [
      { operator: "Unsqueeze", inputs: ["end", "axes"], outputs: ["ends"] },
      { operator: "Slice", inputs: ["x", "starts", "ends"], outputs: ["y"] },
    ],
    inputs: [info("x", [6])],
    outputs: [info("y", [5])],
    initializers: [wholes("end", [], [2n ** 63n - 1n]), wholes("axes", [1], [0]), wholes("starts", [1], [1])],
  });
  expect(text).toContain("slice(x, starts: [1], ends: [6])");
});

test("open dimensions take their shape from the option, a batch is 1, and a redundant shape is checked", async () => {
  const file: File = {
    nodes: [{ operator: "Relu", inputs: ["x"], outputs: ["y"] }],
    inputs: [info("x", ["batch", 3, "height", "width"])],
    outputs: [info("y", ["batch", 3, "height", "width"])],
  };
  expect(await messagesOf(file)).toEqual(["the input `x` leaves height and width open"]);
  expect(await textOf(file, { shapes: new Map([["x", [1, 3, 48, 192]]]) })).toContain("x: f32[1, 3, 48, 192]");
  expect(await messagesOf(file, { shapes: new Map([["x", [1, 4, 48, 192]]]) })).toEqual([
    "the input `x` is batchx3xheightxwidth in the file, and 1x4x48x192 is asked for",
  ]);
  expect(await messagesOf(file, { shapes: new Map([["z", [1]]]) })).toContain("--shape names the input `z`, and there is none");
  const closed: File = { ...file, inputs: [info("x", ["batch", 3])] };
  expect(await textOf(closed)).toContain("x: f32[1, 3]");
  expect(await textOf(closed, { shapes: new Map([["x", [1, 3]]]) })).toContain("x: f32[1, 3]");
});

test("an input that only decides a shape is asked for, and may be fixed", async () => {
  const file: File = {
    nodes: [{ operator: "Reshape", name: "r", inputs: ["x", "to"], outputs: ["y"] }],
    inputs: [info("x", [6]), info("to", [2], "i64")],
    outputs: [info("y", ["a", "b"])],
  };
  const { diagnostics } = await read(file);
  expect(diagnostics.map(({ message, help }) => `${message}: ${help}`)).toEqual([
    "the node `r` (Reshape): its operand `to` decides a shape, and depends on the input `to`: fix it with --fix to=to.npy",
  ]);
  const text = await textOf(file, { fixed: new Map([["to", given([2], [2, 3], "i64")]]) });
  expect(text).toContain("(x: f32[6]) -> y: f32[2, 3]");
});

test("an initialiser that is an input too is no input", async () => {
  const text = await textOf({
    nodes: [{ operator: "Add", inputs: ["x", "b"], outputs: ["y"] }],
    inputs: [info("x", [2]), info("b", [2])],
    outputs: [info("y", [2])],
    initializers: [floats("b", [2], [1, 2])],
  });
  expect(text).toContain("model net(x: f32[2]) -> y: f32[2]");
});

test("i64 is at the interface, and within it is i32", async () => {
  const file: File = {
    nodes: [{ operator: "Add", inputs: ["ids", "one"], outputs: ["next"] }],
    inputs: [info("ids", [3], "i64")],
    outputs: [info("next", [3], "i64")],
    initializers: [wholes("one", [], [1])],
  };
  const { value } = await read(file);
  expect(value?.inputs[0]?.type.dtype).toBe("i64");
  expect(value?.outputs[0]?.type.dtype).toBe("i64");
  if (!value) return;
  for (const { outputs } of await runImported(compileImported(value), new Map([["ids", given([3], [1, 2, -7], "i64")]])))
    expect([...(outputs.get("next") ?? [])]).toEqual([2, 3, -6]);
  const wide = await messagesOf({ ...file, initializers: [wholes("one", [3], [1n, 2n ** 40n, 3n])] });
  expect(wide[0]).toContain("element 1 of a constant is 1099511627776, which takes more than the 32 bits in which i64 is computed");
});

test("integers of 64 bits that are computed are proved to fit, or a warning names the nodes", async () => {
  const messages = async (nodes: readonly Node[], initializers: File["initializers"] = []) => {
    const last = nodes.at(-1)?.outputs[0] ?? "";
    const { value, diagnostics } = await read({
      nodes,
      inputs: [info("x", [2, 8]), info("ids", [2], "i64")],
      outputs: [info(last, nodes.length > 0 && nodes[0]?.operator === "ArgMax" ? [2, 1] : [2], "i64")],
      initializers: [wholes("thousand", [], [1000]), wholes("million", [], [1_000_000]), wholes("zero", [], [0]), ...initializers],
    });
    if (!value) throw new Error(diagnostics[0]?.message);
    compileImported(value);
    return diagnostics.map(({ severity, message, notes }) => `${severity}: ${message} ${notes[0]?.message}`);
  };
  const node = (operator: string, inputs: readonly string[], output: string, ...attributes: Message[]): Node => {
    return { operator, name: `${output} node`, inputs, outputs: [output], attributes };
  };
  const best = node("ArgMax", ["x"], "best", int("axis", 1));
  expect(await messages([best, node("Mul", ["best", "million"], "y")])).toEqual([]);
  const wide = "warning: a computed integer of 64 bits may leave the 32 in which the model computes";
  expect(await messages([best, node("Mul", ["best", "million"], "far"), node("Mul", ["far", "thousand"], "y")])).toEqual([
    `${wide} in \`y node\``,
  ]);
  // A sum of two ids of 32 bits takes 33, a limited one does not.
  expect(await messages([node("Add", ["ids", "ids"], "y")])).toEqual([`${wide} in \`y node\``]);
  const clip = node("Clip", ["ids", "zero", "million"], "near");
  expect(await messages([clip, node("Mul", ["near", "thousand"], "y")])).toEqual([]);
  expect(await messages([clip, node("Mul", ["near", "million"], "y")])).toEqual([`${wide} in \`y node\``]);
  const quotient = [
    node("Div", ["ids", "thousand"], "less"),
    node("Mul", ["less", "thousand"], "more"),
    node("Mod", ["more", "thousand"], "y"),
  ];
  expect(await messages(quotient)).toEqual([]);
  expect(await messages([node("Cast", ["ids"], "same", int("to", tensorTypes.i64)), node("Neg", ["same"], "y")])).toEqual([
    `${wide} in \`y node\``,
  ]);
  // Of 32 bits from the beginning: nothing is promised beyond.
  expect(await messages([node("Cast", ["ids"], "short", int("to", tensorTypes.i32)), node("Add", ["short", "short"], "y")])).toEqual([]);
});

test("f16 weights, and types that the language lacks", async () => {
  const half = { name: "b", dims: [2n], dataType: tensorTypes.f16, rawData: new Uint8Array(Uint16Array.of(0x3c00, 0xc000).buffer) };
  const { value } = await read({
    nodes: [
      { operator: "Cast", inputs: ["b"], outputs: ["wide"], attributes: [int("to", tensorTypes.f32)] },
      { operator: "Add", inputs: ["x", "wide"], outputs: ["y"] },
    ],
    inputs: [info("x", [2])],
    outputs: [info("y", [2])],
    initializers: [half],
  });
  expect([...(value?.weights.values() ?? [])].map(({ values }) => [...values])).toEqual([[1, -2]]);
  const double = await read({
    nodes: [{ operator: "Relu", inputs: ["x"], outputs: ["y"] }],
    inputs: [info("x", [2], "f64")],
    outputs: [info("y", [2], "f64")],
  });
  expect(double.diagnostics.map(({ severity, message }) => `${severity}: ${message}`)).toEqual([
    "warning: the input `x` is double, which the language lacks: it is taken as f32",
  ]);
});

test("weights beside the file are read, as far as they reach", async () => {
  const external = (entries: { readonly [key: string]: string }) => ({
    name: "b",
    dims: [2n],
    dataType: tensorTypes.f32,
    dataLocation: 1,
    externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
  });
  const bytes = (entries: { readonly [key: string]: string }) =>
    fileBytes({
      nodes: [{ operator: "Add", inputs: ["x", "b"], outputs: ["y"] }],
      inputs: [info("x", [2])],
      outputs: [info("y", [2])],
      initializers: [external(entries)],
    });
  const beside = new Uint8Array(Float32Array.of(9, 5, 6).buffer);
  const importWith = (entries: { readonly [key: string]: string }) =>
    onnx.read(
      {
        path: "net.onnx",
        bytes: bytes(entries),
        limited: (work) => work(),
        neighbour: (name) => (name === "net.data" ? { value: beside, diagnostics: [] } : { diagnostics: [] }),
      },
      { library },
    );
  const { value } = await importWith({ location: "net.data", offset: "4", length: "8" });
  expect([...(value?.weights.get("b")?.values ?? [])]).toEqual([5, 6]);
  const short = await importWith({ location: "net.data", offset: "8", length: "8" });
  expect(short.diagnostics[0]?.message).toContain("its external data are bytes 8 to 16 of net.data, which has 12");
  const claimed = await importWith({ location: "net.data", offset: "0", length: "9007199254740993" });
  expect(claimed.value).toBeUndefined();
});

test("everything that is unsupported is said at once, with its nodes", async () => {
  const node = (operator: string, name: string, from: string, to: string) => ({ operator, name, inputs: [from], outputs: [to] });
  const found = await messagesOf({
    nodes: [
      node("LSTM", "memory", "x", "a"),
      node("Relu", "fine", "a", "b"),
      { ...node("Fused", "one", "b", "c"), domain: "com.microsoft" },
      { ...node("Fused", "two", "c", "y"), domain: "com.microsoft" },
    ],
    inputs: [info("x", [2])],
    outputs: [info("y", [2])],
  });
  expect(found).toEqual([
    "ONNX's operator LSTM is not supported: recurrent layers are outside (1 node) | in `memory`",
    "ONNX's operator com.microsoft.Fused is not supported (2 nodes) | in `one`, `two`",
  ]);
});

test("a shape that does not fit is said of its node", async () => {
  const found = await messagesOf({
    nodes: [{ operator: "Conv", name: "stem", inputs: ["image:0", "k"], outputs: ["y"] }],
    inputs: [image],
    outputs: [info("y", [1, 3, 4, 4])],
    initializers: [floats("k", [3, 5, 1, 1], new Array<number>(15).fill(0))],
  });
  expect(found[0]).toContain("the node `stem` (Conv): `conv2d`: dimension `c` is 2 in `x`");
});
