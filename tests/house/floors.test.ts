/** The table of floors: what may import what. Imports go down only, and no file reaches itself. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { expect, test } from "vitest";
import { root } from "../support.ts";

/** Each floor and the floors that it may import. */
const floors: Record<string, readonly string[]> = {
  support: [],
  ir: ["support"],
  library: [],
  semantics: ["support", "ir"],
  frontend: ["support", "ir", "semantics"],
  passes: ["support", "ir", "semantics"],
  schedule: ["support", "ir", "semantics"],
  codegen: ["support", "ir", "semantics"],
  formats: ["support"],
  exporters: ["support", "ir", "formats"],
  importers: ["support", "ir", "semantics", "formats"],
  runtime: [],
  pipeline: ["support", "ir", "semantics", "frontend", "passes", "schedule", "codegen", "exporters", "runtime"],
  compile: ["support", "ir", "library", "semantics", "frontend", "passes", "schedule", "codegen", "pipeline"],
  index: ["support", "ir", "pipeline", "compile"],
  tuner: ["support", "ir", "semantics", "frontend", "passes", "schedule", "codegen", "pipeline", "compile", "runtime"],
  report: ["support", "ir", "schedule", "codegen", "pipeline", "tuner"],
  cli: [
    "support",
    "ir",
    "semantics",
    "frontend",
    "passes",
    "schedule",
    "codegen",
    "exporters",
    "importers",
    "pipeline",
    "compile",
    "runtime",
    "tuner",
    "report",
  ],
};

/** Packages, and the only places that may import them. */
const packages: Record<string, readonly string[]> = {
  chevrotain: ["frontend/"],
  binaryen: ["codegen/wasm/"],
  "@bufbuild/protobuf": ["formats/onnx.ts"],
  "@bufbuild/protobuf/wire": ["formats/onnx.ts"],
  "@bufbuild/protobuf/wkt": ["formats/onnx.ts"],
  flatbuffers: ["exporters/tflite/", "importers/tflite/"],
  h5wasm: ["importers/keras/"],
  "@observablehq/plot": ["report/page/"],
  seedrandom: ["support/random.ts"],
  commander: ["cli/"],
  sharp: ["cli/io/"],
  webgpu: ["cli/gpu/"],
};

const source = join(root, "src");
const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
const imports = new Map(files.map((file) => [file, importsOf(readFileSync(join(source, file), "utf8"))]));

function importsOf(text: string): { readonly from: string; readonly typeOnly: boolean }[] {
  const statements = text.matchAll(/^(?:import|export)\s+(type\s)?[^;'"]*?from\s+"([^"]+)";|import\("([^"]+)"\)/gms);
  return [...statements].map((match) => ({ from: match[2] ?? match[3] ?? "", typeOnly: match[1] !== undefined }));
}

function floorOf(file: string): string {
  const [first = "", ...rest] = file.split("/");
  return rest.length === 0 ? first.replace(/\.ts$/, "") : first;
}

function resolved(file: string, from: string): string {
  return relative(source, normalize(join(source, dirname(file), from)));
}

test("every file is on a floor", () => {
  expect(files.filter((file) => !floors[floorOf(file)])).toEqual([]);
});

test("imports go down only", () => {
  const wrong: string[] = [];
  for (const [file, list] of imports) {
    for (const { from } of list.filter((entry) => entry.from.startsWith("."))) {
      const target = floorOf(resolved(file, from));
      if (target !== floorOf(file) && !floors[floorOf(file)]?.includes(target)) wrong.push(`${file} imports ${from}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("packages stay where they belong", () => {
  const wrong: string[] = [];
  for (const [file, list] of imports) {
    for (const { from } of list.filter((entry) => !entry.from.startsWith("."))) {
      const allowed = from.startsWith("node:") ? ["cli/"] : packages[from];
      if (!allowed?.some((place) => file.startsWith(place))) wrong.push(`${file} imports ${from}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("no file imports itself through others", () => {
  const graph = new Map(
    [...imports].map(([file, list]) => [file, list.filter(({ from }) => from.startsWith(".")).map(({ from }) => resolved(file, from))]),
  );
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
    if (done.has(file) || path.includes(file)) return;
    for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  expect(circles).toEqual([]);
});
