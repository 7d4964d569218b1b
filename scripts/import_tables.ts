/**
 * Writes docs/import/{tflite,keras,tfjs}.md: every operator of the format with what proves it, and how much of that agrees on each
 * target. `npx tsx scripts/import_tables.ts`, with the shared files beside the checkout or where QUERN_SHARED says.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Evidence, type ProvedFormat, provedFormats } from "../tests/importers/evidence.ts";
import { type TargetName, targetNames, targetsHere } from "../tests/importers/targets.ts";

export function pageOf({ page }: ProvedFormat): URL {
  return new URL(`../docs/import/${page}.md`, import.meta.url);
}

/** What each piece of evidence gives on each target. */
export type Outcome = { readonly evidence: Evidence; readonly passed: ReadonlySet<TargetName> };

async function outcomesOf(evidence: readonly Evidence[]): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const each of evidence) outcomes.push({ evidence: each, passed: await each.passed() });
  return outcomes;
}

/** As it must be: everything agrees on every target. */
export function allPassed(evidence: readonly Evidence[]): readonly Outcome[] {
  return evidence.map((each) => ({ evidence: each, passed: new Set(targetNames) }));
}

export function tableOf(heads: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return [heads, heads.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

const shownNetworks = 3;

export function tableText({ name, operators, outside }: ProvedFormat, outcomes: readonly Outcome[]): string {
  const rows = [...new Set([...operators, ...Object.keys(outside)])].sort().map((operator) => {
    if (!operators.includes(operator)) return [operator, `left out: ${outside[operator]}`, "", "", ...targetNames.map(() => "")];
    const own = outcomes.filter(({ evidence }) => evidence.operators.has(operator));
    const networks = own.flatMap(({ evidence }) => (evidence.kind === "network" ? [evidence.name] : []));
    const more = networks.length > shownNetworks ? ` and ${networks.length - shownNetworks} more` : "";
    const cells = targetNames.map((target) => own.filter(({ passed }) => passed.has(target)).length);
    const status = own.length > 0 ? "imported" : "imported; unproved";
    return [operator, status, own.length - networks.length, `${networks.slice(0, shownNetworks).join(", ")}${more}`, ...cells];
  });
  const heads = ["operator", "status", "cases", "networks", ...targetNames];
  return `${[
    `# ${name}`,
    "<!-- written by scripts/import_tables.ts -->",
    "Every operator that the importer knows by name; one that is not here is reported as unsupported, with all its nodes. Cases are files of one operator whose results plain loops compute, and models that the source's own runtime recorded; networks are compared with vectors of their runtimes. A target's column counts the cases and networks that agree there.",
    tableOf(heads, rows),
  ].join("\n\n")}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  // A table without a target's column would say that nothing agrees there.
  if (targetsHere().length < targetNames.length) process.exit(1);
  for (const format of provedFormats) {
    const evidence = format.evidence();
    if (!evidence) process.exit(1);
    const outcomes = await outcomesOf(evidence);
    mkdirSync(new URL(".", pageOf(format)), { recursive: true });
    writeFileSync(pageOf(format), tableText(format, outcomes));
    const failed = outcomes.filter(({ passed }) => targetNames.some((name) => !passed.has(name)));
    console.log(`${format.name}: ${evidence.length} cases and networks`);
    for (const { evidence: each, passed } of failed) console.log(`  ${each.name} agrees on ${[...passed].join(", ") || "no target"}`);
  }
}
