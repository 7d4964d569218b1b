/**
 * Searching the space of one workload: the default first, then what earlier runs found good, then random candidates and children of the
 * best so far (mutation, crossover), ranked by the cost model before they are measured; where that finds nothing better, coordinate descent
 * around the best. Seeded: what is proposed depends on the seed, the model and the results so far, and on nothing else.
 */
import type { SketchDeclaration } from "../ir/declaration.ts";
import { createRandom } from "../support/random.ts";
import type { Candidate, Decision, Scheduled } from "./candidate.ts";
import { type CostModel, type Estimate, estimate, predict } from "./cost_model.ts";
import type { Origin } from "./log.ts";
import { createDrawer, type Space, stepsOf, type Turn } from "./space.ts";

export type Proposal = { readonly scheduled: Scheduled; readonly origin: Origin; readonly estimate: Estimate; readonly predicted: number };

export type SearchResult = { readonly scheduled: Scheduled; readonly us: number };

export type SearchOptions = {
  readonly seed: number;
  /** `random` neither ranks nor learns from results: what a search must beat. */
  readonly strategy: "evolutionary" | "random";
  readonly peak: number;
  /** Good candidates of earlier runs, of this workload or of ones like it. */
  readonly earlier: readonly Candidate[];
};

export type Search = {
  readonly space: Space;
  /** How many candidates the first proposals are: the default, and those of earlier runs. */
  readonly beginning: number;
  /** The best few with the default, the best first. */
  results(): readonly SearchResult[];
  /** Up to `count` candidates not proposed before; fewer, or none, where the space has no more. */
  propose(model: CostModel, count: number): readonly Proposal[];
  /** The time of a proposal (us); Infinity for one that failed. */
  report(proposal: Proposal, us: number): void;
  isExhausted(): boolean;
};

/** Candidates among which the model picks a batch, for each one picked. */
const choice = 5;
/** Of a batch, what is taken without asking the model. */
const blind = 0.15;
/** Parents, the best so far. */
const parents = 6;
/** Results that are kept beside the default's: the parents, and what the finals may ask for. */
const mostKept = 12;
/** Draws for each candidate that is wanted, before the space counts as exhausted. */
const patience = 12;

export function createSearch(space: Space, options: SearchOptions): Search {
  const { workload, sketches, defaultSchedule } = space;
  const random = createRandom(`search/${options.seed}/${workload.key}`);
  const draw = createDrawer(space);
  const tried = new Set<string>();
  const results: SearchResult[] = [];
  const ofDefault = stepsOf(defaultSchedule);
  const first = beginning();
  let fruitless = 0;
  let isExhausted = false;

  return {
    space,
    beginning: first.length,
    results: () => results,
    isExhausted: () => isExhausted,
    report(proposal, us) {
      const best = results[0]?.us ?? Infinity;
      fruitless = us < best ? 0 : fruitless + 1;
      const place = results.findIndex((other) => other.us > us);
      results.splice(place < 0 ? results.length : place, 0, { scheduled: proposal.scheduled, us });
      const last = results.findLastIndex(({ scheduled }) => stepsOf(scheduled) !== ofDefault);
      if (last >= mostKept) results.splice(last, 1);
    },
    propose(model, count) {
      const begin = tried.size === 0 ? first.slice(0, count) : [];
      for (const { scheduled } of begin) tried.add(stepsOf(scheduled));
      const others = rank(pool((count - begin.length) * choice), model).slice(0, count - begin.length);
      for (const { scheduled } of others) tried.add(stepsOf(scheduled));
      if (begin.length + others.length < count) isExhausted = true;
      return [...begin.map((each) => judged(each, model)), ...others];
    },
  };

  type Drawn = { readonly scheduled: Scheduled; readonly origin: Origin };

  function judged(drawn: Drawn, model: CostModel): Proposal {
    const known = estimate(workload, drawn.scheduled, options.peak);
    return { ...drawn, estimate: known, predicted: predict(model, known.features) };
  }

  /** The best by the model, with some that it was not asked about mixed in. */
  function rank(drawn: readonly Drawn[], model: CostModel): Proposal[] {
    const proposals = drawn.map((each) => judged(each, model));
    if (options.strategy === "random") return proposals;
    const untouched = new Set(proposals.filter(() => random.uniform() < blind / choice));
    const sorted = [...proposals].sort((a, b) => a.predicted - b.predicted);
    return [...sorted.filter((each) => untouched.has(each)), ...sorted.filter((each) => !untouched.has(each))];
  }

  /** Different candidates not tried yet. */
  function pool(wanted: number): Drawn[] {
    const found = new Map<string, Drawn>();
    const isKnown = (steps: string) => tried.has(steps) || found.has(steps);
    const add = ({ sketch, turn, origin }: Way) => {
      const scheduled = sketch && draw(sketch, turn, isKnown);
      if (scheduled && found.size < wanted) found.set(stepsOf(scheduled), { scheduled, origin });
    };
    const evolves = options.strategy === "evolutionary" && results.length >= 2;
    // Children stop getting better when the best is near its own optimum: its neighbours settle that.
    if (evolves && fruitless >= 4) for (const way of neighbours()) add(way);
    const limit = options.strategy === "random" ? Math.ceil(wanted / choice) : wanted;
    for (let draws = 0; draws < patience * limit && found.size < limit; draws++)
      add((evolves && random.uniform() < 0.75 && child()) || blindly());
    return [...found.values()];
  }

  /** A way through a sketch, not gone yet. */
  type Way = { readonly sketch: SketchDeclaration | undefined; readonly turn: Turn; readonly origin: Origin };

  function blindly(): Way {
    const sketch = sketches.length === 0 ? undefined : random.pick(sketches);
    return { sketch, turn: (_, offered) => random.pick(offered), origin: "random" };
  }

  function child(): Way | undefined {
    const pick = (): Scheduled | undefined => results[Math.floor(random.uniform() ** 2 * Math.min(parents, results.length))]?.scheduled;
    const [mother, father] = [pick(), pick()];
    const sketch = sketches.find(({ name }) => name === mother?.candidate.sketch);
    if (!mother || !father || !sketch) return undefined;
    const crosses = father !== mother && father.candidate.sketch === sketch.name && random.uniform() < 0.4;
    return crosses ? crossed(sketch, mother, father) : mutated(sketch, mother);
  }

  function crossed(sketch: SketchDeclaration, mother: Scheduled, father: Scheduled): Way {
    const turn: Turn = (name, offered) => nearestTo(valueIn(random.uniform() < 0.5 ? mother : father, name), offered);
    return { sketch, turn, origin: "crossover" };
  }

  function mutated(sketch: SketchDeclaration, parent: Scheduled): Way {
    const open = parent.decisions.filter((decision) => decision.options.length > 1);
    const changed = new Set(
      open.length === 0 ? [] : [random.pick(open).name, ...(random.uniform() < 0.35 ? [random.pick(open).name] : [])],
    );
    const turn: Turn = (name, offered) => (changed.has(name) ? random.pick(offered) : nearestTo(valueIn(parent, name), offered));
    return { sketch, turn, origin: "mutation" };
  }

  /** The best with one knob turned to each of its other options. */
  function neighbours(): Way[] {
    const best = results[0]?.scheduled;
    const sketch = sketches.find(({ name }) => name === best?.candidate.sketch);
    if (!best || !sketch) return [];
    return best.decisions.flatMap(({ name, value, options: offered }) =>
      offered
        .filter((option) => option !== value)
        .map((to): Way => ({ sketch, turn: (knob, list) => nearestTo(knob === name ? to : valueIn(best, knob), list), origin: "descent" })),
    );
  }

  /** The default, and what earlier runs hand on. */
  function beginning(): Drawn[] {
    const found = new Map<string, Drawn>([[stepsOf(defaultSchedule), { scheduled: defaultSchedule, origin: "default" }]]);
    for (const { sketch: wanted, knobs } of options.earlier) {
      const sketch = sketches.find(({ name }) => name === wanted);
      const values = new Map(knobs.map(({ name, value }) => [name, value]));
      const scheduled =
        sketch &&
        draw(
          sketch,
          (name, offered) => nearestTo(values.get(name), offered),
          (steps) => found.has(steps),
        );
      if (scheduled) found.set(stepsOf(scheduled), { scheduled, origin: "earlier" });
    }
    return [...found.values()];
  }
}

function valueIn({ decisions }: { readonly decisions: readonly Decision[] }, name: string): number | undefined {
  return decisions.find((decision) => decision.name === name)?.value;
}

/** What a knob was turned to elsewhere may not be an option here. */
function nearestTo(value: number | undefined, options: readonly number[]): number {
  const [first = 1] = options;
  if (value === undefined) return first;
  return options.reduce((best, option) => (Math.abs(option - value) < Math.abs(best - value) ? option : best), first);
}
