/** A module's text cut into its functions, and which of them each call of a run is made of. */
import { invariant } from "../support/invariant.ts";

export type WatFunctions = {
  /** By name, as `$4`. */
  readonly functions: ReadonlyMap<string, string>;
  /** For each call in the order of the run: the function that is called, then all that it calls. */
  readonly calls: readonly (readonly string[])[];
};

/** `text` is of a module that exports `run`, whose body is nothing but the calls (or the only call itself). */
export function watFunctions(text: string): WatFunctions {
  const functions = new Map<string, string>();
  // The printer indents what is at the top of a module by one space.
  for (const [whole, name = ""] of text.matchAll(/^ \(func (\$\S+)[\s\S]*?\n \)$/gm)) functions.set(name, whole.replace(/^ /gm, ""));
  const run = /\(export "run" \(func (\$\S+)\)\)/.exec(text)?.[1] ?? "";
  const body = functions.get(run);
  invariant(body !== undefined, "the module's text has no function that is exported as run");
  const calls = calledIn(body).map((name) => reached(name, functions));
  return { functions, calls };
}

/** In order, with repetitions. */
function calledIn(text: string): string[] {
  return [...text.matchAll(/\(call (\$[^\s()]+)/g)].map(([, name = ""]) => name);
}

function reached(start: string, functions: ReadonlyMap<string, string>): string[] {
  const found = new Set<string>();
  const waiting = [start];
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    const text = functions.get(name);
    // What is imported has no text.
    if (text === undefined || found.has(name)) continue;
    found.add(name);
    waiting.push(...calledIn(text));
  }
  return [...found];
}
