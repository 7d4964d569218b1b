/** How long a person waits: the fastest of several runs, because other programs run too. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, expect, test } from "vitest";
import { exampleFile, full } from "../support.ts";
import { bundledMain, quern } from "./quern.ts";

const folder = mkdtempSync(join(tmpdir(), "quern-speed-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Milliseconds of the fastest run so far: until one is within the limit, for what disturbs a run is no fault of the program. */
function fastest(args: readonly string[], limit: number): number {
  let best = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 12 && best >= limit; attempt++) {
    const start = performance.now();
    expect(quern(args).code).toBe(0);
    best = Math.min(best, performance.now() - start);
  }
  console.log(`quern ${args.slice(0, 2).join(" ")}: ${best.toFixed(0)} ms`);
  return best;
}

test.runIf(full)("ResNet-50 is checked in under a second", () => {
  quern(["--version"]);
  expect(fastest(["check", exampleFile("resnet50")], 1000)).toBeLessThan(1000);
});

test.runIf(full)("MobileNetV2 is built in under five seconds", () => {
  expect(fastest(["build", exampleFile("mobilenet-v2"), "--out", folder], 5000)).toBeLessThan(5000);
});

test("no command waits for a code generator that it does not use", () => {
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const [, from = ""] of readFileSync(file, "utf8").matchAll(/^(?:import|export) ?(?:[^"';]*from ?)?"([^"]+)";/gm))
      if (from.startsWith(".")) visit(resolve(dirname(file), from));
      else expect(from, file).not.toBe("binaryen");
  };
  visit(bundledMain());
  expect(seen.size).toBeGreaterThan(3);
});

test("the classics are short", () => {
  const lines = (name: string) => readFileSync(exampleFile(name), "utf8").trimEnd().split("\n").length;
  expect(lines("mobilenet-v2")).toBeLessThan(40);
  expect(lines("resnet50")).toBeLessThan(60);
});
