/** Every example's program after every pass, for the tests of the levels. */
import { readdirSync, readFileSync } from "node:fs";
import { lowerToKernels } from "../../src/codegen/lower_to_kernel.ts";
import { parseSource } from "../../src/frontend/parse.ts";
import type { KernelProgram } from "../../src/ir/kernel.ts";
import type { LoopProgram } from "../../src/ir/loop.ts";
import type { NnProgram } from "../../src/ir/nn.ts";
import type { TensorProgram } from "../../src/ir/tensor.ts";
import { librarySources } from "../../src/library/sources.ts";
import { lowerToLoop } from "../../src/passes/lower_to_loop.ts";
import { lowerToTensor } from "../../src/passes/lower_to_tensor.ts";
import { planBuffers } from "../../src/passes/plan_buffers.ts";
import { fusionPasses, memoryPasses, nnPasses } from "../../src/pipeline/passes.ts";
import { decompose } from "../../src/schedule/decompose.ts";
import { scheduleProgram } from "../../src/schedule/schedule_program.ts";
import { elaborateModel } from "../../src/semantics/elaborate.ts";
import { linkModule, type Module } from "../../src/semantics/module.ts";

type Stage<T> = { readonly pass: string; readonly program: T };

export type Stages = {
  readonly name: string;
  readonly module: Module;
  readonly nn: readonly Stage<NnProgram>[];
  readonly tensor: readonly Stage<TensorProgram>[];
  readonly loop: readonly Stage<LoopProgram>[];
  readonly kernel: readonly Stage<KernelProgram>[];
};

const folder = new URL("../../examples/", import.meta.url);

export const exampleNames: readonly string[] = readdirSync(folder).sort();

export function exampleText(name: string): string {
  return readFileSync(new URL(`${name}/${name}.qn`, folder), "utf8");
}

export function stagesOf(name: string): Stages {
  return stagesOfSource(name, exampleText(name));
}

/** The one model that the text declares, after every pass. */
export function stagesOfSource(name: string, text: string): Stages {
  const module = loadModule(name, text);
  const model = module.models[0];
  const elaborated = model && elaborateModel(model, module);
  if (!elaborated?.value) throw new Error(`${name} does not elaborate: ${elaborated?.diagnostics[0]?.message}`);
  const nn: Stage<NnProgram>[] = [{ pass: "elaborate", program: elaborated.value }];
  for (const { name: pass, run } of nnPasses) nn.push({ pass, program: run(last(nn), module.rules) });
  const tensor: Stage<TensorProgram>[] = [{ pass: "lower-to-tensor", program: lowerToTensor(last(nn)) }];
  for (const { name: pass, run } of [...fusionPasses, ...memoryPasses]) tensor.push({ pass, program: run(last(tensor)) });
  const lowered = lowerToLoop(last(tensor));
  const plain: LoopProgram = { ...lowered, nests: lowered.nests.map(decompose) };
  const { sketches, schedules } = module;
  const scheduled = scheduleProgram(lowered, { sketches, schedules, target: "wasm" });
  if (!scheduled.value) throw new Error(`${name} does not schedule: ${scheduled.diagnostics[0]?.message}`);
  const planned = planBuffers(scheduled.value);
  return {
    name,
    module,
    nn,
    tensor,
    loop: [
      { pass: "lower-to-loop", program: lowered },
      { pass: "decompose", program: plain },
      { pass: "schedule", program: scheduled.value },
      { pass: "plan-buffers", program: planned },
    ],
    kernel: [
      { pass: "lower-to-kernel", program: lowerToKernels(planned) },
      { pass: "lower-to-kernel of the reference", program: lowerToKernels(plain, { float64: true }) },
    ],
  };
}

function loadModule(name: string, text: string): Module {
  const parse = (file: string, source: string) => {
    const { value, diagnostics } = parseSource(source, file);
    if (!value || diagnostics.length > 0) throw new Error(`${file} does not parse: ${diagnostics[0]?.message}`);
    return value;
  };
  const { value, diagnostics } = linkModule(
    librarySources.map((source) => parse(source.file, source.text)),
    [parse(`${name}.qn`, text)],
  );
  if (!value) throw new Error(`${name} does not link: ${diagnostics[0]?.message}`);
  return value;
}

function last<T>(stages: readonly Stage<T>[]): T {
  return (stages.at(-1) as Stage<T>).program;
}
