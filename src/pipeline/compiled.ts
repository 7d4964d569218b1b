/** A model with all its levels, each computed when it is first asked for. */
import { defaultGpuLimits, type GpuLimits } from "../ir/gpu_limits.ts";
import type { KernelProgram } from "../ir/kernel.ts";
import type { LoopProgram } from "../ir/loop.ts";
import type { NnProgram, NnValue, NnWeight } from "../ir/nn.ts";
import type { ShaderProgram } from "../ir/shader.ts";
import type { TensorProgram } from "../ir/tensor.ts";
import type { TunedSection } from "../ir/tuned.ts";
import { chooseFor, forceAlgorithm } from "../passes/choose_algorithms.ts";
import type { NestHistory } from "../schedule/schedule_program.ts";
import type { Module } from "../semantics/module.ts";
import type { Checked } from "../support/diagnostic.ts";
import { exactJson } from "../support/exact_json.ts";
import { once } from "../support/once.ts";
import { bindChoices, checkUnfused, layersFor, unfusedChoice } from "./bind_tuned.ts";
import {
  fuse,
  layOut,
  lowerKernel,
  lowerLoop,
  lowerNn,
  lowerShaders,
  lowerTensor,
  planMemory,
  scheduleLoop,
  scheduleSteps,
} from "./lower.ts";
import { lastBeforeChoice, passNamesFor, type Target } from "./passes.ts";

export type CompileOptions = {
  /** The model to compile; needed only where the files declare several. */
  readonly model?: string;
  /** `default` binds the library's sketches and the user's schedules; `none` leaves every loop as lowered. */
  readonly schedule?: "default" | "none";
  /** A rule with `when` that is applied wherever it is legal, and no other such rule; "direct" applies none of them. */
  readonly algorithm?: string;
  /** Layers whose last map, such as an activation, stays a kernel of its own, besides those that `tuned` names. */
  readonly unfused?: ReadonlySet<string>;
  /** What was found by measuring, in order of preference: the first section for the model gives schedules and algorithms. */
  readonly tuned?: readonly TunedSection[];
  /** What it is lowered for: WebAssembly, unless another is named. */
  readonly target?: Target;
  /** What the device can do, for WebGPU; what every device can, unless more is known. */
  readonly limits?: GpuLimits;
};

export type Compiled = {
  readonly name: string;
  readonly module: Module;
  readonly inputs: readonly NnValue[];
  readonly outputs: readonly NnValue[];
  readonly weights: readonly NnWeight[];
  /** As elaborated, before any pass: what the reference runs. */
  readonly source: NnProgram;
  readonly levels: Levels;
  /** Names of all passes in order, for `after`. */
  readonly passes: readonly string[];
  /** Which schedules the loop level takes. */
  readonly schedule: "default" | "none";
  readonly tuned?: TunedSection;
  readonly target: Target;
  readonly limits: GpuLimits;
  /** The same with other sections found by measuring, or with none: what schedules do not change is lowered once for all of them. */
  withTuned(sections: readonly TunedSection[]): Compiled;
};

export type Levels = {
  /** After all nn passes, or after the one named. */
  nn(after?: string): NnProgram;
  tensor(after?: string): TensorProgram;
  /** Scheduled, or what the user's schedules were refused for. */
  schedule(): Checked<LoopProgram>;
  /** With a place for every buffer, or after "schedule", or as lowered after "lower-to-loop". */
  loop(after?: string): LoopProgram;
  /** Every nest after each step of its schedule. */
  steps(): readonly NestHistory[];
  kernel(): KernelProgram;
  /** Shaders, for the target webgpu; or which layer breaks a limit of the device. */
  shader(): Checked<ShaderProgram>;
  /** Tensor groups after fusion, before memory is decided: the layers that verification judges. */
  layers(): TensorProgram;
};

/** Builds the levels from an nn program, for `lower` and for importers. */
export function createCompiled(source: NnProgram, whole: Module, options: CompileOptions = {}): Compiled {
  const { algorithm, target = "wasm", limits = defaultGpuLimits, schedule = "default" } = options;
  const declared = { ...whole, rules: whole.rules.filter((rule) => rule.target === undefined || rule.target === target) };
  // The rules so far are the same whatever is chosen.
  const unchosen = once(() => lowerNn(source, declared, { last: lastBeforeChoice }));
  const outputs = outputsOf(source);
  const known = new Map<string, Unscheduled>();
  return withTuned(options.tuned ?? []);

  function withTuned(given: readonly TunedSection[]): Compiled {
    const sections = schedule === "none" ? [] : given;
    const tuned = sections.find((section) => section.model === source.name && section.target === target);
    const chosen = tuned && bindChoices(choosable(unchosen()), ruleNames(declared), tuned);
    const unfused = new Set([...(options.unfused ?? []), ...(tuned ? layersFor(unfusedChoice, tuned) : [])]);
    const { module, nn, layers, tensor, loop: lowered } = unscheduled(chosen?.choices, unfused);
    const scheduling = { target, ...(tuned ? { tuned } : {}) };
    const scheduledOrNot = once(() => {
      const { value, diagnostics } = scheduleLoop(lowered(), module, schedule, scheduling);
      const stale = tuned && layersFor(unfusedChoice, tuned).size > 0 ? checkUnfused(fuse(lowerTensor(nn()), {}), tuned) : [];
      return { ...(value ? { value } : {}), diagnostics: [...(chosen?.diagnostics ?? []), ...stale, ...diagnostics] };
    });
    const scheduled = once(() => {
      const { value, diagnostics } = scheduledOrNot();
      if (!value) throw new Error(`internal error: scheduling fails: ${diagnostics[0]?.message}`);
      return value;
    });
    const planned = once(() => planMemory(scheduled(), target));
    const levels: Levels = {
      nn: (after) => (after === undefined ? nn() : lowerNn(source, module, { last: after })),
      tensor: (after) =>
        after === undefined ? tensor() : layOut(fuse(lowerTensor(nn()), { last: after, unfused }), { last: after, target }),
      loop: (after) => {
        if (after === "lower-to-loop") return lowered();
        return after === "schedule" ? scheduled() : planned();
      },
      schedule: scheduledOrNot,
      steps: () => scheduleSteps(lowered(), schedule === "none" ? { sketches: [], schedules: [] } : module, scheduling),
      kernel: once(() => lowerKernel(planned())),
      shader: once(() => lowerShaders(planned(), limits)),
      layers,
    };
    return {
      name: source.name,
      module,
      inputs: source.inputs,
      outputs,
      // Weights that no output needs are not asked for.
      weights: nn().weights,
      source,
      levels,
      passes: passNamesFor(target),
      schedule,
      ...(tuned ? { tuned } : {}),
      target,
      limits,
      withTuned,
    };
  }

  /** The program before schedules: the same for all that choose alike. */
  function unscheduled(choices: ReadonlyMap<string, string> | undefined, unfused: ReadonlySet<string>): Unscheduled {
    const key = exactJson([choices ? [...choices] : [], [...unfused]]);
    const before = known.get(key);
    if (before) return before;
    const rules = choices ? chooseFor(declared.rules, choices) : declared.rules;
    const module = { ...declared, rules: algorithm === undefined ? rules : forceAlgorithm(declared.rules, algorithm) };
    const nn = once(() => lowerNn(unchosen(), module, { after: lastBeforeChoice }));
    const layers = once(() => fuse(lowerTensor(nn()), { unfused }));
    const tensor = once(() => layOut(layers(), { target }));
    const lowered: Unscheduled = { module, nn, layers, tensor, loop: once(() => lowerLoop(tensor())) };
    known.set(key, lowered);
    return lowered;
  }
}

/** The levels that schedules do not change, and the module with the rules of the algorithms that were chosen. */
type Unscheduled = {
  readonly module: Module;
  nn(): NnProgram;
  layers(): TensorProgram;
  tensor(): TensorProgram;
  loop(): LoopProgram;
};

function outputsOf(source: NnProgram): readonly NnValue[] {
  const values = [...source.inputs, ...source.weights, ...source.constants, ...source.nodes.flatMap((node) => node.results)];
  const types = new Map(values.map((value) => [value.name, value.type]));
  return source.outputs.flatMap(({ name, value }) => {
    const type = types.get(value);
    return type ? [{ name, type }] : [];
  });
}

/** The values whose algorithm can be chosen: those of the program as the rules with `when` find it. */
function choosable(program: NnProgram): ReadonlySet<string> {
  return new Set(program.nodes.flatMap((node) => node.results.map(({ name }) => name)));
}

function ruleNames(module: Module): ReadonlySet<string> {
  return new Set(module.rules.flatMap((rule) => (rule.when ? [rule.name] : [])));
}
