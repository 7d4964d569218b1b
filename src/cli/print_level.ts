/** A program at any level as text; apart, so that only commands that print levels load the printers and the code generator. */
import { emitWasm } from "../codegen/wasm/emit.ts";
import { printWgsl } from "../codegen/wgsl/print_wgsl.ts";
import type { Compiled } from "../compile.ts";
import type { KernelProgram } from "../ir/kernel.ts";
import type { Level, LevelProgram } from "../ir/level_program.ts";
import type { ShaderProgram } from "../ir/shader.ts";
import { shadersOf } from "../pipeline/gpu.ts";

/** After a pass that leaves the program at this level, or after the level's last one. */
export function programAt(compiled: Compiled, level: Level, after: string | undefined): LevelProgram {
  const { levels: at } = compiled;
  switch (level) {
    case "nn":
      return { level, program: at.nn(after) };
    case "tensor":
      return { level, program: at.tensor(after) };
    case "loop":
      return { level, program: at.loop(after) };
    case "kernel":
      return { level, program: at.kernel() };
    case "shader":
      return { level, program: shadersOf(compiled) };
  }
}

export type Variant = "simd" | "relaxed";

/** WebAssembly's own text format, of what would ship. */
export function printWat(program: KernelProgram, variant: Variant): string {
  return emitWasm(program, { relaxed: variant === "relaxed", calls: "run" }).text();
}

/** The shaders as a device compiles them. */
export function printAllWgsl({ shaders }: ShaderProgram): string {
  return shaders.map(printWgsl).join("\n");
}
