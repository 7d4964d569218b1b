/**
 * Plants the mistakes of tests/faults/faults.ts in a copy of the checkout, one at a time, and runs the tests that must find each.
 * `npx tsx scripts/plant_faults.ts`; `--only NAME` takes those whose names contain the text, `--count N --seed S` takes N of them.
 * Exits with 1 if a mistake stays unfound, or if the text to replace is not there exactly once.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createRandom } from "../src/support/random.ts";
import type { Fault, Test } from "../tests/faults/fault.ts";
import { faults } from "../tests/faults/faults.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

export type Outcome = { readonly fault: Fault; readonly caughtBy: Test | undefined };

/** Faults whose text is not in its file exactly once. */
export function misplacedFaults(): string[] {
  return faults.flatMap(({ name, file, find }) => {
    const count = readFileSync(join(root, file), "utf8").split(find).length - 1;
    return count === 1 ? [] : [`${name}: ${file} has the text ${count} times`];
  });
}

export function chooseFaults(count: number, seed: string): Fault[] {
  const random = createRandom(`faults/${seed}`);
  return faults
    .map((fault) => ({ fault, key: random.uniform() }))
    .sort((a, b) => a.key - b.key)
    .slice(0, count)
    .map(({ fault }) => fault);
}

/** Calls `report` after each fault. */
export function plantFaults(chosen: readonly Fault[], report: (outcome: Outcome) => void): void {
  const copy = copyOfCheckout();
  try {
    for (const fault of chosen) report({ fault, caughtBy: plant(fault, copy) });
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function copyOfCheckout(): string {
  const copy = mkdtempSync(join(tmpdir(), "quern-faults-"));
  for (const name of readdirSync(root)) {
    if (name === "node_modules" || name === ".git" || name === ".cache") continue;
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  // Drivers for WebGPU, where there are any.
  if (existsSync(join(root, ".cache"))) symlinkSync(join(root, ".cache"), join(copy, ".cache"));
  return copy;
}

/** The first test that fails with the mistake in place. */
function plant({ file, find, replace, caughtBy }: Fault, copy: string): Test | undefined {
  const path = join(copy, file);
  const text = readFileSync(path, "utf8");
  writeFileSync(
    path,
    text.replace(find, () => replace),
  );
  generate(file, copy);
  try {
    return caughtBy.find((test) => runTests(test, copy) === "fail");
  } finally {
    writeFileSync(path, text);
    generate(file, copy);
  }
}

/** Some sources are embedded in generated files. */
function generate(file: string, copy: string): void {
  const script = file.startsWith("src/library/") ? "library" : file.startsWith("src/runtime/") ? "runtime" : undefined;
  if (script) spawnSync(process.execPath, [`scripts/${script}.mjs`], { cwd: copy });
}

/** A pattern that finds no test is a mistake of the list of faults. */
function runTests({ path, name }: Test, cwd: string): "pass" | "fail" | "none" {
  const filter = name === undefined ? [] : ["-t", name];
  const shared = process.env.QUERN_SHARED ?? fileURLToPath(new URL("../../shared", import.meta.url));
  const { VITEST: _, QUERN_TEST: __, ...env } = process.env;
  const { status, stdout } = spawnSync(
    process.execPath,
    ["node_modules/vitest/vitest.mjs", "run", path, "--bail", "1", "--silent", "--reporter", "json", ...filter],
    { cwd, encoding: "utf8", env: { ...env, QUERN_SHARED: shared }, maxBuffer: 1 << 28 },
  );
  if (status !== 0) return "fail";
  return /"numPassedTests":[1-9]/.test(stdout) ? "pass" : "none";
}

/** Tests that fail without any fault would find every fault, and tests that are not there none. */
export function failingTests(chosen: readonly Fault[]): string[] {
  const tests = new Map(chosen.flatMap((fault) => fault.caughtBy.map((test) => [`${test.path} ${test.name ?? ""}`, test] as const)));
  return [...tests].flatMap(([key, test]) => {
    const outcome = runTests(test, root);
    return outcome === "pass" ? [] : [`${outcome === "none" ? "there is no such test" : "fails without any fault"}: ${key}`];
  });
}

function main(): void {
  const { values } = parseArgs({
    options: { only: { type: "string" }, count: { type: "string" }, seed: { type: "string", default: "0" } },
  });
  const chosen = chooseFaults(Number(values.count ?? faults.length), values.seed).filter(({ name }) => name.includes(values.only ?? ""));
  const problems = misplacedFaults();
  if (problems.length === 0) problems.push(...failingTests(chosen));
  if (problems.length === 0) {
    plantFaults(chosen, ({ fault, caughtBy }) => {
      console.log(`${caughtBy ? "caught    " : "NOT CAUGHT"}  ${fault.name}${caughtBy ? ` (${caughtBy.path})` : ""}`);
      if (!caughtBy) problems.push(`not caught: ${fault.name}`);
    });
  }
  console.log(`${chosen.length} faults, ${problems.length} problems`);
  for (const problem of problems) console.error(problem);
  if (problems.length > 0 || chosen.length === 0) process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
