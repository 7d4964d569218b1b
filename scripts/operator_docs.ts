/**
 * Writes the reference of operators, docs/operators, from the library's own declarations: a page for each file of src/library that
 * declares operators, and an index. `npx tsx scripts/operator_docs.ts`; with `--check` it only says whether they are up to date.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { type Compiled, libraryFiles } from "../src/compile.ts";
import type { DefDeclaration, OpDeclaration, SourceFile } from "../src/ir/declaration.ts";
import { printBody, printDeclaration, printSignature } from "../src/ir/print_declaration.ts";
import { createReference, createWasm } from "../src/pipeline/execute.ts";
import { randomInputs } from "../src/pipeline/verify.ts";
import { vectorOrigins } from "../tests/operators/origins.ts";
import { operatorExample } from "./operator_examples.ts";

export const operatorPages: URL = new URL("../docs/operators/", import.meta.url);

/** The pages as the library now says, by file name. */
export function updatedPages(): Map<string, string> {
  const topics = libraryFiles().flatMap((file) => {
    const operators = operatorsOf(file);
    return operators.length > 0 ? [{ file, topic: basename(file.file, ".qn"), operators }] : [];
  });
  const pages = topics.map(({ file, topic, operators }) => [`${topic}.md`, page(file, topic, operators)] as const);
  return new Map([["README.md", index(topics)], ...pages]);
}

/** Pages that are not what the library says, and pages of nothing. */
export function stalePages(): string[] {
  const wanted = updatedPages();
  const found = new Set(readdirSync(operatorPages));
  const missing = [...wanted].filter(([name, text]) => !found.has(name) || readFileSync(new URL(name, operatorPages), "utf8") !== text);
  return [...missing.map(([name]) => name), ...[...found].filter((name) => !wanted.has(name))];
}

export function operatorsOf(file: SourceFile): OpDeclaration[] {
  return file.declarations.flatMap((declaration) => (declaration.kind === "op" ? [declaration] : []));
}

type Topic = { readonly topic: string; readonly operators: readonly OpDeclaration[] };

function index(topics: readonly Topic[]): string {
  const total = topics.reduce((sum, { operators }) => sum + operators.length, 0);
  return paragraphs([
    "# Operators",
    "<!-- written by scripts/operator_docs.ts -->",
    `The ${total} operators of the library. Each is declared in \`src/library\` in the language itself: its page shows the declaration, an` +
      " example that compiles, the targets that ran it when the page was written, and where the numbers come from that it is tested against.",
    "`x`, `k` and so on are tensors, channels last. What follows `;` in a signature is an attribute, given by name; it may be left out" +
      " where it has a default. `...s` is any number of dimensions. An equation reads as in [grammar](../grammar.md).",
    ...topics.flatMap(({ topic, operators }) => [
      `## [${title(topic)}](${topic}.md)`,
      operators.map(({ name, documentation }) => `- [\`${name}\`](${topic}.md#${name}): ${firstSentence(documentation)}`).join("\n"),
    ]),
  ]);
}

function page(file: SourceFile, topic: string, operators: readonly OpDeclaration[]): string {
  const definitions = file.declarations.flatMap((declaration) => (declaration.kind === "def" ? [declaration] : []));
  return paragraphs([
    `# ${title(topic)}`,
    "<!-- written by scripts/operator_docs.ts -->",
    `From [src/library/${topic}.qn](../../src/library/${topic}.qn). [All operators](README.md).`,
    operators.map(({ name }) => `[${name}](#${name})`).join(" · "),
    ...operators.flatMap((operator) => operatorSection(operator)),
    ...(definitions.length > 0 ? definitionSection(definitions) : []),
  ]);
}

function operatorSection(operator: OpDeclaration): string[] {
  const { name, documentation, body } = operator;
  const { source, compiled } = operatorExample(operator);
  const isExpansion = !body.some(({ kind }) => kind === "equation");
  return [
    `## ${name}`,
    documentation,
    fenced(printSignature(operator)),
    isExpansion ? "Expands into other operators:" : "Means:",
    fenced(printBody(body)),
    "Example:",
    fenced(source, "quern"),
    `Runs on: ${targetsOf(compiled).join(", ")}. Vectors: ${vectorOrigins[name]?.join("; ") ?? "(ORIGIN TO BE FILLED IN)"}.`,
  ];
}

/** The compile-time functions of a page. */
function definitionSection(definitions: readonly DefDeclaration[]): string[] {
  return [
    "## Compile-time functions",
    "Used above; those used everywhere are in [src/library/shapes.qn](../../src/library/shapes.qn).",
    fenced(definitions.map((definition) => printDeclaration(definition)).join("\n\n")),
  ];
}

/** The targets on which the example runs to an end. */
function targetsOf(compiled: Compiled): string[] {
  const inputs = randomInputs(compiled, 0);
  const runners = { reference: createReference, wasm: createWasm } as const;
  return Object.entries(runners).flatMap(([target, create]) => {
    create(compiled, new Map()).run(inputs);
    return [target];
  });
}

function firstSentence(documentation: string): string {
  const text = documentation.replaceAll("\n", " ");
  const end = /(?<!\.)[.:;](?= )/.exec(text)?.index;
  return `${end === undefined ? text.replace(/[.:]$/, "") : text.slice(0, end)}.`;
}

function title(topic: string): string {
  return `${topic[0]?.toUpperCase()}${topic.slice(1)}`;
}

function fenced(text: string, language = ""): string {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}

function paragraphs(parts: readonly string[]): string {
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(operatorPages, { recursive: true });
  if (!process.argv.includes("--check")) for (const [name, text] of updatedPages()) writeFileSync(new URL(name, operatorPages), text);
  const stale = stalePages();
  if (stale.length > 0) {
    console.error(`not what src/library says: docs/operators/${stale.join(", ")}: run npx tsx scripts/operator_docs.ts`);
    process.exit(1);
  }
}
