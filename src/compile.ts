/**
 * The compiler as a function: source text in, every level out. Pure: no files, no clock, no device.
 */
import { parseSource } from "./frontend/parse.ts";
import type { ModelDeclaration, SourceFile } from "./ir/declaration.ts";
import { gibibytes, memoryLimit } from "./ir/dtype.ts";
import type { LoopProgram } from "./ir/loop.ts";
import { bytesOf } from "./ir/tensor.ts";
import { librarySources } from "./library/sources.ts";
import { type Compiled, type CompileOptions, createCompiled } from "./pipeline/compiled.ts";
import { checkDeclarations } from "./semantics/check.ts";
import { elaborateModel } from "./semantics/elaborate.ts";
import { linkModule, type Module } from "./semantics/module.ts";
import { type Checked, type Diagnostic, errorDiagnostic, hasErrors, positionOf, type Span } from "./support/diagnostic.ts";

export type SourceText = { readonly file: string; readonly text: string };

export type { Compiled, CompileOptions, Levels } from "./pipeline/compiled.ts";

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

/** Everything there is to say about the files: every model is elaborated, and its schedules are applied. */
export function check(sources: readonly SourceText[]): Checked<Module> {
  const { value: module, diagnostics } = loadModule(sources);
  if (!module) return { diagnostics };
  const models = module.models.map((model) => elaborateModel(model, module));
  const found = atUsersText([...diagnostics, ...models.flatMap((model) => model.diagnostics)], sources);
  // A program without mistakes so far is scheduled too, for those of its schedules.
  if (!hasErrors(found) && module.schedules.length > 0) {
    const scheduled = models.flatMap(({ value }) => (value ? [createCompiled(value, module).levels.schedule()] : []));
    found.push(...scheduled.flatMap((program) => program.diagnostics));
  }
  return { value: module, diagnostics: found };
}

export function compile(source: string | readonly SourceText[], options: CompileOptions = {}): Checked<Compiled> {
  const sources = typeof source === "string" ? [{ file: "input.qn", text: source }] : source;
  const { value: module, diagnostics } = loadModule(sources);
  if (!module || hasErrors(diagnostics)) {
    // Models are still elaborated, so that one run reports all it can.
    const more = module ? module.models.flatMap((model) => elaborateModel(model, module).diagnostics) : [];
    return { diagnostics: atUsersText([...diagnostics, ...more], sources) };
  }
  const chosen = chooseModel(module, options.model);
  if (!chosen.value) return { diagnostics: [...diagnostics, ...chosen.diagnostics] };
  const unknown = unknownAlgorithm(module, options.algorithm);
  if (unknown) return { diagnostics: [...diagnostics, unknown] };
  const elaborated = elaborateModel(chosen.value, module);
  const all = atUsersText([...diagnostics, ...elaborated.diagnostics], sources);
  if (!elaborated.value) return { diagnostics: all };
  const compiled = createCompiled(elaborated.value, module, options);
  // Schedules are the user's program too: a refused step is an error of the source, found now.
  const scheduled = compiled.levels.schedule();
  const found = [...all, ...scheduled.diagnostics, ...(scheduled.value ? checkLimits(compiled, chosen.value) : [])];
  return hasErrors(found) ? { diagnostics: found } : { value: compiled, diagnostics: found };
}

function unknownAlgorithm(module: Module, wanted: string | undefined): Diagnostic | undefined {
  const names = ["direct", ...module.rules.flatMap((rule) => (rule.when ? [rule.name] : []))];
  if (wanted === undefined || names.includes(wanted)) return undefined;
  return errorDiagnostic("unknown-algorithm", `there is no algorithm \`${wanted}\``, { help: `choose one of ${names.join(", ")}` });
}

/** What goes wrong inside the library is the fault of the user's call that led there, and is said of its line. */
function atUsersText(diagnostics: readonly Diagnostic[], sources: readonly SourceText[]): Diagnostic[] {
  const isUsers = (span: Span | undefined) => sources.some(({ file }) => file === span?.file);
  return diagnostics.map((diagnostic) => {
    const { span, notes } = diagnostic;
    const call = isUsers(span) ? undefined : notes.find((note) => isUsers(note.span));
    if (!span || !call?.span) return diagnostic;
    const text = librarySources.find(({ file }) => file === span.file)?.text ?? "";
    const place = { message: `it shows in ${span.file}:${positionOf(text, span.start).line}, with what is given here` };
    const outer = notes.slice(notes.indexOf(call) + 1);
    return { ...diagnostic, span: call.span, notes: [place, ...outer], help: "give this call other shapes or attributes" };
  });
}

/** What the target has too little of. Where a layer breaks a limit of a GPU is known only of its shader. */
function checkLimits({ target, levels }: Compiled, declaration: ModelDeclaration): readonly Diagnostic[] {
  return target === "webgpu" ? levels.shader().diagnostics : checkMemory(levels.loop(), declaration);
}

/** Weights and arena share one memory. */
function checkMemory({ buffers, arenaBytes }: LoopProgram, { name, nameSpan }: ModelDeclaration): Diagnostic[] {
  const outside = buffers.filter((buffer) => buffer.offset === undefined && buffer.aliasOf === undefined);
  const bytes = outside.reduce((sum, buffer) => sum + bytesOf(buffer), arenaBytes);
  if (bytes <= memoryLimit) return [];
  const message = `the model \`${name}\` needs ${gibibytes(bytes)} at once, and WebAssembly addresses ${gibibytes(memoryLimit)}`;
  return [
    errorDiagnostic("too-large", message, { span: nameSpan, help: "make its tensors smaller, or run parts of it one after another" }),
  ];
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
