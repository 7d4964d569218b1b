/**
 * Writes tests/operators/origins.ts: where the vectors of each operator come from. `npx tsx scripts/vector_origins.ts`, with the
 * suites beside the checkout or where QUERN_SHARED says.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { kerasPaths, loadKerasModel } from "../tests/operators/keras_models.ts";
import { type OnnxCase, onnxSuites, readOnnxCases } from "../tests/operators/onnx_cases.ts";
import { prepareOnnx } from "../tests/operators/onnx_run.ts";
import { readOnnxJsCases } from "../tests/operators/onnxjs_suite.ts";
import { ownVectors } from "../tests/operators/own_vectors.ts";
import type { Vector } from "../tests/operators/tensors.ts";
import { sharedFile } from "../tests/support.ts";

/** The origins of each operator's vectors, or undefined where a suite is missing. */
export async function countedOrigins(): Promise<Map<string, string[]> | undefined> {
  const folder = sharedFile("conformance/onnxjs-ops");
  const paths = onnxSuites.map((suite) => sharedFile(`conformance/onnx/${suite}.tar.gz`));
  const keras = sharedFile("conformance/keras-h5");
  if (folder === undefined || keras === undefined || paths.some((path) => path === undefined)) return undefined;
  const onnx = paths.flatMap((path) => (path === undefined ? [] : readOnnxCases(path)));
  const { literal, loops } = ownVectors(1);
  const operators = (list: readonly Vector[]) => list.map(({ operator }) => operator);
  const found = new Map<string, string[]>();
  const record = (origin: string, names: readonly string[]) => {
    for (const name of new Set(names)) if (name !== "") found.set(name, [...(found.get(name) ?? []), origin]);
  };
  record("ONNX's node and PyTorch tests", await importedOperators(onnx));
  record("ONNX.js", await importedOperators(readOnnxJsCases(folder).cases));
  record("Keras", await kerasOperators(keras));
  record("plain loops", operators(loops));
  record("worked out by hand", operators(literal));
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The operators that the imported models call. */
async function importedOperators(cases: readonly OnnxCase[]): Promise<string[]> {
  const prepared = await Promise.all(cases.map(prepareOnnx));
  return prepared.flatMap((one) => (typeof one === "string" ? [] : one.imported.compiled.source.nodes.map((node) => node.operator)));
}

/** The operators that the imported models call, before any is expanded. */
async function kerasOperators(folder: string): Promise<string[]> {
  const models = await Promise.all(kerasPaths(folder).map(loadKerasModel));
  return models.flatMap(({ net }) => net.compiled.source.nodes.map((node) => node.operator));
}

function originsText(origins: ReadonlyMap<string, readonly string[]>): string {
  const lines = [...origins].map(([name, list]) => `  ${name}: [${list.map((origin) => JSON.stringify(origin)).join(", ")}],`);
  return [
    "/** Where the vectors come from that each operator is tested against. Written by scripts/vector_origins.ts. */",
    "export const vectorOrigins: { readonly [operator: string]: readonly string[] } = {",
    ...lines,
    "};",
    "",
  ].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const origins = await countedOrigins();
  if (!origins) process.exit(1);
  writeFileSync(new URL("../tests/operators/origins.ts", import.meta.url), originsText(origins));
}
