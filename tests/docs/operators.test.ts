/** The reference of operators shows the library as it is, and every example of it compiles and runs. */
import { expect, test } from "vitest";
import { operatorsOf, stalePages } from "../../scripts/operator_docs.ts";
import { unknownExamples } from "../../scripts/operator_examples.ts";
import { libraryFiles } from "../../src/compile.ts";

const operators = libraryFiles().flatMap(operatorsOf);

test("docs/operators is what `npx tsx scripts/operator_docs.ts` writes", () => {
  expect(stalePages()).toEqual([]);
});

test("no example is of an operator that there is not, and every operator says what it does", () => {
  expect(unknownExamples(operators)).toEqual([]);
  expect(operators.filter(({ documentation }) => documentation === "").map(({ name }) => name)).toEqual([]);
});
