/**
 * The compiler as a function: source text in, every level out. Pure: no files, no clock, no device.
 * Levels are computed when they are first asked for.
 */
import { parseSource } from "./frontend/parse.ts";
import type { SourceFile } from "./ir/declaration.ts";
import type { KernelProgram } from "./ir/kernel.ts";
import type { LoopProgram } from "./ir/loop.ts";
import type { NnProgram, NnValue, NnWeight } from "./ir/nn.ts";
import type { TensorProgram } from "./ir/tensor.ts";
import { librarySources } from "./library/sources.ts";
import { fuse, lowerKernel, lowerLoop, lowerNn, lowerTensor, planMemory } from "./pipeline/lower.ts";
import { passNames } from "./pipeline/passes.ts";
import { checkDeclarations } from "./semantics/check.ts";
import { elaborateModel } from "./semantics/elaborate.ts";
import { linkModule, type Module } from "./semantics/module.ts";
import { type Checked, type Diagnostic, errorDiagnostic, hasErrors } from "./support/diagnostic.ts";

export type SourceText = { readonly file: string; readonly text: string };

export type CompileOptions = {
  /** The model to compile; needed only where the files declare several. */
  readonly model?: string;
  /** `default` binds the library's sketches and the user's schedules; `none` leaves every loop as lowered. */
  readonly schedule?: "default" | "none";
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
};

export type Levels = {
  /** After all nn passes, or after the one named. */
  nn(after?: string): NnProgram;
  tensor(after?: string): TensorProgram;
  /** Scheduled, or as lowered with `after` "lower-to-loop". */
  loop(after?: string): LoopProgram;
  kernel(): KernelProgram;
  /** Tensor groups after fusion, before memory is decided: the layers that verification judges. */
  layers(): TensorProgram;
};

/** Parses the library once per process. */
export function libraryFiles(): readonly SourceFile[] {
  parsedLibrary ??= librarySources.map(({ file, text }) => {
    const { value, diagnostics } = parseSource(text, file);
    if (!value || hasErrors(diagnostics))
      throw new Error(`internal error: the library does not parse: ${file}: ${diagnostics[0]?.message}`);
    return value;
  });
  return parsedLibrary;
}

let parsedLibrary: readonly SourceFile[] | undefined;

/** All declarations of the user's files together with the library's. */
export function loadModule(sources: readonly SourceText[]): Checked<Module> {
  const parsed = sources.map(({ file, text }) => parseSource(text, file));
  const diagnostics: Diagnostic[] = parsed.flatMap((result) => result.diagnostics);
  const files = parsed.flatMap((result) => (result.value ? [result.value] : []));
  const linked = linkModule(libraryFiles(), files);
  diagnostics.push(...linked.diagnostics);
  if (linked.value) diagnostics.push(...checkDeclarations(files, linked.value));
  return linked.value ? { value: linked.value, diagnostics } : { diagnostics };
}

/** Everything there is to say about the files: every model is elaborated, and every level verified for none. */
export function check(sources: readonly SourceText[]): Checked<Module> {
  const { value: module, diagnostics } = loadModule(sources);
  if (!module) return { diagnostics };
  const found = [...diagnostics];
  for (const model of module.models) found.push(...elaborateModel(model, module).diagnostics);
  return { value: module, diagnostics: found };
}

export function compile(source: string | readonly SourceText[], options: CompileOptions = {}): Checked<Compiled> {
  const sources = typeof source === "string" ? [{ file: "input.qn", text: source }] : source;
  const { value: module, diagnostics } = loadModule(sources);
  if (!module || hasErrors(diagnostics)) {
    // Models are still elaborated, so that one run reports all it can.
    const more = module ? module.models.flatMap((model) => elaborateModel(model, module).diagnostics) : [];
    return { diagnostics: [...diagnostics, ...more] };
  }
  const chosen = chooseModel(module, options.model);
  if (!chosen.value) return { diagnostics: [...diagnostics, ...chosen.diagnostics] };
  const elaborated = elaborateModel(chosen.value, module);
  const all = [...diagnostics, ...elaborated.diagnostics];
  if (!elaborated.value) return { diagnostics: all };
  const compiled = createCompiled(elaborated.value, module, options);
  // Schedules are the user's program too: a refused step is an error of the source, found now.
  const scheduled = lowerLoop(compiled.levels.tensor(), module, options.schedule ?? "default");
  const found = [...all, ...scheduled.diagnostics];
  return hasErrors(found) ? { diagnostics: found } : { value: compiled, diagnostics: found };
}

/** Builds the levels from an nn program, for `lower` and for importers. */
export function createCompiled(source: NnProgram, module: Module, options: CompileOptions = {}): Compiled {
  const once = <T>(make: () => T): (() => T) => {
    let made: { value: T } | undefined;
    return () => {
      made ??= { value: make() };
      return made.value;
    };
  };
  const nn = once(() => lowerNn(source, module));
  const layers = once(() => fuse(lowerTensor(nn())));
  const tensor = once(() => planMemory(layers()));
  const loop = once(() => {
    const { value, diagnostics } = lowerLoop(tensor(), module, options.schedule ?? "default");
    if (!value) throw new Error(`internal error: scheduling fails: ${diagnostics[0]?.message}`);
    return value;
  });
  const kernel = once(() => lowerKernel(loop()));
  const levels: Levels = {
    nn: (after) => (after === undefined ? nn() : lowerNn(source, module, after)),
    tensor: (after) => (after === undefined ? tensor() : planMemory(fuse(lowerTensor(nn()), after), after)),
    loop: (after) => (after === "lower-to-loop" ? (lowerLoop(tensor(), module, "unscheduled").value ?? loop()) : loop()),
    kernel,
    layers,
  };
  const types = new Map(
    [...source.inputs, ...source.weights, ...source.constants, ...source.nodes.flatMap((node) => node.results)].map((value) => [
      value.name,
      value.type,
    ]),
  );
  const outputs = source.outputs.flatMap(({ name, value }) => {
    const type = types.get(value);
    return type ? [{ name, type }] : [];
  });
  // Weights that no output needs are not asked for.
  const weights = nn().weights;
  return { name: source.name, module, inputs: source.inputs, outputs, weights, source, levels, passes: passNames };
}

function chooseModel(module: Module, wanted: string | undefined): Checked<Module["models"][number]> {
  const names = module.models.map((model) => model.name);
  const [only] = module.models;
  if (wanted === undefined && only && module.models.length === 1) return { value: only, diagnostics: [] };
  const found = module.models.find((model) => model.name === wanted);
  if (found) return { value: found, diagnostics: [] };
  if (!only)
    return {
      diagnostics: [
        errorDiagnostic("no-model", "no model is declared", {
          help: "write `model name(image: f32[1, 32, 32, 3]) -> result: f32[1, 10] { ... }`",
        }),
      ],
    };
  const message = wanted === undefined ? `the files declare ${names.length} models` : `there is no model \`${wanted}\``;
  return {
    diagnostics: [errorDiagnostic("which-model", message, { span: only.nameSpan, help: `choose one of ${names.join(", ")} with --model` })],
  };
}
