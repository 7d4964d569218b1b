/** Random steps of every kind on the nests of a program, results of other nests computed in them among these. */
import { gridAxes, type LoopProgram, type Nest, type Statement } from "../../src/ir/loop.ts";
import { readsOf } from "../../src/ir/loop_accesses.ts";
import { planBuffers } from "../../src/passes/plan_buffers.ts";
import { decompose } from "../../src/schedule/decompose.ts";
import { distribute } from "../../src/schedule/distribute.ts";
import { dropUnread } from "../../src/schedule/drop_unread.ts";
import { findReduce, loopsOf } from "../../src/schedule/nest.ts";
import type { Context, Step } from "../../src/schedule/primitive.ts";
import { applyStep } from "../../src/schedule/primitives.ts";
import type { Random } from "../../src/support/random.ts";
import { shuffled } from "./random_nests.ts";

/** Steps on every nest of the run phase, and after them the tiles that no step has made. */
export function randomSchedule(
  random: Random,
  program: LoopProgram,
  report: (step: Step, isAccepted: boolean, before: Context) => void,
): LoopProgram {
  const buffers = new Map(program.buffers.map((buffer) => [buffer.name, buffer]));
  const build: Nest[] = [];
  const outputs = new Set(program.outputs.map(({ value }) => value));
  const nests = program.nests.map((nest) => {
    if (nest.phase === "build" || nest.name.endsWith(".halo")) return nest;
    let context: Context = { nest, buffers: new Map(buffers), nests: program.nests, outputs };
    // Other nests' results are computed here first, now and then; later steps take what that makes.
    const moved = movedHere(random, context);
    const { shape = [] } = buffers.get(nest.result) ?? {};
    const order = shuffled(
      random,
      shape.map((_, d) => d),
    );
    const arranged = order.length > 0 && random.uniform() < 0.2 ? [stepOf(["layout", "result"], ["by", ...order])] : [];
    const steps = [
      ...arranged,
      ...moved,
      ...(random.uniform() < 0.7 ? recipe(random, context) : Array.from({ length: 6 }, () => undefined)),
    ];
    for (const planned of steps) {
      const step = planned ?? anyStep(random, context);
      const { value } = applyStep(step, context);
      report(step, value !== undefined, context);
      if (!value) continue;
      for (const added of value.buffers) buffers.set(added.name, added);
      context = { ...context, nest: value.nest, buffers: new Map(buffers) };
      build.push(...value.nests);
    }
    return context.nest;
  });
  const inPhase = (phase: Nest["phase"]) => nests.filter((nest) => nest.phase === phase);
  const all = [...inPhase("build"), ...build, ...inPhase("run")].map(decompose);
  return planBuffers(dropUnread({ ...program, buffers: [...buffers.values()], nests: all }));
}

/** What no step has bound comes to the grid as in a program without schedules. */
export function distributed(program: LoopProgram): LoopProgram {
  const buffers = new Map(program.buffers.map((buffer) => [buffer.name, buffer]));
  const outputs = new Set(program.outputs.map(({ value }) => value));
  const { nests } = program;
  return { ...program, nests: nests.map((nest) => (nest.phase === "run" ? distribute({ nest, buffers, nests, outputs }) : nest)) };
}

/** What other nests compute and this one reads, inlined or computed at a loop; perhaps what those read, too. */
function movedHere(random: Random, { nest, nests }: Context): Step[] {
  const computed = new Set(nests.map((other) => other.result));
  const steps: Step[] = [];
  const visit = (body: Statement) => {
    for (const name of readsOf(body)) {
      const producer = nests.find((other) => other.result === name);
      if (!computed.has(name) || !producer || random.uniform() < 0.4) continue;
      const [loop, inner] = [nest, producer]
        .map(({ body: each }) => loopsOf(each))
        .map((all) => (all.length === 0 ? "none" : random.pick(all).name)) as [string, string];
      steps.push(random.uniform() < 0.5 ? stepOf(["inline", name]) : stepOf(["compute", name], ["at", loop]));
      if (random.uniform() < 0.4)
        steps.push(stepOf(["split", `${name}.${inner}`], ["by", random.pick([2, 3, 4])], ["tail", random.pick(["guard", "shift", "cut"])]));
      if (random.uniform() < 0.4) steps.push(stepOf(["vectorize", `${name}.${random.pick([inner, `${inner}.i`])}`]));
      if (random.uniform() < 0.4) steps.push(stepOf(["stage", name], ["in", "registers"], ["at", `${name}.${inner}`]));
      if (random.uniform() < 0.5) visit(producer.body);
    }
  };
  visit(nest.body);
  return steps;
}

/** The steps of a register tile with random choices, some of them left out. */
function recipe(random: Random, { nest, buffers }: Context): Step[] {
  const loops = loopsOf(nest.body);
  const reduce = findReduce(nest.body);
  const over = new Set(reduce?.over ?? []);
  const parallel = loops.filter((loop) => !over.has(loop.name)).map((loop) => loop.name);
  if (parallel.length === 0) return [];
  const f = random.uniform() < 0.7 ? (parallel.at(-1) as string) : random.pick(parallel);
  const w = random.pick(parallel);
  const isTiled = w !== f;
  const tail = () => random.pick(["guard", "shift"]);
  const others = parallel.filter((name) => name !== f && name !== w);
  // Two of the other loops are sometimes one; where they stand apart, the step is refused and so is the reordering.
  const isFused = others.length > 1 && random.uniform() < 0.4;
  const rest = isFused ? ["fused", ...others.slice(2)] : others;
  const [outer, inner] = isTiled
    ? [
        [`${f}.o`, `${w}.o`],
        [`${w}.i`, `${f}.i`],
      ]
    : [[`${f}.o`], [`${f}.i`]];
  const at = outer.at(-1) as string;
  // Invocations that share what they read: the loops around the tile are theirs.
  const isShared = reduce !== undefined && random.uniform() < 0.3;
  const constants =
    loops.length > 0 && reduce && !isShared
      ? [...buffers.values()].filter((buffer) => buffer.role.kind === "weight" || buffer.role.kind === "derived")
      : [];
  const fused = isFused ? [stepOf(["fuse", ...others.slice(0, 2)], ["into", "fused"])] : [];
  // Tiles before the cut share the loops around it; what is cut off is left as it is, but for its vectors.
  const cut = [
    stepOf(["split", f], ["by", random.pick([4, 4, 8])], ["tail", tail()]),
    ...constants.map((buffer) =>
      stepOf(["stage", buffer.name], ["packed"], ["by", ...shuffled(random, [...rest, `${f}.o`, ...over, `${f}.i`])]),
    ),
    stepOf(["reorder", ...shuffled(random, rest), `${f}.o`, w, ...shuffled(random, [...over]), `${f}.i`]),
    stepOf(["split", w], ["by", random.integer(2, 5)], ["tail", "cut"]),
    stepOf(["reorder", ...shuffled(random, [...over]), `${w}.i`, `${f}.i`]),
    stepOf(["vectorize", `${f}.i`]),
    stepOf(["unroll", `${w}.i`]),
    ...(reduce ? [stepOf(["stage", "result"], ["in", "registers"], ["at", `${w}.o`])] : []),
    stepOf(["vectorize", `${f}.i.t`]),
  ];
  const tiles = [
    stepOf(["split", f], ["by", random.pick([4, 4, 8])], ["tail", tail()]),
    ...(isTiled ? [stepOf(["split", w], ["by", random.integer(2, 4)], ["tail", tail()])] : []),
    stepOf(["reorder", ...shuffled(random, rest), ...outer, ...shuffled(random, [...over]), ...inner]),
    stepOf(["vectorize", `${f}.i`]),
    ...(isTiled ? [stepOf(["unroll", `${w}.i`])] : []),
    ...constants.map((buffer) =>
      stepOf(["stage", buffer.name], ["packed"], ["by", ...shuffled(random, [...rest, ...outer, ...over, ...inner])]),
    ),
    ...(reduce ? [stepOf(["stage", "result"], ["in", "registers"], ["at", at])] : []),
    ...(over.size > 0 && random.uniform() < 0.3 ? [stepOf(["unroll", random.pick([...over])])] : []),
  ];
  const together = isShared
    ? [
        ...outer.map((loop, i) => stepOf(["bind", loop], ["to", i === 0 ? "invocation.x" : "invocation.y"])),
        ...[...readsOf(nest.body)]
          .filter((tensor) => buffers.has(tensor))
          .map((tensor) =>
            stepOf(["stage", tensor], ["in", "workgroup"], ["at", over.size > 0 && random.uniform() < 0.7 ? random.pick([...over]) : at]),
          ),
      ]
    : [];
  const marked = random.uniform() < 0.5 ? [stepOf(["parallel", rest.length > 0 ? random.pick(rest) : at])] : [];
  const axis = random.pick(gridAxes);
  const bound = random.uniform() < 0.6 ? [stepOf(["bind", rest.length > 0 ? random.pick(rest) : at], ["to", axis])] : [];
  const factored = [...over].at(-1);
  if (factored !== undefined && random.uniform() < 0.2)
    return [
      ...(random.uniform() < 0.5 ? [stepOf(["reorder", ...shuffled(random, [...parallel.slice(-1), factored])])] : []),
      stepOf(["split", factored], ["by", random.pick([2, 3, 4])], ["tail", "guard"]),
      ...(random.uniform() < 0.5
        ? [stepOf(["rfactor", `${factored}.o`], ["in", "workgroup"]), stepOf(["bind", `${factored}.o`], ["to", "invocation.x"])]
        : [stepOf(["rfactor", random.pick([`${factored}.i`, `${factored}.o`, factored])]), stepOf(["vectorize", `${factored}.i`])]),
    ];
  const steps = [...fused, ...(isTiled && !isShared && random.uniform() < 0.75 ? cut : tiles), ...together, ...marked, ...bound];
  return steps.filter(() => random.uniform() < 0.93);
}

function anyStep(random: Random, { nest }: Context): Step {
  const loops = loopsOf(nest.body).map((loop) => loop.name);
  const loop = loops.length === 0 ? "none" : random.pick(loops);
  const kind = random.uniform();
  if (kind < 0.15) return stepOf(["fuse", ...loops.slice(loops.indexOf(loop)).slice(0, 2)], ["into", `${loop}.fused`]);
  if (kind < 0.4) return stepOf(["split", loop], ["by", random.pick([2, 3, 4, 4, 8])], ["tail", random.pick(["guard", "shift", "cut"])]);
  if (kind < 0.6) return stepOf(["reorder", ...shuffled(random, loops).slice(0, 3)]);
  if (kind < 0.75) return stepOf(["vectorize", loop]);
  if (kind < 0.8) return stepOf(["parallel", loop]);
  if (kind < 0.85) return stepOf(["rfactor", loop]);
  if (kind < 0.9) return stepOf(["stage", "result"], ["in", "registers"], ["at", loop]);
  return stepOf(["unroll", loop]);
}

function stepOf(...clauses: readonly (readonly [string, ...(string | number)[]])[]): Step {
  return { clauses: clauses.map(([keyword, ...rest]) => ({ keyword, arguments: rest })) };
}
