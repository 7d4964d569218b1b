/** The tutorial, done from beginning to end in an empty folder. `UPDATE=1` writes what the commands print into the page. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { bundledMain } from "../cli/quern.ts";
import { compileText, root } from "../support.ts";
import { type Block, blocksOf, commandsOf, comparable } from "./tutorial.ts";

const path = join(root, "docs/tutorial.md");
const page = readFileSync(path, "utf8");
const folder = mkdtempSync(join(tmpdir(), "quern-tutorial-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Both streams as a terminal shows them. */
function shell(line: string): { readonly code: number | null; readonly printed: string } {
  const quern = `quern() { "${process.execPath}" "${bundledMain()}" "$@"; }`;
  const { status, stdout } = spawnSync("sh", ["-c", `${quern}\n{ ${line}\n} 2>&1`], { cwd: folder, encoding: "utf8" });
  return { code: status, printed: stdout };
}

function runBlock(block: Block): string {
  return commandsOf(block)
    .map(({ line, printed }) => {
      const found = shell(line);
      expect([line, found.code, found.printed], "a command's exit code").toEqual([line, block.fails ? 1 : 0, found.printed]);
      const isSame = comparable(found.printed, block.varies) === comparable(printed, block.varies);
      if (!process.env.UPDATE) expect(isSame ? "" : found.printed, `what \`${line}\` prints`).toBe(isSame ? "" : printed);
      return `$ ${line}\n${isSame ? printed : found.printed}`;
    })
    .join("");
}

test("every step of docs/tutorial.md does what the page says", () => {
  let updated = page;
  for (const block of blocksOf(page)) {
    const { language, file, text } = block;
    if (language === "quern") compileText(text, file);
    if (file !== undefined) writeFileSync(join(folder, file), text);
    if (language === "console") {
      const written = runBlock(block);
      updated = updated.replace(`\`\`\`console\n${text}\`\`\``, () => `\`\`\`console\n${written}\`\`\``);
    }
  }
  if (process.env.UPDATE) writeFileSync(path, updated);
  else expect(updated).toBe(page);
});

test("the page has blocks of every kind, and no other", () => {
  const blocks = blocksOf(page);
  expect(new Set(blocks.map(({ language }) => language))).toEqual(new Set(["quern", "text", "console", "js"]));
  expect(page.split("```").length - 1).toBe(2 * blocks.length);
});
