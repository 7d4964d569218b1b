/** Tables as text that reads well on a terminal and is Markdown at once. */

/** `left` are the columns aligned at their left; all others hold numbers. */
export function formatTable(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  { left = [0] }: { left?: readonly number[] } = {},
): string {
  const widths = heads.map((head, i) => Math.max(3, head.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const pad = (text: string, i: number) => (left.includes(i) ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0));
  const line = (cells: readonly string[]) => `| ${heads.map((_, i) => pad(cells[i] ?? "", i)).join(" | ")} |`;
  const rule = `|${widths.map((width, i) => (left.includes(i) ? `:${"-".repeat(width + 1)}` : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  return [line(heads), rule, ...rows.map(line)].join("\n");
}
