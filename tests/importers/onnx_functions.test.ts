/** Functions of an ONNX file's own: written out where they are called, within bounds. */
import { expect, test } from "vitest";
import { attributeTypes, type Message } from "../../src/formats/onnx.ts";
import { onnx } from "../../src/importers/onnx/importer.ts";
import { type File, fileBytes, info, type LocalFunction } from "./onnx_files.ts";
import { compileImported, importBytes, runImported } from "./support.ts";

const reference = (name: string, of: string): Message => ({ name, type: attributeTypes.float, refAttrName: of });
const float = (name: string, value: number): Message => ({ name, type: attributeTypes.float, f: value });

/** LeakyRelu(a - b) with a slope that calls may leave out. */
const bent: LocalFunction = {
  name: "Bent",
  inputs: ["a", "b"],
  outputs: ["c"],
  attributes: [float("slope", 0.5)],
  nodes: [
    { operator: "Sub", inputs: ["a", "b"], outputs: ["t"] },
    { operator: "LeakyRelu", inputs: ["t"], outputs: ["c"], attributes: [reference("alpha", "slope")] },
  ],
};

/** Calls the one above twice. */
const twice: LocalFunction = {
  name: "Twice",
  inputs: ["a", "b"],
  outputs: ["d"],
  nodes: [
    { operator: "Bent", domain: "own", inputs: ["a", "b"], outputs: ["t"], attributes: [float("slope", 2)] },
    { operator: "Bent", domain: "own", inputs: ["t", "b"], outputs: ["d"] },
  ],
};

const call = (operator: string): Pick<File, "nodes" | "inputs" | "outputs"> => ({
  nodes: [{ operator, domain: "own", inputs: ["x", "y"], outputs: ["z"] }],
  inputs: [info("x", [3]), info("y", [3])],
  outputs: [info("z", [3])],
});

test("calls within calls mean what is written out", async () => {
  const { value, diagnostics } = await importBytes(onnx, "net.onnx", fileBytes({ ...call("Twice"), functions: [bent, twice] }));
  if (!value) throw new Error(diagnostics[0]?.message);
  const [x, y] = [
    [1, 5, -2],
    [2, 1, 0.5],
  ] as const;
  const wanted = x.map((a, i) => {
    const b = y[i] ?? 0;
    const leaky = (v: number, slope: number) => (v < 0 ? slope * v : v);
    return leaky(leaky(a - b, 2) - b, 0.5);
  });
  const given = new Map(
    Object.entries({ x, y }).map(([name, values]) => [
      name,
      { type: { dtype: "f32", shape: [3] } as const, values: Float32Array.from(values) },
    ]),
  );
  for (const { outputs } of await runImported(compileImported(value), given)) expect([...(outputs.get("z") ?? [])]).toEqual(wanted);
});

test("functions without end, or of another operator set, are refused", async () => {
  const messageOf = async (file: File) => (await importBytes(onnx, "net.onnx", fileBytes(file))).diagnostics[0]?.message;
  const itself: LocalFunction = { ...bent, nodes: [{ operator: "Bent", domain: "own", inputs: ["a", "b"], outputs: ["c"] }] };
  expect(await messageOf({ ...call("Bent"), functions: [itself] })).toBe("net.onnx: the function `own.Bent` calls functions without end");
  const doubling = Array.from({ length: 15 }, (_, i): LocalFunction => {
    const inner = i === 0 ? { operator: "Add" } : { operator: `F${i - 1}`, domain: "own" };
    const nodes = Array.from({ length: 8 }, () => ({ ...inner, inputs: ["a", "b"], outputs: ["c"] }));
    return { name: `F${i}`, inputs: ["a", "b"], outputs: ["c"], nodes };
  });
  expect(await messageOf({ ...call("F14"), functions: doubling })).toMatch(/without end|more than 100000 nodes/);
  expect(await messageOf({ ...call("Bent"), functions: [{ ...bent, opset: 13 }] })).toBe(
    "net.onnx: the function `own.Bent` is of the operator set 13, and the graph of 17",
  );
});
