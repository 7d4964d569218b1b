/** Foreign names as identifiers and weight paths. */
import type { WeightStep } from "../ir/declaration.ts";
import { dtypes } from "../ir/dtype.ts";
import { symbolsOf } from "../semantics/bind.ts";
import type { Library } from "../semantics/instantiate.ts";

/** What an identifier may not be: words that the grammar or an attribute would take for itself. */
export function reservedWords(library: Library): ReadonlySet<string> {
  const known = reserved.get(library);
  if (known) return known;
  const symbols = [...library.operators.values()].flatMap((operator) => operator.attributes.flatMap(symbolsOf));
  const words = new Set([...grammarWords, ...Object.keys(dtypes), ...symbols, ...library.definitions.keys()]);
  reserved.set(library, words);
  return words;
}

const reserved = new WeakMap<Library, ReadonlySet<string>>();

const grammarWords = [
  ..."and argmax argmin at axis by count def else false first fn for if in inf inside let max min model nan not on op".split(" "),
  ..."or over prod product_of require rule schedule shape sketch sum sum_of then true when where".split(" "),
];

/** Takes a foreign name to an identifier that nobody has yet, near to it. */
export type Names = { take(wanted: string): string; has(name: string): boolean };

export function createNames(reserved: Iterable<string> = []): Names {
  const taken = new Set(reserved);
  // Of names that many want, where to go on: a file may have any number of them.
  const next = new Map<string, number>();
  return {
    has: (name) => taken.has(name),
    take(wanted) {
      const base = identifierOf(wanted);
      let name = base;
      let i = next.get(base) ?? 2;
      for (; taken.has(name); i++) name = `${base}_${i}`;
      next.set(base, i);
      taken.add(name);
      return name;
    },
  };
}

const longestIdentifier = 60;

/** Letters, digits and `_`, beginning with no digit: `conv1/Relu:0` is `conv1_Relu`. The end of a long name says most. */
export function identifierOf(name: string): string {
  const words = name.replace(/:0$/, "").replace(/[^A-Za-z0-9]+/g, "_");
  const trimmed = words.replace(/^_+|_+$/g, "");
  const short = trimmed.length > longestIdentifier ? trimmed.slice(-longestIdentifier).replace(/^[^_]*_+/, "") : trimmed;
  if (short === "") return "value";
  return /^[0-9]/.test(short) ? `v${short}` : short;
}

/** A foreign weight's name as the steps of a path: `layer1/0/conv.weight` is `@layer1[0].conv.weight`. */
export function pathSteps(name: string): readonly string[] {
  const parts = name
    .replace(/:0$/, "")
    .split(/[./]+/)
    .filter((part) => part !== "");
  const steps = parts.map((part, i) => (i > 0 && /^(?:0|[1-9][0-9]{0,8})$/.test(part) ? part : identifierOf(part)));
  return steps.length > 0 ? steps : ["value"];
}

/** As the language writes the step; a number is an index. */
export function weightStep(step: string, index: (value: number) => WeightStep): WeightStep {
  return /^[0-9]/.test(step) ? index(Number(step)) : { kind: "name", name: step };
}
