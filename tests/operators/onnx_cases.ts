/** ONNX's own test cases, as their archives hold them: a model, what it is given and what it must give. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { decodeMessage } from "../../src/formats/onnx.ts";
import type { ImportedTensor } from "../../src/importers/importer.ts";
import { readTensor } from "../../src/importers/onnx/tensor.ts";

export type OnnxCase = {
  readonly name: string;
  readonly model: Uint8Array;
  /** In the order of the model's inputs and outputs; undefined for what is no tensor of numbers. */
  readonly inputs: readonly (ImportedTensor | undefined)[];
  readonly outputs: readonly (ImportedTensor | undefined)[];
};

export const onnxSuites = ["node", "pytorch-converted", "pytorch-operator", "simple"] as const;

/** The cases of an archive in its order. */
export function readOnnxCases(path: string): readonly OnnxCase[] {
  const files = untar(gunzipSync(readFileSync(path)));
  return [...files]
    .filter(([name]) => name.endsWith("/model.onnx"))
    .map(([name, model]) => {
      const folder = name.slice(0, -"/model.onnx".length);
      const data = (kind: string) => {
        const found: (ImportedTensor | undefined)[] = [];
        for (let i = 0; ; i++) {
          const file = files.get(`${folder}/test_data_set_0/${kind}_${i}.pb`);
          if (!file) return found;
          found.push(tensorOf(file));
        }
      };
      return { name: folder.slice(folder.lastIndexOf("/") + 1), model, inputs: data("input"), outputs: data("output") };
    });
}

export function tensorOf(file: Uint8Array): ImportedTensor | undefined {
  const decoded = decodeMessage("TensorProto", file);
  const tensor = "message" in decoded ? readTensor(decoded.message, () => ({ diagnostics: [] })) : decoded.problem;
  return typeof tensor === "string" ? undefined : tensor;
}

/** The files of a tar archive: 512-byte headers, each followed by its file, filled up to 512. */
function untar(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const text = (from: number, length: number) => new TextDecoder().decode(bytes.subarray(from, from + length)).replace(/\0.*$/s, "");
  for (let at = 0; at + 512 <= bytes.length && bytes[at] !== 0; ) {
    const size = Number.parseInt(text(at + 124, 12), 8);
    const prefix = text(at + 345, 155);
    files.set(prefix === "" ? text(at, 100) : `${prefix}/${text(at, 100)}`, bytes.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}
