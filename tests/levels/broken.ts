/** Verifier tests: a valid text, and small changes of it that each break one invariant. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { verifyLevel } from "../../src/ir/level_program.ts";
import { parsed } from "./levels.ts";

/** The code that is expected, the text that is replaced, and what stands in its place. */
export type Break = readonly [code: string, from: string, to: string];

export function testVerifier(title: string, text: string, breaks: readonly Break[]): void {
  describe(title, () => {
    test("the text that is changed below is valid", () => {
      expect(verifyLevel(parsed(text))).toEqual([]);
    });
    test.each(breaks)("%s: `%s` as `%s`", (code, from, to) => {
      expect(text.split(from).length, `${from} stands once in the text`).toBe(2);
      const found = verifyLevel(parsed(text.replace(from, () => to)));
      expect(found.map((diagnostic) => diagnostic.code)).toContain(code);
      for (const { message, severity } of found) {
        expect(severity).toBe("error");
        expect(message).not.toMatch(/undefined|NaN|\[object/);
      }
    });
  });
}

/** Every code that these files of src/ir report. */
export function codesIn(files: readonly string[]): string[] {
  const codes = files.flatMap((file) => {
    const source = readFileSync(new URL(`../../src/ir/${file}`, import.meta.url), "utf8");
    const reported = [...source.matchAll(/(?:\.add\(\s*|complain\(\s*body,\s*)"([a-z-]+)"/g)].map((match) => match[1] as string);
    const unique = [...source.matchAll(/requireUnique\([^;]*?\)?,\s*"([a-z-]+)",/g)].map((match) => match[1] as string);
    return [...reported, ...unique];
  });
  return [...new Set(codes)].sort();
}

export function testCoverage(files: readonly string[], breaks: readonly Break[]): void {
  test("every invariant of the level has a program that breaks it", () => {
    const tested = new Set(breaks.map(([code]) => code));
    expect(codesIn(files).filter((code) => !tested.has(code))).toEqual([]);
    expect([...tested].filter((code) => !codesIn(files).includes(code))).toEqual([]);
  });
}
