/**
 * A model in another format: the nn passes as for Quern's own targets, but expansions that the format has as one operator
 * stay; what depends on weights alone is computed, by the float64 reference; the rest goes to the exporter.
 */
import { fuseCalls } from "../exporters/calls.ts";
import type { ExportedFile, Exporter } from "../exporters/exporter.ts";
import type { NnProgram } from "../ir/nn.ts";
import { verifyNn } from "../ir/verify_nn.ts";
import { eliminateDeadCode } from "../passes/eliminate.ts";
import { expandExcept } from "../passes/expand.ts";
import { constantValues } from "../passes/graph.ts";
import { recognize } from "../passes/recognize.ts";
import type { Module } from "../semantics/module.ts";
import { valueTypes } from "../semantics/node_instance.ts";
import type { Checked } from "../support/diagnostic.ts";
import { invariant } from "../support/invariant.ts";
import { type Compiled, createCompiled } from "./compiled.ts";
import { createReference, type Weights } from "./execute.ts";
import { nnPasses } from "./passes.ts";

/** `file` is the name of the first file; an exporter that writes several names the others itself. */
export function exportModel(
  compiled: Compiled,
  weights: Weights,
  exporter: Exporter,
  file: string,
  { keepsInterface = false }: { readonly keepsInterface?: boolean } = {},
): Checked<readonly ExportedFile[]> {
  const program = prepare(compiled, exporter);
  const known = constantValues(program);
  const nodes = program.nodes.filter((node) => !node.operands.every((name) => known.has(name)));
  const read = [...nodes.flatMap((node) => node.operands), ...program.outputs.map((output) => output.value)];
  const constants = evaluate(new Set(read.filter((name) => known.has(name))), program, compiled.module, weights);
  const types = valueTypes(program);
  const calls = fuseCalls({ nodes, outputs: program.outputs, constants, types }, exporter);
  const { name, inputs, outputs } = program;
  return exporter.write({ name, inputs, outputs, calls, constants, types, keepsInterface }, file);
}

/** The program at the nn level, in operators that the format has as far as that is possible. */
function prepare({ source, module }: Compiled, { operators }: Exporter): NnProgram {
  let program = source;
  // The other runtime chooses its own algorithms.
  for (const pass of nnPasses.filter(({ name }) => name !== "choose-algorithms")) {
    program = pass.name === "expand" ? expandExcept(program, operators) : pass.run(program, module.rules);
    const [problem] = verifyNn(program);
    invariant(!problem, `after ${pass.name}, for export: ${problem?.message}`);
  }
  return eliminateDeadCode(recognize(program, module, operators));
}

/** The values of the constants named: literals, weights, and what is computed from both. */
function evaluate(needed: ReadonlySet<string>, program: NnProgram, module: Module, weights: Weights): Map<string, Float32Array> {
  const values = new Map<string, Float32Array>();
  const take = (name: string, numbers: ArrayLike<number>) => void values.set(name, Float32Array.from(numbers));
  for (const { name, data } of program.constants) if (needed.has(name)) take(name, data);
  for (const { name, path } of program.weights.filter((weight) => needed.has(weight.name))) {
    const numbers = weights.get(path);
    invariant(numbers, `no values for the weight ${path}`);
    take(name, numbers);
  }
  const outputs = [...needed].filter((name) => !values.has(name)).map((name) => ({ name, value: name }));
  if (outputs.length === 0) return values;
  const alone = eliminateDeadCode({ ...program, inputs: [], outputs });
  const reference = createReference(createCompiled(alone, module), weights);
  for (const [name, numbers] of reference.run(new Map())) take(name, numbers);
  return values;
}
