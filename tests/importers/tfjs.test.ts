/** TensorFlow.js's files: weights in fewer bits, and what is said of shards, manifests and graphs that are damaged. */
import { expect, test } from "vitest";
import { tfjs } from "../../src/importers/tfjs/importer.ts";
import { tensor } from "../operators/tensors.ts";
import { type CaseFile, constant, foreignFileOf } from "./cases/case.ts";
import { tfjsCase } from "./cases/tfjs_file.ts";
import { library } from "./support.ts";

type Json = { [key: string]: unknown };

/** x + [1, 2, 3], as a graph with one constant. */
const { file } = tfjsCase({
  operator: "AddV2",
  operands: [tensor([3], [0, 0, 0]), constant(tensor([3], [1, 2, 3]))],
  results: [tensor([3], [1, 2, 3])],
});

function changed(change: (model: Json) => void, shard: Uint8Array | undefined = file.neighbours?.get("weights.bin")): CaseFile {
  const model: Json = JSON.parse(new TextDecoder().decode(file.bytes));
  change(model);
  return {
    path: file.path,
    bytes: new TextEncoder().encode(JSON.stringify(model)),
    neighbours: shard ? new Map([["weights.bin", shard]]) : new Map(),
  };
}

const entryOf = (model: Json) =>
  (model as { weightsManifest: { paths: string[]; weights: Json[] }[] }).weightsManifest[0]?.weights[0] as Json;
const nodesOf = (model: Json) => (model as { modelTopology: { node: Json[] } }).modelTopology.node;
const read = (given: CaseFile) => tfjs.read(foreignFileOf(given), { library });

async function weightOf(change: (model: Json) => void, shard: Uint8Array): Promise<readonly number[]> {
  const { value, diagnostics } = await read(changed(change, shard));
  expect(diagnostics).toEqual([]);
  return [...(value?.weights.values() ?? [])].flatMap(({ values }) => [...values]);
}

async function messageOf(given: CaseFile): Promise<string> {
  const { value, diagnostics } = await read(given);
  expect(value).toBeUndefined();
  return diagnostics.map(({ message }) => message).join("\n");
}

test("weights of 8 and 16 bits, and of half precision", async () => {
  const quantised = (dtype: string) => (model: Json) => {
    entryOf(model).quantization = { dtype, scale: 0.5, min: -2, original_dtype: "float32" };
  };
  expect(await weightOf(quantised("uint8"), Uint8Array.of(0, 4, 255))).toEqual([-2, 0, 125.5]);
  expect(await weightOf(quantised("uint16"), new Uint8Array(Uint16Array.of(0, 5, 1000).buffer))).toEqual([-2, 0.5, 498]);
  expect(await weightOf(quantised("float16"), new Uint8Array(Uint16Array.of(0x3c00, 0xc000, 0x3800).buffer))).toEqual([1, -2, 0.5]);
});

test("shards and manifests that do not fit", async () => {
  expect(await messageOf({ ...file, neighbours: new Map() })).toContain("group 0 of its weights cannot be read");
  expect(await messageOf(changed(() => {}, new Uint8Array(11)))).toContain(
    "the weight `c1` takes 12 bytes from byte 0 on, and its shards have 11",
  );
  expect(await messageOf(changed(() => {}, new Uint8Array(13)))).toContain("group 0 of its weights has 13 bytes, and its weights take 12");
  const shaped = (...shape: unknown[]) => changed((model) => Object.assign(entryOf(model), { shape }));
  expect(await messageOf(shaped(2 ** 40, 2 ** 40))).toContain("has more elements than memory can hold");
  expect(await messageOf(shaped(-3))).toContain("-3 is no extent");
  expect(await messageOf(shaped("3"))).toContain("the weight `c1` has no shape");
  expect(await messageOf(changed((model) => Object.assign(entryOf(model), { dtype: "string" })))).toContain("has elements of type string");
});

test("graphs that lead in a circle, nowhere, or to themselves", async () => {
  const wired = (...input: string[]) => changed((model) => Object.assign(nodesOf(model).at(-1) ?? {}, { input }));
  expect(await messageOf(wired("y", "c1"))).toContain("the node `y` depends on itself");
  expect(await messageOf(wired("z", "c1"))).toContain("the node `y` reads `z`, which is not there");
  const circle = changed((model) => {
    const nodes = nodesOf(model);
    Object.assign(nodes.at(-1) ?? {}, { input: ["a", "c1"] });
    nodes.push({ name: "a", op: "Relu", input: ["b"] }, { name: "b", op: "Relu", input: ["y"] });
  });
  expect(await messageOf(circle)).toContain("depends on itself");
  expect(await messageOf(changed((model) => void nodesOf(model).push({ name: "y", op: "Relu", input: ["x0"] })))).toContain(
    "two nodes have the name `y`",
  );
  expect(await messageOf(changed((model) => Object.assign(nodesOf(model).at(-1) ?? {}, { op: "While" })))).toContain(
    "operator While is not supported: control flow is outside (1 node)",
  );
});
