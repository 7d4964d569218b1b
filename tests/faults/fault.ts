/** A mistake to plant, the tests that must find it, and the tests that several are found by. */

export type Test = {
  /** A file or folder of tests. */
  readonly path: string;
  /** Of the tests in there, those whose names this pattern finds; all of them where it is left out. */
  readonly name?: string;
};

export type Fault = {
  readonly name: string;
  readonly file: string;
  /** Source text that occurs once in the file. */
  readonly find: string;
  readonly replace: string;
  readonly caughtBy: readonly Test[];
};

export const operators = (name: string): Test[] => [{ path: "tests/operators/operators.test.ts", name }];
export const memory: readonly Test[] = [{ path: "tests/passes/memory.test.ts" }];
export const narrow: readonly Test[] = [{ path: "tests/passes/narrow_integers.test.ts" }];
export const legality: readonly Test[] = [{ path: "tests/schedule/legality.test.ts" }];
export const schedules: readonly Test[] = [{ path: "tests/schedule/schedules.test.ts" }];
export const initialize: readonly Test[] = [{ path: "tests/networks/initialize.test.ts" }];
export const verify: readonly Test[] = [{ path: "tests/networks/verify.test.ts" }];
export const networks: readonly Test[] = [{ path: "tests/passes/networks.test.ts" }];
export const rules: readonly Test[] = [{ path: "tests/rules/rules.test.ts" }];
export const functions: readonly Test[] = [{ path: "tests/operators/scalar_functions.test.ts" }];
export const print: readonly Test[] = [{ path: "tests/frontend/print.test.ts" }];
export const infinities: readonly Test[] = [{ path: "tests/passes/infinities.test.ts" }];
export const sharing: readonly Test[] = [{ path: "tests/codegen/share_code.test.ts" }];
