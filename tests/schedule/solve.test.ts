/** Solvers against trying every value, on small random systems. */
import { expect, test } from "vitest";
import { type Bounds, createSolver, type Difference, type Equation } from "../../src/schedule/solve.ts";
import { createRandom, type Random } from "../../src/support/random.ts";

const systems = process.env.QUERN_TEST === "full" ? 40_000 : 6_000;

const hasSolution = (equations: readonly Equation[], bounds: readonly Bounds[], differences?: readonly Difference[]) =>
  createSolver(equations, bounds).hasSolution(differences);

test(`a solver agrees with enumeration on ${systems} systems`, () => {
  let solvable = 0;
  for (let seed = 0; seed < systems; seed++) {
    const { equations, bounds } = randomSystem(createRandom(`solve/${seed}`));
    const expected = enumerate(equations, bounds);
    if (hasSolution(equations, bounds) !== expected) expect.fail(`seed ${seed}: ${JSON.stringify({ equations, bounds, expected })}`);
    if (expected) solvable++;
  }
  expect(solvable / systems).toBeGreaterThan(0.2);
  expect(solvable / systems).toBeLessThan(0.8);
});

test("and so it does with differences of variables bounded, several times in turn", () => {
  let solvable = 0;
  for (let seed = 0; seed < systems / 4; seed++) {
    const random = createRandom(`solve/differences/${seed}`);
    const { equations, bounds } = randomSystem(random);
    const solver = createSolver(equations, bounds);
    for (let again = 0; again < 4; again++) {
      const place = () => random.integer(0, bounds.length - 1);
      const differences = Array.from({ length: random.integer(0, 3) }, (): Difference => {
        const low = random.integer(-3, 2);
        return { from: place(), to: place(), low, high: low + random.integer(0, 2) };
      });
      const expected = enumerate(equations, bounds, differences);
      if (solver.hasSolution(differences) !== expected)
        expect.fail(`seed ${seed}: ${JSON.stringify({ equations, bounds, differences, expected })}`);
      if (expected) solvable++;
    }
  }
  expect(solvable / systems).toBeGreaterThan(0.1);
  expect(solvable / systems).toBeLessThan(0.8);
});

test("equations that contradict each other only together are seen without search", () => {
  const wide: Bounds = { low: 0, high: 1e9 };
  const sum = (constant: number): Equation => ({
    terms: [
      { variable: 0, coefficient: 1 },
      { variable: 1, coefficient: 1 },
    ],
    constant,
  });
  expect(hasSolution([sum(5), sum(6)], [wide, wide])).toBe(false);
});

test("a system without equations has a solution where no bound is empty", () => {
  expect(hasSolution([], [{ low: 0, high: 3 }])).toBe(true);
  expect(hasSolution([], [{ low: 0, high: -1 }])).toBe(false);
  expect(hasSolution([{ terms: [], constant: 1 }], [])).toBe(false);
});

function randomSystem(random: Random): { equations: Equation[]; bounds: Bounds[] } {
  const variables = random.integer(1, 6);
  const bounds = Array.from({ length: variables }, () => {
    const low = random.integer(-3, 3);
    return { low, high: low + random.integer(random.uniform() < 0.03 ? -1 : 0, 4) };
  });
  // Half of the systems are made around a point within the bounds, so that they have a solution, or nearly.
  const point = bounds.map(({ low, high }) => random.integer(low, Math.max(low, high)));
  const planted = random.uniform() < 0.5;
  const equations = Array.from({ length: random.integer(1, 4) }, () => {
    // A variable may stand in an equation twice, or with coefficient 0.
    const terms = Array.from({ length: random.integer(1, 4) }, () => ({
      variable: random.integer(0, variables - 1),
      coefficient: random.integer(-4, 4),
    }));
    const constant = planted ? valueAt(terms, point) + (random.uniform() < 0.1 ? 1 : 0) : random.integer(-6, 6);
    return { terms, constant };
  });
  return { equations, bounds };
}

function valueAt(terms: Equation["terms"], values: readonly number[]): number {
  return terms.reduce((sum, { variable, coefficient }) => sum + coefficient * (values[variable] as number), 0);
}

function enumerate(
  equations: readonly Equation[],
  bounds: readonly Bounds[],
  differences: readonly Difference[] = [],
  values: readonly number[] = [],
): boolean {
  const bound = bounds[values.length];
  if (!bound) {
    const holds = ({ from, to, low, high }: Difference) => {
      const difference = (values[to] as number) - (values[from] as number);
      return low <= difference && difference <= high;
    };
    return equations.every(({ terms, constant }) => valueAt(terms, values) === constant) && differences.every(holds);
  }
  for (let value = bound.low; value <= bound.high; value++) if (enumerate(equations, bounds, differences, [...values, value])) return true;
  return false;
}
