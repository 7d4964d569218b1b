/**
 * Writes the reference of schedule steps in docs/schedules.md, between its two markers, from the primitives' records.
 * `npx tsx scripts/schedule_docs.ts`; with `--check` it only says whether the page is up to date.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { compile } from "../src/compile.ts";
import { parseSource } from "../src/frontend/parse.ts";
import { printBuffer } from "../src/ir/print_buffers.ts";
import { printNest } from "../src/ir/print_loop.ts";
import type { Context, Example } from "../src/schedule/primitive.ts";
import { type AnyPrimitive, applyStep, primitives } from "../src/schedule/primitives.ts";
import { concreteStep } from "../src/schedule/step_expressions.ts";
import { renderDiagnostic } from "../src/support/diagnostic.ts";
import { invariant } from "../src/support/invariant.ts";

export const schedulePage: URL = new URL("../docs/schedules.md", import.meta.url);

const [begin, end] = ["<!-- steps: written by scripts/schedule_docs.ts -->", "<!-- end of steps -->"];

/** The page with its reference as the records now say. */
export function updatedPage(page: string): string {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  invariant(from >= 0 && to > from, "docs/schedules.md has lost its markers");
  const sections = [...primitives.values()].map(section);
  return `${page.slice(0, from + begin.length)}\n\n${sections.join("\n\n")}\n\n${page.slice(to)}`;
}

function section({ name, summary, syntax, refusals, examples }: AnyPrimitive): string {
  const refused = Object.entries(refusals).map(([code, when]) => `| \`${code}\` | ${when} |`);
  return [
    `### ${name}`,
    summary,
    syntax
      .split(" | ")
      .map((form) => `    ${form}`)
      .join("\n"),
    ...examples.flatMap(exampleText),
    `| refused with | when |\n|---|---|\n${refused.join("\n")}`,
  ].join("\n\n");
}

function exampleText({ title, source, prepare, step }: Example): string[] {
  const before = scheduled(source, prepare);
  const after = scheduled(source, [prepare, step].filter((part) => part !== "").join("; "));
  return [
    ...(source.includes("\n") ? [`Example, ${title}: in`, fenced(source)] : []),
    `${source.includes("\n") ? "" : `Example, ${title}: in \`${source}\`, `}${prepare === "" ? "" : `after \`${prepare}\`, `}the step \`${step}\` turns`,
    fenced(before),
    "into",
    fenced(after),
  ];
}

/** The nest of the layer `y` after the steps, and the nests that they add. */
function scheduled(source: string, steps: string): string {
  const { value: compiled } = compile(source);
  invariant(compiled, `an example does not compile: ${source}`);
  const { nests, buffers, outputs } = compiled.levels.loop("lower-to-loop");
  const nest = nests.find((candidate) => candidate.name === "y");
  invariant(nest, "the layer of an example is called y");
  let context: Context = {
    nest,
    buffers: new Map(buffers.map((buffer) => [buffer.name, buffer])),
    nests,
    outputs: new Set(outputs.map(({ value: name }) => name)),
  };
  const added: string[] = [];
  const print = (shown: Context["nest"]) => printNest({ ...shown, trace: [] }, (name) => context.buffers.get(name)?.dtype);
  for (const step of parsedSteps(steps)) {
    const { value: concrete } = concreteStep(step, new Map(), context);
    const { value, diagnostics } = concrete ? applyStep(concrete, context) : { diagnostics: [] };
    invariant(value, `an example's step is refused: ${diagnostics.map((refusal) => renderDiagnostic(refusal, new Map()))}`);
    context = {
      ...context,
      nest: value.nest,
      buffers: new Map([...context.buffers, ...value.buffers.map((buffer) => [buffer.name, buffer] as const)]),
    };
    added.push(...(value.buffers.length > 0 ? [value.buffers.map(printBuffer).join("\n")] : []), ...value.nests.map(print));
  }
  return [...added, print(context.nest)].join("\n\n");
}

function parsedSteps(text: string) {
  const { value } = parseSource(`schedule s on wasm for y { ${text} }`, "example.qn");
  const [schedule] = value?.declarations ?? [];
  invariant(schedule?.kind === "schedule", `the steps of an example do not parse: ${text}`);
  return schedule.steps.flatMap((step) => (step.kind === "step" ? [step] : []));
}

function fenced(text: string): string {
  return `\`\`\`\n${text}\n\`\`\``;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const page = readFileSync(schedulePage, "utf8");
  const wanted = updatedPage(page);
  if (!process.argv.includes("--check")) writeFileSync(schedulePage, wanted);
  else if (page !== wanted) {
    console.error("docs/schedules.md is not what the primitives say: run npx tsx scripts/schedule_docs.ts");
    process.exit(1);
  }
}
