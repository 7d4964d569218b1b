/**
 * A step is accepted exactly where enumeration finds that it keeps the order of conflicting instances; and whatever is
 * accepted leaves the nest's meaning alone: run before and after on the same memory, by an interpreter in which vectors
 * are lockstep.
 */
import { expect, test } from "vitest";
import { type For, gridAxes, type Nest, type Statement } from "../../src/ir/loop.ts";
import { childStatements } from "../../src/ir/loop_accesses.ts";
import { printNest } from "../../src/ir/print_loop.ts";
import { findLoop, loopsOf } from "../../src/schedule/nest.ts";
import { type Context, formatStep, type Step } from "../../src/schedule/primitive.ts";
import { split } from "../../src/schedule/primitives/split.ts";
import { applyStep } from "../../src/schedule/primitives.ts";
import { createRandom, type Random } from "../../src/support/random.ts";
import { type Conflict, commonDepth, conflictsOf, instancesOf } from "./enumerate.ts";
import { buffers, randomNest, randomReduction, shuffled } from "./random_nests.ts";
import { createMemory, interpret } from "./support.ts";

const nests = process.env.QUERN_TEST === "full" ? 8_000 : 600;

type Verdict = "legal" | "illegal" | "impossible";
type Counts = { accepted: number; refused: number };

test(`steps on ${nests} nests of stores and accumulations are accepted exactly where they are legal`, () => {
  const counts = new Map<string, Counts>();
  for (let seed = 0; seed < nests; seed++) {
    const random = createRandom(`legality/${seed}`);
    const nest = randomNest(random, { extents: [1, 2, 3, 4, 4, 5, 8], perfect: seed % 3 === 0, quasiAffine: seed % 5 === 0 });
    let context: Context = { nest, buffers, nests: [], outputs: new Set() };
    for (let i = 0; i < 4; i++) {
      const step = randomStep(random, context.nest);
      const { value, diagnostics } = applyStep(step, context);
      const verdict = verdictOn(step, context);
      count(counts, step, value !== undefined);
      if (verdict !== "impossible" && (verdict === "legal") !== (value !== undefined))
        expect.fail(
          `seed ${seed}: \`${formatStep(step)}\` is ${verdict}; ${diagnostics[0]?.message ?? "accepted"}\n${printNest(context.nest, () => "i32")}`,
        );
      if (value) context = { ...context, nest: value.nest };
    }
    expectSameMeaning(nest, context.nest, seed);
  }
  for (const [name, { accepted, refused }] of counts) {
    expect(accepted, name).toBeGreaterThan(name === "stage in memory" ? nests / 40 : nests / 10);
    expect(refused, name).toBeGreaterThan(name === "unroll" || name === "fuse" ? 0 : nests / 20);
  }
  console.log(table(counts));
});

test(`a shifted tail keeps the meaning of ${nests} nests, and is seldom refused where it would`, () => {
  let [accepted, refused, harmless] = [0, 0, 0];
  for (let seed = 0; seed < nests; seed++) {
    const random = createRandom(`shift/${seed}`);
    const nest = randomNest(random, { extents: [3, 4, 5], quasiAffine: seed % 5 === 0 });
    const loop = random.pick(loopsOf(nest.body));
    const factor = random.integer(2, loop.extent - 1);
    if (loop.extent % factor === 0) continue;
    const context: Context = { nest, buffers, nests: [], outputs: new Set() };
    const { value } = applyStep(splitStep(loop.name, factor, "shift"), context);
    if (value) {
      accepted++;
      expectSameMeaning(nest, value.nest, seed);
    } else {
      refused++;
      const forced = split.apply({ loop, factor, tail: "shift" }, context).nest;
      if (differences(nest, forced, seed).length === 0) harmless++;
    }
  }
  console.log(`tail shift: ${accepted} accepted, ${refused} refused, of which ${harmless} would have done no harm`);
  expect(accepted).toBeGreaterThan(nests / 10);
  // Not asked: whether a guard keeps the iterations that run twice from anything, and what comes of the values.
  expect(harmless).toBeLessThan(refused / 2);
});

test(`whatever is accepted on ${nests} nests of reductions leaves their meaning alone`, () => {
  const counts = new Map<string, Counts>();
  for (let seed = 0; seed < nests; seed++) {
    const random = createRandom(`reduction/${seed}`);
    const nest = randomReduction(random, { extents: [1, 2, 3, 4, 4, 5, 8] });
    let context: Context = { nest, buffers, nests: [], outputs: new Set() };
    for (let i = 0; i < 7; i++) {
      const kind = random.uniform();
      const step =
        kind < 0.25
          ? stageStep(random, context.nest)
          : kind < 0.35
            ? { clauses: [{ keyword: "rfactor", arguments: [random.pick(loopsOf(context.nest.body)).name] }] }
            : randomStep(random, context.nest);
      const { value } = applyStep(step, context);
      count(counts, step, value !== undefined);
      if (value) context = { ...context, nest: value.nest };
    }
    expectSameMeaning(nest, context.nest, seed);
  }
  for (const [name, { accepted }] of counts) expect(accepted, name).toBeGreaterThan(nests / 40);
  console.log(table(counts));
});

function randomStep(random: Random, nest: Nest): Step {
  const loops = loopsOf(nest.body);
  const loop = random.pick(loops);
  const kind = random.uniform();
  if (kind < 0.3) {
    const names = shuffled(
      random,
      loops.map((candidate) => candidate.name),
    );
    return { clauses: [{ keyword: "reorder", arguments: names.slice(0, random.integer(2, Math.max(2, names.length))) }] };
  }
  if (kind < 0.43) return fuseStep(random, nest);
  if (kind < 0.6) return splitStep(loop.name, random.integer(1, 4), random.pick(["guard", "cut", "shift"]));
  if (kind < 0.66) return copyStep(random, nest);
  if (kind < 0.74) return bindStep(loop.name, random.pick(["workgroup.x", "invocation.x", "invocation.y"]));
  if (kind < 0.9) {
    // Any loop, but mostly one that lanes divide: others are refused before their order matters.
    const divided = loops.filter(({ mode, extent }) => mode === "serial" && extent > 0 && extent % 4 === 0);
    const isDivided = divided.length > 0 && random.uniform() < 0.9;
    return { clauses: [{ keyword: "vectorize", arguments: [(isDivided ? random.pick(divided) : loop).name] }] };
  }
  return { clauses: [{ keyword: kind < 0.96 ? "parallel" : "unroll", arguments: [loop.name] }] };
}

function bindStep(loop: string, axis: string): Step {
  return {
    clauses: [
      { keyword: "bind", arguments: [loop] },
      { keyword: "to", arguments: [axis] },
    ],
  };
}

/** Most often of a loop and the one directly inside it. */
function fuseStep(random: Random, nest: Nest): Step {
  const loops = loopsOf(nest.body);
  const around = loops.filter((loop) => loop.body.kind === "for");
  const outer = random.pick(around.length > 0 && random.uniform() < 0.9 ? around : loops);
  const inner = outer.body.kind === "for" && random.uniform() < 0.8 ? outer.body : random.pick(loops);
  return {
    clauses: [
      { keyword: "fuse", arguments: [outer.name, inner.name] },
      { keyword: "into", arguments: [`${outer.name}.${inner.name}`] },
    ],
  };
}

function stageStep(random: Random, nest: Nest): Step {
  const at = random.uniform() < 0.2 ? [] : [{ keyword: "at", arguments: [random.pick(loopsOf(nest.body)).name] }];
  return { clauses: [{ keyword: "stage", arguments: ["result"] }, { keyword: "in", arguments: ["registers"] }, ...at] };
}

function copyStep(random: Random, nest: Nest): Step {
  return {
    clauses: [
      { keyword: "stage", arguments: [random.pick([...buffers.keys()])] },
      { keyword: "in", arguments: ["memory"] },
      { keyword: "at", arguments: [random.pick(loopsOf(nest.body)).name] },
    ],
  };
}

function splitStep(loop: string, factor: number, tail: string): Step {
  return {
    clauses: [
      { keyword: "split", arguments: [loop] },
      { keyword: "by", arguments: [factor] },
      { keyword: "tail", arguments: [tail] },
    ],
  };
}

/** By enumeration. `impossible`: refused for another reason than order, such as an extent or the shape of the nest. */
function verdictOn(step: Step, { nest }: Context): Verdict {
  const [head] = step.clauses;
  const names = (head?.arguments ?? []).map(String);
  const loop = findLoop(nest.body, names[0] ?? "") as For;
  switch (head?.keyword) {
    case "reorder": {
      const band = bandOf(nest.body, names);
      const runsApart = (name: string) => ["parallel", ...gridAxes].includes(findLoop(nest.body, name)?.mode ?? "");
      if (!band || band.some(runsApart)) return "impossible";
      const queue = [...names];
      const order = band.map((name) => (names.includes(name) ? (queue.shift() as string) : name));
      return conflictsOf(instancesOf(nest, buffers), "order").some((conflict) => turnsAround(conflict, band, order)) ? "illegal" : "legal";
    }
    case "vectorize": {
      if (loop.mode !== "serial" || loop.extent % 4 !== 0) return "impossible";
      const isNested = loopsOf(nest.body).some(
        (other) => other.mode === "vectorize" && (findLoop(other, loop.name) || findLoop(loop, other.name)),
      );
      // Lanes share the tiles that a loop's body declares: refused, whatever the tiles hold.
      if (isNested || declaresTile(loop)) return "impossible";
      return conflictsOf(instancesOf(nest, buffers), "at once").some((conflict) => isCarried(conflict, loop.name)) ? "illegal" : "legal";
    }
    case "parallel": {
      if (loop.mode !== "serial") return "impossible";
      return conflictsOf(instancesOf(nest, buffers), "at once").some((conflict) => isCarried(conflict, loop.name)) ? "illegal" : "legal";
    }
    case "bind": {
      const axis = String(step.clauses[1]?.arguments[0]);
      const isRelated = (other: For) => findLoop(other, loop.name) !== undefined || findLoop(loop, other.name) !== undefined;
      const isTaken = loopsOf(nest.body).some((other) => other.mode === axis && isRelated(other));
      if (loop.mode !== "serial" || isTaken || isInTile(nest.body, loop)) return "impossible";
      const isApart = ({ first, second }: Conflict) => first.loops.includes(loop.name) !== second.loops.includes(loop.name);
      const conflicts = conflictsOf(instancesOf(nest, buffers), "at once");
      return conflicts.some((conflict) => isCarried(conflict, loop.name) || isApart(conflict)) ? "illegal" : "legal";
    }
    case "stage":
      // Refused for the shape of what is read, too; whether the copy is stale shows in the meaning.
      return "impossible";
    case "fuse": {
      // The order of iterations stays: only the shape of the nest is in the way.
      const [outer, inner] = names.map((name) => findLoop(nest.body, name) as For) as [For, For];
      const isDirect = outer !== inner && outer.body === inner && outer.extent * inner.extent > 0;
      return isDirect && outer.mode === "serial" && inner.mode === "serial" ? "legal" : "impossible";
    }
    case "split": {
      const factor = Number(step.clauses[1]?.arguments[0]);
      const tail = loop.extent % factor === 0 ? undefined : step.clauses[2]?.arguments[0];
      const torn = tail === "cut" ? loopsOf(loop).map(({ name }) => `${name}.t`) : [];
      const isTaken = [`${loop.name}.o`, `${loop.name}.i`, ...torn].some((name) => findLoop(nest.body, name) !== undefined);
      return loop.mode !== "serial" || factor > loop.extent || isTaken || tail === "shift" ? "impossible" : "legal";
    }
    default:
      return loop.mode === "serial" ? "legal" : "impossible";
  }
}

function declaresTile(statement: Statement): boolean {
  return statement.kind === "local" || childStatements(statement).some(declaresTile);
}

/** Whether the loop stands inside a tile, of which every worker would have one of its own. */
function isInTile(statement: Statement, loop: For): boolean {
  if (statement.kind === "local") return findLoop(statement, loop.name) !== undefined;
  return childStatements(statement).some((child) => isInTile(child, loop));
}

/** The loops from the outermost named to the innermost named, where they stand directly inside each other. */
function bandOf(body: Statement, names: readonly string[]): string[] | undefined {
  const missing = new Set(names);
  const band: string[] = [];
  let current: Statement | undefined = loopsOf(body).find((loop) => missing.has(loop.name));
  while (missing.size > 0) {
    if (current?.kind === "for") {
      band.push(current.name);
      missing.delete(current.name);
    } else if (current?.kind !== "if") return undefined;
    current = current.body;
  }
  return band;
}

function turnsAround(conflict: Conflict, band: readonly string[], order: readonly string[]): boolean {
  const loops = conflict.first.loops.slice(0, commonDepth(conflict));
  if (!band.every((name) => loops.includes(name))) return false;
  const permuted = loops.map((name) => (band.includes(name) ? (order[band.indexOf(name)] as string) : name));
  for (const name of permuted) {
    const depth = loops.indexOf(name);
    const distance = (conflict.second.values[depth] as number) - (conflict.first.values[depth] as number);
    if (distance !== 0) return distance < 0;
  }
  return false;
}

function isCarried(conflict: Conflict, loop: string): boolean {
  const depth = conflict.first.loops.slice(0, commonDepth(conflict)).indexOf(loop);
  const differ = conflict.first.values.findIndex((value, d) => value !== conflict.second.values[d]);
  return depth >= 0 && differ === depth;
}

function expectSameMeaning(before: Nest, after: Nest, seed: number): void {
  const found = differences(before, after, seed);
  if (found.length > 0)
    expect.fail(
      `seed ${seed}: ${found[0]} after ${after.trace.join("; ")}\n${printNest(before, () => "i32")}\n${printNest(after, () => "i32")}`,
    );
}

function differences(before: Nest, after: Nest, seed: number): string[] {
  const run = (nest: Nest) => {
    const random = createRandom(`memory/${seed}`);
    const memory = createMemory(buffers.values(), () => random.integer(-9, 9));
    interpret(nest, memory);
    return memory;
  };
  const [one, other] = [run(before), run(after)];
  return [...one].flatMap(([name, { data }]) =>
    [...data].flatMap((value, i) => (Object.is(value + 0, (other.get(name)?.data[i] as number) + 0) ? [] : [`${name} differs at ${i}`])),
  );
}

function count(counts: Map<string, Counts>, step: Step, isAccepted: boolean): void {
  const name = step.clauses[1]?.arguments[0] === "memory" ? "stage in memory" : (step.clauses[0]?.keyword ?? "");
  const known = counts.get(name) ?? { accepted: 0, refused: 0 };
  counts.set(name, isAccepted ? { ...known, accepted: known.accepted + 1 } : { ...known, refused: known.refused + 1 });
}

function table(counts: ReadonlyMap<string, Counts>): string {
  return [...counts].map(([name, { accepted, refused }]) => `${name}: ${accepted} accepted, ${refused} refused`).join("\n");
}
