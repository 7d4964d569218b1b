/** The package as its users get it: packed, installed in an empty folder, used from there. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { full, root } from "../support.ts";

const packed = mkdtempSync(join(tmpdir(), "quern-packed-"));
const home = mkdtempSync(join(tmpdir(), "quern-home-"));
afterAll(() => {
  for (const folder of [packed, home]) rmSync(folder, { recursive: true, force: true });
});

const start = (command: string, args: readonly string[], cwd: string) =>
  execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

if (!full) console.log("skipped, for it takes a minute: packing and installing the package (QUERN_TEST=full runs it)");

describe.skipIf(!full)("the package", () => {
  beforeAll(() => {
    // `npm pack` builds by itself: prepack.
    start("npm", ["pack", "--silent", "--pack-destination", packed], root);
    const tarball = readdirSync(packed).find((name) => name.endsWith(".tgz"));
    if (!tarball) throw new Error("npm pack wrote no tarball");
    writeFileSync(join(home, "package.json"), '{ "name": "home", "private": true, "type": "module" }');
    start("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", "--omit=optional", join(packed, tarball)], home);
  });

  test("holds what runs and what documents, and no tests", () => {
    const names = readdirSync(join(home, "node_modules/quern")).sort();
    expect(names).toEqual(expect.arrayContaining(["LICENSE", "README.md", "dist", "package.json"]));
    expect(names.filter((name) => ["tests", "node_modules", "examples", "scripts"].includes(name))).toEqual([]);
    expect(existsSync(join(home, "node_modules/typescript"))).toBe(false);
  });

  test("npx quern: help, run, build, verify", () => {
    expect(start("npx", ["--no-install", "quern", "--help"], home)).toContain("quern build");
    const version = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version;
    expect(start("npx", ["--no-install", "quern", "--version"], home).trim()).toBe(version);
    writeFileSync(join(home, "model.qn"), readFileSync(join(root, "examples/custom-op/custom-op.qn")));
    expect(start("npx", ["--no-install", "quern", "run", "model.qn", "--random", "1"], home)).toContain("features: f32[1, 16, 16, 8]");
    expect(start("npx", ["--no-install", "quern", "verify", "model.qn"], home)).toContain("all within bounds");
    start("npx", ["--no-install", "quern", "build", "model.qn", "--out", "built"], home);
    const script = `import { load } from "./built/model.js";
const net = await load();
const { features } = await net.run({ image: new Float32Array(2048).fill(1) });
console.log(features.length, features.some((value) => value !== 0));`;
    writeFileSync(join(home, "use.js"), script);
    expect(start(process.execPath, ["use.js"], home)).toBe("2048 true\n");
  });

  test("the API, and its types", () => {
    const script = (
      declared: string,
    ) => `import { build, check, compile, createRunner, initialWeights, randomInputs, reference, renderDiagnostic, run, verify } from "quern";
const source = "model one(x: f32[1, 3]) -> y: f32[1, 3] {\\n  x * @w: [3] = ones\\n}\\n";
const { value: compiled, diagnostics } = compile(source);
if (!compiled) throw new Error(diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, new Map([["input.qn", source]]))).join());
const weights = initialWeights(compiled);
const inputs = randomInputs(compiled, 1);
const y${declared} = run(compiled, weights, inputs).get("y");
const exact = reference(compiled, weights, inputs).get("y");
const again = createRunner(compiled, weights).run(inputs).get("y");
console.log(JSON.stringify([y?.length, String(y) === String(again), String(exact) === String(inputs.get("x")), verify(compiled, weights).ok, build(compiled, weights).length, check([{ file: "a.qn", text: "model" }]).diagnostics.length > 0]));
`;
    writeFileSync(join(home, "api.js"), script(""));
    expect(JSON.parse(start(process.execPath, ["api.js"], home))).toEqual([3, true, true, true, 5, true]);
    writeFileSync(join(home, "api.ts"), script(": Float64Array | undefined"));
    const flags = ["--noEmit", "--strict", "--target", "es2023", "--lib", "es2023,dom", "--module", "nodenext", "--types", "", "api.ts"];
    expect(start(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), ...flags], home)).toBe("");
  });
});
