/** Why operators are left out: what is outside a compiler for convolutional networks, in the words that a diagnostic ends with. */

export const reasons = {
  attention: "attention and what only transformers use are outside",
  training: "losses and training are outside",
  strings: "strings are outside",
  sequences: "sequences, maps and optional values are outside",
  controlFlow: "control flow is outside",
  dataDependent: "the shape of its result depends on the data",
  random: "results are random",
  signals: "signal processing and complex numbers are outside",
  recurrent: "recurrent layers are outside",
  tables: "tables of keys are outside",
  variables: "variables are outside",
  ragged: "sparse and ragged tensors are outside",
  code: "it is a program of another language",
  rare: "the library has no operator for it",
} as const;

/** The reasons of some operators, whose names are separated by spaces. */
export function leftOut(lists: { readonly [reason in keyof typeof reasons]?: string }): { readonly [operator: string]: string } {
  return Object.fromEntries(
    Object.entries(lists).flatMap(([reason, names]) => names.split(" ").map((name) => [name, reasons[reason as keyof typeof reasons]])),
  );
}
