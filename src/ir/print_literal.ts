/**
 * Spellings that the texts of all levels share: names, numbers, strings, types, initialisers.
 * `src/frontend/levels` reads them back; what is plain and what is quoted is decided here for both.
 */
import { dtypes, formatType, type TensorType } from "./dtype.ts";
import type { Initializer } from "./nn.ts";

/** Words that begin or continue an expression or a statement; a name that is one of them is quoted. */
const reserved = new Set(
  "if then else and or not where in true false for sequence local reduce trace store load call declarations barrier subgroup".split(" "),
);
/** Vector types stand beside the dtypes in suffixes of kernel constants. */
export const vectorTypeNames = ["i32x4", "f32x4"] as const;
const suffixes = [...Object.keys(dtypes), ...vectorTypeNames].sort((a, b) => b.length - a.length).join("|");

/** `1`, `0.5`, `1e-7`, `inf`, `nan`, each with an optional type: `3_i32`. Signs are not part of the token. */
export const numberPattern = new RegExp(`(?:\\d+(?:\\.\\d+)?(?:[eE][+-]?\\d+)?|inf|nan)(?:_(?:${suffixes}))?(?![A-Za-z0-9_.])`);
export const namePattern = /[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*/;
const wholeName = new RegExp(`^(?:${namePattern.source})$`);
const wholeNumber = new RegExp(`^(?:${numberPattern.source})$`);

export function isPlainName(name: string): boolean {
  return wholeName.test(name) && !reserved.has(name) && !wholeNumber.test(name);
}

/** Letters, digits and dots as they are; anything else between backticks with JSON's escapes. */
export function printName(name: string): string {
  return isPlainName(name) ? name : `\`${JSON.stringify(name).slice(1, -1).replaceAll("`", "\\u0060")}\``;
}

/** The shortest decimal that reads back as the same float64. */
export function printNumber(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  return Object.is(value, -0) ? "-0" : String(value);
}

export function printString(text: string): string {
  return JSON.stringify(text);
}

export function printIntegers(values: readonly number[]): string {
  return `[${values.map(printNumber).join(", ")}]`;
}

const longestLine = 120;

/** `[1, 2, 3]`, over several lines where one would be long. */
export function printNumbers(values: readonly number[]): string {
  const lines: string[] = [];
  let line = "";
  for (const value of values) {
    const item = printNumber(value);
    if (line !== "" && line.length + item.length > longestLine - 4) {
      lines.push(`${line},`);
      line = item;
    } else line = line === "" ? item : `${line}, ${item}`;
  }
  if (lines.length === 0) return `[${line}]`;
  return `[\n${[...lines, line].map((text) => `  ${text}`).join("\n")}\n]`;
}

export function printType(type: TensorType): string {
  return formatType(type);
}

export function printInitializer(initializer: Initializer): string {
  switch (initializer.kind) {
    case "constant":
      return `constant(${printNumber(initializer.value)})`;
    case "uniform":
      return `uniform(${printNumber(initializer.low)}, ${printNumber(initializer.high)})`;
    case "zeros":
    case "ones":
    case "he_normal":
    case "glorot_uniform":
      return initializer.kind;
  }
}

/** Every line of a text, two spaces further in. */
export function indent(text: string): string {
  return text.replace(/^(?=.)/gm, "  ");
}

/** `head value` on one line, or the value on a line of its own where that would be long. */
export function printAssignment(head: string, value: string): string {
  return head.length + value.length + 1 <= longestLine + 20 ? `${head} ${value}` : `${head}\n  ${value}`;
}
