/**
 * What an exporter is: a table from the library's operators to a format's, and a writer. The program comes as calls at the
 * nn level after the nn passes, so what is left of a batch normalisation is in the weights; all constants are numbers by now.
 */
import type { TensorType } from "../ir/dtype.ts";
import type { Attributes, NnOutput, NnValue } from "../ir/nn.ts";
import { type Checked, type Diagnostic, errorDiagnostic } from "../support/diagnostic.ts";

export type Activation = "relu" | "relu6";

/** A call of an operator, with the bias and the activation that follow it and nobody else reads. */
export type Call = {
  readonly operator: string;
  readonly operands: readonly string[];
  readonly attributes: Attributes;
  /** A constant of one dimension, added along the last. */
  readonly bias?: string;
  readonly activation?: Activation;
  readonly result: NnValue;
};

export type ExportGraph = {
  readonly name: string;
  readonly inputs: readonly NnValue[];
  readonly outputs: readonly NnOutput[];
  readonly calls: readonly Call[];
  /** Every constant that a call or an output reads, row-major. */
  readonly constants: ReadonlyMap<string, Float32Array>;
  readonly types: ReadonlyMap<string, TensorType>;
  /** Whether inputs and outputs keep the program's order of dimensions, where the format has another for images. */
  readonly keepsInterface?: boolean;
};

export type ExportedFile = { readonly name: string; readonly contents: Uint8Array | string };

/** What of a call the format cannot say, as the end of a sentence that begins with the operator: "dilates a pooling window". */
export type Refusal = string | undefined;

export type Exporter = {
  readonly name: string;
  /** The operators that the format says; an expansion among them is kept, any other becomes what it stands for. */
  readonly operators: ReadonlySet<string>;
  /** The operators that take a bias, and those that take an activation. */
  readonly biased: ReadonlySet<string>;
  readonly activated: ReadonlySet<string>;
  /** One file or several; the first has the name asked for, whose folder gets the others. */
  write(graph: ExportGraph, file: string): Checked<readonly ExportedFile[]>;
};

/** Hands every call to `translate` and collects everything that cannot be said: one run reports all of it. */
export function translateAll(format: string, graph: ExportGraph, translate: (call: Call) => Refusal): Diagnostic[] {
  const refusals = new Map<string, string[]>();
  const refuse = (reason: string, value: string) => refusals.set(reason, [...(refusals.get(reason) ?? []), value]);
  for (const value of [...graph.inputs, ...graph.calls.map((call) => call.result)]) {
    if (value.type.dtype !== "f32") refuse(`a value of type ${value.type.dtype}`, value.name);
  }
  for (const call of graph.calls) {
    const reason = translate(call);
    if (reason !== undefined) refuse(`\`${call.operator}\` ${reason}`, call.result.name);
  }
  return [...refusals].map(([reason, values]) =>
    errorDiagnostic("export", `${format} cannot say: ${reason}`, {
      notes: [{ message: `in ${listed(values)}` }],
      help: `write the model with other operators, or export it in another format`,
    }),
  );
}

const listedValues = 5;

function listed(values: readonly string[]): string {
  const shown = values.slice(0, listedValues).map((name) => `%${name}`);
  const rest = values.length - shown.length;
  return rest > 0 ? `${shown.join(", ")} and ${rest} more` : shown.join(", ");
}
