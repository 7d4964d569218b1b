/**
 * Writes docs/import/onnx.md: every operator of ONNX that the importer knows, with what ONNX's suites say of it on each target.
 * `npx tsx scripts/onnx_docs.ts`, with the suites beside the checkout or where QUERN_SHARED says.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readGraph } from "../src/importers/onnx/graph.ts";
import { outside, translations } from "../src/importers/onnx/translations.ts";
import { passedByCase } from "../tests/importers/cases/check_case.ts";
import { onnxCases } from "../tests/importers/cases/onnx_cases.ts";
import { fileOf, runImported } from "../tests/importers/support.ts";
import { targetNames, targetsHere } from "../tests/importers/targets.ts";
import { onnxSuites, readOnnxCases } from "../tests/operators/onnx_cases.ts";
import { leftOut } from "../tests/operators/onnx_left_out.ts";
import { prepareOnnx } from "../tests/operators/onnx_run.ts";
import { onnxTolerance } from "../tests/operators/onnx_tolerance.ts";
import { mismatch } from "../tests/operators/tensors.ts";
import { sharedFile } from "../tests/support.ts";
import { tableOf } from "./import_tables.ts";

export const onnxPage: URL = new URL("../docs/import/onnx.md", import.meta.url);

type Tally = { cases: number; readonly passed: Map<string, number>; left: number };

/** Cases that an operator stands in, and how many of them each target passes; undefined where a suite is missing. */
async function tallies(): Promise<ReadonlyMap<string, Tally> | undefined> {
  const paths = onnxSuites.map((suite) => sharedFile(`conformance/onnx/${suite}.tar.gz`));
  if (paths.some((path) => path === undefined)) return undefined;
  const found = new Map<string, Tally>();
  const count = (operator: string, passed: ReadonlySet<string>, left: boolean) => {
    const tally = found.get(operator) ?? { cases: 0, passed: new Map(), left: 0 };
    tally.cases++;
    if (left) tally.left++;
    for (const target of passed) tally.passed.set(target, (tally.passed.get(target) ?? 0) + 1);
    found.set(operator, tally);
  };
  for (const given of onnxCases) {
    const passed = await passedByCase(given);
    for (const operator of given.operators) count(operator, passed, false);
  }
  for (const given of paths.flatMap((path) => (path === undefined ? [] : readOnnxCases(path)))) {
    const read = readGraph(fileOf(given.name, given.model));
    const operators = new Set("graph" in read ? read.graph.nodes.map(({ operator }) => operator) : []);
    const passed = await passedTargets(given);
    for (const operator of operators) count(operator, passed, Object.hasOwn(leftOut, given.name));
  }
  return found;
}

async function passedTargets(given: Parameters<typeof prepareOnnx>[0]): Promise<ReadonlySet<string>> {
  const prepared = await prepareOnnx(given);
  if (typeof prepared === "string") return new Set();
  const agrees = (target: string, outputs: ReadonlyMap<string, Float64Array>) =>
    [...prepared.expected].every(([name, { type, values }]) => {
      const { tolerance, steps } = onnxTolerance(given.name, target);
      return mismatch({ dtype: type.dtype, data: values }, outputs.get(name) ?? [], tolerance, steps) === undefined;
    });
  const results = await runImported(prepared.imported, prepared.inputs);
  return new Set(results.filter(({ target, outputs }) => agrees(target, outputs)).map(({ target }) => target));
}

function pageText(found: ReadonlyMap<string, Tally>): string {
  const rows = [...new Set([...Object.keys(translations), ...Object.keys(outside)])].sort().map((operator) => {
    const tally = found.get(operator);
    const blank = targetNames.map(() => "");
    if (Object.hasOwn(outside, operator)) return [operator, `left out: ${outside[operator]}`, tally?.cases ?? 0, ...blank];
    if (!tally) return [operator, "imported; unproved", 0, ...blank];
    const left = tally.left > 0 ? `; ${tally.left} left out` : "";
    return [operator, `imported${left}`, tally.cases, ...targetNames.map((target) => tally.passed.get(target) ?? 0)];
  });
  const reasons = [...new Set(Object.values(leftOut))].map((reason) => {
    const names = Object.keys(leftOut).filter((name) => leftOut[name] === reason);
    return `- ${reason}: ${names.map((name) => `\`${name.replace("test_", "")}\``).join(", ")}`;
  });
  return [
    "# ONNX",
    "<!-- written by scripts/onnx_docs.ts -->",
    "Every operator that the importer knows by name, with the cases of ONNX's own suites (node, PyTorch, simple) in whose graphs it stands and those that plain loops compute, and how many of them each target passes. An operator that is not here is reported as unsupported, with all its nodes.",
    tableOf(["operator", "status", "cases", ...targetNames], rows),
    "Cases that are left out:",
    reasons.join("\n"),
    "",
  ]
    .join("\n\n")
    .trimEnd()
    .concat("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const found = targetsHere().length < targetNames.length ? undefined : await tallies();
  if (!found) process.exit(1);
  mkdirSync(new URL(".", onnxPage), { recursive: true });
  writeFileSync(onnxPage, pageText(found));
}
