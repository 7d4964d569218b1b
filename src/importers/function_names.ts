/**
 * Names for a function that is written for repeated lines: of itself, of the scope of each call, and of the weights below that.
 * Where the source's names of each call's weights begin alike, and go on as those of the others do, that beginning is the scope:
 * `block_1_expand/kernel` is `@block_1` and `expand.kernel`. Otherwise the scopes are numbered, and the weights are called what those of
 * the first call are, without numbers.
 */
import { createNames, identifierOf, type Names } from "./names.ts";

export type FunctionNames = {
  readonly name: string;
  /** For each call, the steps of its scope. */
  readonly scopes: readonly (readonly string[])[];
  /** For each weight, its steps below the scope. */
  readonly weights: readonly (readonly string[])[];
};

/** The paths of each call's weights, in the same order for all calls. */
type CallPaths = readonly (readonly (readonly string[])[])[];

/** Words of a path with what stands before each: `layer_1.kernel` is `.layer`, `_1`, `.kernel`. */
type Words = readonly string[];

/** What names must not be. */
export type TakenNames = {
  /** Those of functions are taken from here. */
  readonly functions: Names;
  /** What is no name of a function, even with a number. */
  readonly reserved: ReadonlySet<string>;
  /** Paths of weights, before and after they are named anew. */
  readonly paths: ReadonlySet<string>;
};

export function functionNames(paths: CallPaths, { functions, reserved, paths: taken }: TakenNames): FunctionNames {
  const shared = sharedNames(paths);
  const own = new Set(paths.flat().map((steps) => steps.join(".")));
  if (shared && areFree(shared, (path) => own.has(path) || !taken.has(path))) {
    const name = nameOfScopes(shared.scopes, reserved) ?? numbered(functions, () => true);
    return { ...shared, name: functions.take(name) };
  }
  const first = new Set([...taken].map((path) => path.replace(/\..*$/, "")));
  const name = functions.take(numbered(functions, (tried) => !first.has(tried)));
  return { name, scopes: paths.map((_, i) => [name, String(i)]), weights: plainNames(paths[0] ?? []) };
}

/** Whether no two weights have the same path then, and no other weight has one of theirs. */
function areFree({ scopes, weights }: Omit<FunctionNames, "name">, isFree: (path: string) => boolean): boolean {
  const paths = scopes.flatMap((scope) => weights.map((weight) => [...scope, ...weight].join(".")));
  return new Set(paths).size === paths.length && paths.every(isFree);
}

function numbered(functions: Names, accepts: (name: string) => boolean): string {
  for (let i = 1; ; i++) if (!functions.has(`block${i}`) && accepts(`block${i}`)) return `block${i}`;
}

/** Scopes from the beginnings of names, where what follows is the same for all calls. */
function sharedNames(paths: CallPaths): Omit<FunctionNames, "name"> | undefined {
  const split = paths.map((weights) => {
    const words = weights.map(wordsOf);
    const count = sharedWords(words);
    return { scope: stepsOf((words[0] ?? []).slice(0, count)), weights: words.map((word) => stepsOf(word.slice(count))) };
  });
  const [first] = split;
  const alike = first && split.every(({ scope, weights }) => scope.length > 0 && JSON.stringify(weights) === JSON.stringify(first.weights));
  return alike && first.weights.length > 0 ? { scopes: split.map(({ scope }) => scope), weights: first.weights } : undefined;
}

function wordsOf(steps: readonly string[]): Words {
  return steps.flatMap((step) => step.split("_").map((word, i) => `${i === 0 ? "." : "_"}${word}`));
}

/** How many words, or steps, all begin with and go on after. */
function sharedWords(words: readonly Words[]): number {
  const [first = []] = words;
  let count = 0;
  while (count + 1 < first.length && words.every((word) => word.length > count + 1 && word[count] === first[count])) count++;
  return count;
}

/** The words as steps; what stood within a step becomes an identifier of its own. */
function stepsOf(words: Words): readonly string[] {
  const [first = ".", ...rest] = words;
  if (words.length === 0) return [];
  const steps = `${first.slice(1)}${rest.join("")}`.split(".");
  return first.startsWith(".") ? steps : [identifierOf(steps[0] ?? ""), ...steps.slice(1)];
}

/** What all scopes are called but for their numbers. */
function nameOfScopes(scopes: readonly (readonly string[])[], reserved: ReadonlySet<string>): string | undefined {
  const names = scopes.map((scope) => scope.findLast((step) => /^[A-Za-z]/.test(step))?.replace(/[0-9_]+$/, "") ?? "");
  const [name = ""] = names;
  return name !== "" && names.every((other) => other === name) && !reserved.has(name) && !reserved.has(name.toLowerCase())
    ? name
    : undefined;
}

/** Names of one call's weights without their numbers; those of one layer stay together. */
function plainNames(paths: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const count = sharedWords(paths);
  const layers = createNames();
  const known = new Map<string, { readonly layer: string; readonly names: Names }>();
  return paths.map((path) => {
    const steps = path.slice(count);
    const last = plainWord(steps.at(-1) ?? "");
    if (steps.length < 2) return [layers.take(last)];
    const key = steps.slice(0, -1).join(".");
    const { layer, names } = known.get(key) ?? { layer: layers.take(steps.slice(0, -1).map(plainWord).join("_")), names: createNames() };
    known.set(key, { layer, names });
    return [layer, names.take(last)];
  });
}

function plainWord(step: string): string {
  return identifierOf(step.replace(/[_0-9]+$/, ""));
}
