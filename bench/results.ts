/** RESULTS.md: a part for each thing that is measured by itself, so that one run replaces its own part and no other. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";

/** In the order in which they stand. */
export const parts = [
  "chromium",
  "node",
  "chromium tuned",
  "node tuned",
  "pointwise relaxed",
  "pointwise simd",
  "tuner rate",
  "tuner replay",
  "tuner budget",
  "tuner exhaustive",
  "tuner curves",
  "tuner engines",
  "webgpu",
  "webgpu tuned",
] as const;
export type Part = (typeof parts)[number];

const head = "# Results\n\nEach part is written by the command at its beginning, with `--write`; README.md says what is measured and how.";

export function writePart(file: URL, part: Part, text: string): void {
  writeFileSync(file, withPart(existsSync(file) ? readFileSync(file, "utf8") : "", part, text));
}

/** The file with this part's text replaced, or added in its place. */
export function withPart(existing: string, part: Part, text: string): string {
  const all = parts.flatMap((each) => {
    const known = each === part ? text : partOf(existing, each);
    return known === undefined ? [] : [`${mark(each)}\n\n${known.trim()}`];
  });
  return `${[head, ...all].join("\n\n")}\n`;
}

function partOf(existing: string, part: Part): string | undefined {
  const start = existing.indexOf(mark(part));
  if (start < 0) return undefined;
  const from = start + mark(part).length;
  const next = existing.indexOf("<!-- part:", from);
  return existing.slice(from, next < 0 ? undefined : next);
}

function mark(part: Part): string {
  return `<!-- part: ${part} -->`;
}
