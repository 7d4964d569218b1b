/**
 * A page of documentation as a script: its blocks, in order. The word after a block's language names the file that the block writes,
 * and a `console` block is commands, each followed by what it prints. A comment before a block says that its command fails,
 * or that the numbers in what it prints depend on the machine.
 */

export type Command = { readonly line: string; readonly printed: string };

export type Block = {
  readonly language: string;
  readonly file?: string;
  readonly text: string;
  readonly fails: boolean;
  readonly varies: boolean;
};

const fence = /(?:<!-- ([^\n]*) -->\n)?```(\w+)(?: (\S+))?\n([\s\S]*?)```/g;

export function blocksOf(page: string): Block[] {
  return [...page.matchAll(fence)].map((match) => {
    const [, remarks = "", language = "", file, text = ""] = match;
    const words = remarks.split(", ");
    return {
      language,
      ...(file === undefined ? {} : { file }),
      text,
      fails: words.includes("fails"),
      varies: words.includes("numbers vary"),
    };
  });
}

export function commandsOf({ text }: Block): Command[] {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const end = part.indexOf("\n");
      return { line: part.slice(0, end), printed: part.slice(end + 1) };
    });
}

/** What is compared: where numbers vary, neither they nor the blanks that line them up. */
export function comparable(printed: string, varies: boolean): string {
  if (!varies) return printed;
  return printed.replace(/\d+(\.\d+)?(e[+-]?\d+)?/g, "N").replace(/ +/g, " ");
}
