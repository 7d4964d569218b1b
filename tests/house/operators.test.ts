/** Nothing below the language knows an operator, a sketch or a workload by name. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { libraryFiles } from "../../src/compile.ts";
import { isScalarFunction } from "../../src/ir/scalar_functions.ts";
import { examples, root } from "../support.ts";

/** Words that are kinds of the compiler's own data too: expressions, reductions, dtype conversions, passes and primitives; and a function of `Math`. */
const vocabulary = new Set(["select", "cast", "argmax", "argmin", "expand", "split", "log2"]);

const declared = libraryFiles()
  .flatMap((file) => file.declarations)
  .filter(({ kind }) => kind === "op" || kind === "sketch" || kind === "rule" || kind === "fn")
  .map((declaration) => declaration.name);
const names = new Set([...declared, ...examples].filter((name) => !isScalarFunction(name) && !vocabulary.has(name)));
/** Names such as `max_pool` and `conv2d`, which nothing else would bear; `slice` and `sign` are JavaScript's too. */
const unmistakable = new Set([...names].filter((name) => /[_0-9]/.test(name)));

function codeOf(folder: string): Map<string, string> {
  const base = join(root, "src", folder);
  const files = readdirSync(base, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  return new Map(
    files.map((file) => [`${folder}/${file}`, readFileSync(join(base, file), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "")]),
  );
}

test.each(["ir", "passes", "schedule", "codegen", "pipeline", "semantics"])("src/%s names no operator, sketch or network", (folder) => {
  const found: string[] = [];
  for (const [file, code] of codeOf(folder)) {
    // To know an operator by its name is to compare with a text; or to call something by an operator's name.
    for (const [, text = ""] of code.matchAll(/["'`]([A-Za-z][A-Za-z0-9_-]*)["'`]/g)) if (names.has(text)) found.push(`${file}: "${text}"`);
    for (const [word] of code.matchAll(/[A-Za-z_][A-Za-z0-9_]*/g)) if (unmistakable.has(word)) found.push(`${file}: ${word}`);
  }
  // A primitive's example is a text of the language, and may speak of operators.
  expect(found.filter((entry) => !entry.startsWith("schedule/primitives/"))).toEqual([]);
});

test("the search finds a name", () => {
  expect(names.size).toBeGreaterThan(100);
  expect(unmistakable.has("depthwise_conv2d")).toBe(true);
});
