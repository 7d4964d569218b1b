/** The text of a program at any level. */
import { unreachable } from "../support/invariant.ts";
import type { LevelProgram } from "./level_program.ts";
import { printKernel } from "./print_kernel.ts";
import { printLoop } from "./print_loop.ts";
import { printNn } from "./print_nn.ts";
import { printShader } from "./print_shader.ts";
import { printTensor } from "./print_tensor.ts";

export function printLevel(at: LevelProgram): string {
  switch (at.level) {
    case "nn":
      return printNn(at.program);
    case "tensor":
      return printTensor(at.program);
    case "loop":
      return printLoop(at.program);
    case "kernel":
      return printKernel(at.program);
    case "shader":
      return printShader(at.program);
    default:
      return unreachable(at);
  }
}
