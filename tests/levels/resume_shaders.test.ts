import { describe, expect, test } from "vitest";
import { printWgsl } from "../../src/codegen/wgsl/print_wgsl.ts";
import type { LevelProgram } from "../../src/ir/level_program.ts";
import { printLevel } from "../../src/ir/print_level.ts";
import { levelOf } from "../../src/pipeline/passes.ts";
import { resume } from "../../src/pipeline/resume.ts";
import { compileExample } from "../support.ts";
import { parsed } from "./levels.ts";

describe.each(["custom-op", "resnet8"])("lowering %s to shaders resumed from a printed text", (name) => {
  const { levels, module, passes } = compileExample(name, { target: "webgpu" });
  const { value: wanted } = levels.shader();
  if (!wanted) throw new Error(`${name} has no shaders`);

  test.each(passes)("after %s gives the identical WGSL", (pass) => {
    const at = programAfter(pass);
    const { value: resumed, diagnostics } = resume(parsed(printLevel(at)), pass, "shader", module, { target: "webgpu" });
    expect(diagnostics).toEqual([]);
    if (resumed?.level !== "shader") throw new Error("lowering does not end with shaders");
    expect(printLevel(resumed)).toBe(printLevel({ level: "shader", program: wanted }));
    expect(resumed.program.shaders.map(printWgsl)).toEqual(wanted.shaders.map(printWgsl));
  });

  function programAfter(pass: string): LevelProgram {
    const level = levelOf(pass);
    if (level === "nn") return { level, program: levels.nn(pass) };
    if (level === "tensor") return { level, program: levels.tensor(pass) };
    if (level === "loop") return { level, program: levels.loop(pass) };
    return { level: "shader", program: wanted as NonNullable<typeof wanted> };
  }
});
