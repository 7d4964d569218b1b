/** The order of all passes, in one place. Each has a page in docs/passes.md: what it needs and what it guarantees. */
import type { RuleDeclaration } from "../ir/declaration.ts";
import type { Level } from "../ir/level_program.ts";
import type { LoopProgram } from "../ir/loop.ts";
import type { NnProgram } from "../ir/nn.ts";
import type { TensorProgram } from "../ir/tensor.ts";
import { aliasReshapes } from "../passes/alias.ts";
import { chooseAlgorithms } from "../passes/choose_algorithms.ts";
import { computeInPlace } from "../passes/compute_in_place.ts";
import { eliminateCommonSubexpressions, eliminateUnused } from "../passes/eliminate.ts";
import { expand } from "../passes/expand.ts";
import { foldConstants } from "../passes/fold_constants.ts";
import { fuseEpilogues, inlineProducers } from "../passes/fuse.ts";
import { addHalos } from "../passes/halo.ts";
import { placeParts } from "../passes/place_parts.ts";
import { planBuffers } from "../passes/plan_buffers.ts";
import { rewrite } from "../passes/rewrite.ts";

export type NnPass = { readonly name: string; run(program: NnProgram, rules: readonly RuleDeclaration[]): NnProgram };
/** Which maps stay by themselves is all that a choice of the user's or the tuner's decides here. */
export type TensorPass = { readonly name: string; run(program: TensorProgram, unfused?: ReadonlySet<string>): TensorProgram };

export const nnPasses: readonly NnPass[] = [
  { name: "expand", run: expand },
  { name: "fold-constants", run: foldConstants },
  { name: "eliminate-common-subexpressions", run: eliminateCommonSubexpressions },
  {
    name: "rewrite",
    run: (program, rules) =>
      rewrite(
        program,
        rules.filter((rule) => !rule.when),
      ),
  },
  { name: "choose-algorithms", run: chooseAlgorithms },
  { name: "eliminate-dead-code", run: eliminateUnused },
];

/** Up to here no pass takes a rule with `when`. */
export const lastBeforeChoice = "rewrite";

/** Up to and including fusion: no decision about memory yet. Verification judges layers on this form. */
export const fusionPasses: readonly TensorPass[] = [
  { name: "inline-producers", run: inlineProducers },
  { name: "fuse-epilogues", run: fuseEpilogues },
];

/** What lies where relative to what else; the places themselves come after schedules. */
export const memoryPasses: readonly TensorPass[] = [
  { name: "alias-reshapes", run: aliasReshapes },
  { name: "add-halos", run: addHalos },
  { name: "place-parts", run: placeParts },
  { name: "compute-in-place", run: computeInPlace },
];

/** Once the order of execution is known. */
export const placementPass: { readonly name: string; run(program: LoopProgram): LoopProgram } = { name: "plan-buffers", run: planBuffers };

/** What a program is lowered for. */
export type Target = "wasm" | "webgpu";

/** No dispatch may read what it writes under another name (WebGPU, 3.4.5 Resource usages): for a device nothing is computed in place. */
export function memoryPassesFor(target: Target): readonly TensorPass[] {
  return target === "webgpu" ? memoryPasses.filter((pass) => pass.run !== computeInPlace) : memoryPasses;
}

/** Shaders have arenas of their own kind, which lowering to them plans. */
export function passNamesFor(target: Target): readonly string[] {
  const last = target === "webgpu" ? ["lower-to-shader"] : [placementPass, "lower-to-kernel"];
  const all = [
    "elaborate",
    ...nnPasses,
    "lower-to-tensor",
    ...fusionPasses,
    ...memoryPassesFor(target),
    "lower-to-loop",
    "schedule",
    ...last,
  ];
  return all.map((pass) => (typeof pass === "string" ? pass : pass.name));
}

export const passNames: readonly string[] = passNamesFor("wasm");

/** The level that a pass leaves the program at. */
export function levelOf(pass: string): Level {
  if (pass === "elaborate" || nnPasses.some(({ name }) => name === pass)) return "nn";
  if (pass === "lower-to-tensor" || [...fusionPasses, ...memoryPasses].some(({ name }) => name === pass)) return "tensor";
  if (pass === "lower-to-shader") return "shader";
  return pass === "lower-to-kernel" ? "kernel" : "loop";
}
