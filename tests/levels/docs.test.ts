import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { verifyLevel } from "../../src/ir/level_program.ts";
import { printLevel } from "../../src/ir/print_level.ts";
import { lowerToLoop } from "../../src/passes/lower_to_loop.ts";
import { lowerToTensor } from "../../src/passes/lower_to_tensor.ts";
import { fusionPasses, memoryPasses, nnPasses } from "../../src/pipeline/passes.ts";
import { codesIn } from "./broken.ts";
import { parsed } from "./levels.ts";

const page = readFileSync(new URL("../../docs/levels.md", import.meta.url), "utf8");
const blocks = [...page.matchAll(/^```\n(quern [\s\S]*?)^```$/gm)].map((match) => match[1] as string);

describe("docs/levels.md", () => {
  test("has an example of each level", () => {
    expect(blocks.map((text) => text.split(" ")[1])).toEqual(["nn", "tensor", "loop", "kernel", "shader"]);
  });

  test.each(blocks.map((text) => [text.split("\n")[0], text] as const))("`%s` is valid and printed as it stands", (_, text) => {
    const at = parsed(text);
    expect(verifyLevel(at)).toEqual([]);
    expect(printLevel(at)).toBe(text);
  });

  test("shows one program on its way down", () => {
    const [nn, tensor, loop] = blocks.map(parsed);
    if (nn?.level !== "nn" || tensor?.level !== "tensor") throw new Error("not the levels in order");
    const rewritten = nnPasses.reduce((program, pass) => pass.run(program, []), nn.program);
    const planned = [...fusionPasses, ...memoryPasses].reduce((program, pass) => pass.run(program), lowerToTensor(rewritten));
    expect(printLevel({ level: "tensor", program: planned })).toBe(printLevel(tensor));
    expect(printLevel({ level: "loop", program: lowerToLoop(tensor.program) })).toBe(loop && printLevel(loop));
  });

  const section = (title: string) => page.split(/^## /m).find((part) => part.startsWith(`${title}\n`)) ?? "";
  const listedIn = (title: string) =>
    [...section(title).matchAll(/^\| (`[^|]*`) \|/gm)].flatMap((row) =>
      [...(row[1] as string).matchAll(/`([a-z-]+)`/g)].map((match) => match[1] as string),
    );
  const files = {
    nn: ["verify_nn.ts"],
    tensor: ["verify_tensor.ts", "verify_expr.ts", "verify_buffers.ts", "verify_in_place.ts"],
    loop: ["verify_loop.ts", "verify_arena.ts"],
    kernel: ["verify_kernel.ts", "verify_kernel_memory.ts", "verify_kernel_body.ts"],
    shader: ["verify_shader.ts"],
  };
  test.each(["nn", "tensor", "loop", "kernel", "shader"] as const)("lists the invariants of the %s level, and no others", (level) => {
    const listed = listedIn(level);
    // What tensor and loop programs share is listed once.
    const shared = level === "loop" ? listedIn("tensor") : [];
    expect(codesIn(files[level]).filter((code) => !listed.includes(code) && !shared.includes(code))).toEqual([]);
    const known = level === "loop" ? codesIn([...files.loop, ...files.tensor]) : codesIn(files[level]);
    expect(listed.filter((code) => !known.includes(code))).toEqual([]);
  });
});
