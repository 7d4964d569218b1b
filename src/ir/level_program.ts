/** A program at one of the four levels, the last of which has two forms, for what speaks of all of them: texts, verifiers, lowering from the middle. */
import type { Diagnostic } from "../support/diagnostic.ts";
import { unreachable } from "../support/invariant.ts";
import type { KernelProgram } from "./kernel.ts";
import type { LoopProgram } from "./loop.ts";
import type { NnProgram } from "./nn.ts";
import type { ShaderProgram } from "./shader.ts";
import type { TensorProgram } from "./tensor.ts";
import { verifyKernel } from "./verify_kernel.ts";
import { verifyLoop } from "./verify_loop.ts";
import { verifyNn } from "./verify_nn.ts";
import { verifyShader } from "./verify_shader.ts";
import { verifyTensor } from "./verify_tensor.ts";

export type LevelProgram =
  | { readonly level: "nn"; readonly program: NnProgram }
  | { readonly level: "tensor"; readonly program: TensorProgram }
  | { readonly level: "loop"; readonly program: LoopProgram }
  | { readonly level: "kernel"; readonly program: KernelProgram }
  | { readonly level: "shader"; readonly program: ShaderProgram };

export type Level = LevelProgram["level"];

export function verifyLevel(at: LevelProgram): readonly Diagnostic[] {
  switch (at.level) {
    case "nn":
      return verifyNn(at.program);
    case "tensor":
      return verifyTensor(at.program);
    case "loop":
      return verifyLoop(at.program);
    case "kernel":
      return verifyKernel(at.program);
    case "shader":
      return verifyShader(at.program);
    default:
      return unreachable(at);
  }
}
