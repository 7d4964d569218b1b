/** The definition of the tokens: the compiler itself starts without looking into it. */
import { createToken, Lexer } from "chevrotain";
import { expect, test } from "vitest";
import { languageTokens, lexerOptions } from "../../src/frontend/lexer.ts";

const options = { ...lexerOptions, deferDefinitionErrorsHandling: true, ensureOptimizations: true };

test("the tokens are well defined, and each is found by its first character", () => {
  expect(new Lexer([...languageTokens], options).lexerDefinitionErrors).toEqual([]);
});

test("one that can never be reached is found", () => {
  const hidden = createToken({ name: "hidden", pattern: "+" });
  expect(new Lexer([...languageTokens, hidden], options).lexerDefinitionErrors).not.toEqual([]);
});
