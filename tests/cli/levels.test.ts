/** inspect and lower: the text of any level, lowered from there on, gives the bytes that build writes. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { programAt } from "../../src/cli/print_level.ts";
import { emitWasm } from "../../src/codegen/wasm/emit.ts";
import { compile } from "../../src/compile.ts";
import { parseLevel } from "../../src/frontend/levels/parse_level.ts";
import type { KernelProgram } from "../../src/ir/kernel.ts";
import type { LevelProgram } from "../../src/ir/level_program.ts";
import { printLevel } from "../../src/ir/print_level.ts";
import { levelOf } from "../../src/pipeline/passes.ts";
import { resume } from "../../src/pipeline/resume.ts";
import { full, root } from "../support.ts";
import { quern } from "./quern.ts";

const folder = mkdtempSync(join(tmpdir(), "quern-levels-"));
afterAll(() => rmSync(folder, { recursive: true }));
const run = (...args: readonly string[]) => quern(args, { cwd: folder });
const examples = full ? ["custom-op", "resnet8", "vww"] : ["custom-op"];
const sourceOf = (name: string) => join(root, "examples", name, `${name}.qn`);

describe.each(examples)("%s", (name) => {
  const file = sourceOf(name);
  const { value: compiled } = compile([{ file, text: readFileSync(file, "utf8") }]);
  if (!compiled) throw new Error(`${name} does not compile`);
  const { levels, module } = compiled;
  const emit = (program: KernelProgram, relaxed: boolean) => Buffer.from(emitWasm(program, { relaxed, calls: "run" }).bytes);
  const wanted = [emit(levels.kernel(), false), emit(levels.kernel(), true)];

  test.each(compiled.passes)("after %s", (pass) => {
    const text = printLevel(programAt(compiled, levelOf(pass), pass));
    const parsed = parseLevel(text, "text");
    expect(parsed.diagnostics).toEqual([]);
    expect(parsed.value?.level).toBe(levelOf(pass));
    const { value, diagnostics } = resume(parsed.value as LevelProgram, pass, "kernel", module);
    expect(diagnostics.filter((diagnostic) => diagnostic.severity === "error")).toEqual([]);
    const kernel = value?.level === "kernel" ? value.program : undefined;
    for (const [i, bytes] of wanted.entries()) expect(kernel && emit(kernel, i === 1).equals(bytes)).toBe(true);
  });
});

describe("levels", () => {
  const source = sourceOf("custom-op");

  test("the files of build, by way of a text", () => {
    expect(run("build", source, "--out", "built").code).toBe(0);
    writeFileSync(join(folder, "text"), run("inspect", source, "--level", "loop").out);
    for (const variant of ["simd", "relaxed"]) {
      const lowered = run("lower", "text", "--from", "loop", "--wasm", "out.wasm", "--variant", variant);
      expect(lowered).toEqual({ code: 0, out: "", err: "" });
      expect(readFileSync(join(folder, "out.wasm")).equals(readFileSync(join(folder, "built", `model.${variant}.wasm`)))).toBe(true);
    }
  });

  test("a text lowered to the next level is what inspect prints there", () => {
    const nn = run("inspect", source).out;
    expect(quern(["lower", "-", "--from", "nn", "--to", "tensor", "--source", source], { input: nn }).out).toBe(
      run("inspect", source, "--level", "tensor").out,
    );
    expect(quern(["lower", "-", "--from", "nn", "--to", "nn"], { input: nn }).out).toBe(nn);
  });

  test("WebAssembly text, of both variants", () => {
    const simd = run("inspect", source, "--wat");
    expect([simd.code, simd.err]).toEqual([0, ""]);
    expect(simd.out).toContain("(module");
    expect(simd.out).not.toContain("relaxed");
    expect(run("inspect", source, "--level", "kernel", "--wat", "relaxed").out).toContain("relaxed_madd");
  });

  test("as JSON", () => {
    const { ok, level, after, text } = JSON.parse(run("inspect", source, "--after", "fuse-epilogues", "--json").out);
    expect([ok, level, after]).toEqual([true, "tensor", "fuse-epilogues"]);
    expect(`${text.trimEnd()}\n`).toBe(run("inspect", source, "--after", "fuse-epilogues").out);
  });

  test("text with mistakes", () => {
    const kernel = run("inspect", source, "--level", "kernel").out;
    const other = quern(["lower", "-", "--from", "loop"], { input: kernel });
    expect([other.code, other.err]).toEqual([
      1,
      "error[other-level]: stdin is text of the kernel level, and --from says loop\n  help: write --from kernel\n",
    ]);
    const broken = quern(["lower", "-", "--from", "kernel"], { input: `${kernel}\n?` });
    expect([broken.code, broken.out]).toEqual([1, ""]);
    expect(broken.err).toMatch(/^error\[[^\]]+\]: .*\n *--> stdin:\d+:\d+\n/);
    const empty = quern(["lower", "-", "--from", "nn"], { input: "" });
    expect(empty.code).toBe(1);
    expect(empty.err).not.toContain("internal error");
  });
});
