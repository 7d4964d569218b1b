/**
 * Choices that span layers: which algorithm computes a call, whether two layers are computed together, and whether an activation is a kernel of its own. Calls that are alike decide together. What a choice costs or saves is
 * counted in workloads, those that it adds to the network and those that it takes away, so that every choice is judged by the network's total.
 */
import type { NnProgram } from "../ir/nn.ts";
import { resultOf } from "../ir/tensor.ts";
import { chooseFor } from "../passes/choose_algorithms.ts";
import { rewrite } from "../passes/rewrite.ts";
import { apart, unfusedChoice } from "../pipeline/bind_tuned.ts";
import { type Compiled, createCompiled } from "../pipeline/compiled.ts";
import { lowerNn } from "../pipeline/lower.ts";
import { lastBeforeChoice } from "../pipeline/passes.ts";
import { weightBytesRead } from "../pipeline/weight_bytes.ts";
import { valueTypes } from "../semantics/node_instance.ts";
import { exactJson } from "../support/exact_json.ts";
import { once } from "../support/once.ts";
import { operationsIn } from "./features.ts";
import { findWorkloads, type Together, type Workload, workloadsOf } from "./workload.ts";

/** How often the network computes each workload, by its key; in a change, how much more often. */
export type Composition = ReadonlyMap<string, number>;

export type Alternative = {
  /** The values that it is chosen for, by name. */
  readonly layers: readonly string[];
  /** A rule with `when`, or `direct`. */
  readonly algorithm: string;
  readonly change: Composition;
  /** By what part its workloads may become faster than they are, with those that it replaces as they are: as long as it would pay then, it is pursued. */
  readonly hope: number;
};

/** Another algorithm has schedules of its own. */
const hopeOfOther = 0.3;
/** The same loops, but for an activation: what makes them faster mostly does so with it, too. */
const hopeOfUnfused = 0.05;

export type Network = {
  /** All that some alternative needs, those of the compiler's own choice first. */
  readonly workloads: readonly Workload[];
  readonly base: Composition;
  /** For each kind of call, what it could be computed by instead of what the compiler chooses. */
  readonly groups: readonly (readonly Alternative[])[];
};

export type ChoiceOptions = {
  /** No algorithm whose weights are larger than those of the compiler's own choice. */
  readonly keepSize?: boolean | undefined;
};

export function networkOf(compiled: Compiled, options: ChoiceOptions = {}): Network {
  const { own, together } = findWorkloads(compiled);
  const base = compositionOf(own);
  const known = new Map(own.map((workload) => [workload.key, workload]));
  const groups = withUnfused([...alternativesOf(compiled, options), ...together.map(apartOf)], unfusedOf(compiled, own)).map((group) =>
    group.map(({ alternative, workloads }) => {
      for (const workload of workloads) if (!known.has(workload.key)) known.set(workload.key, workload);
      return alternative;
    }),
  );
  return { workloads: [...known.values()], base, groups: groups.filter((group) => group.length > 0) };
}

type WithWorkloads = { readonly alternative: Alternative; readonly workloads: readonly Workload[] };

/** What each kind of call could be computed by, with all other calls computed directly: that is lowered in a fraction of the time. */
function alternativesOf(compiled: Compiled, { keepSize = false }: ChoiceOptions): WithWorkloads[][] {
  const program = lowerNn(compiled.source, compiled.module, { last: lastBeforeChoice });
  const kinds = callsAlike(program, compiled);
  if (kinds.length === 0) return [];
  const everywhere = kinds.flatMap(({ layers }) => layers);
  const lower = (layers: readonly string[], algorithm: string | undefined) => {
    const isChosen = new Set(layers);
    const choices = everywhere.flatMap((layer): [string, string][] => {
      const wanted = isChosen.has(layer) ? algorithm : "direct";
      return wanted === undefined ? [] : [[layer, wanted]];
    });
    const { module, target, limits } = compiled;
    const lowered = createCompiled(program, { ...module, rules: chooseFor(module.rules, new Map(choices)) }, { target, limits });
    const { nn, tensor } = lowered.levels;
    return { text: exactJson(nn().nodes), workloads: once(() => workloadsOf(lowered)), bytes: once(() => weightBytesRead(tensor())) };
  };
  const direct = lower([], undefined);
  return kinds.map(({ layers, algorithms }) => {
    const tried = algorithms.map((algorithm) => ({ algorithm, ...(algorithm === "direct" ? direct : lower(layers, algorithm)) }));
    // What the compiler takes by itself is one of them, or some of each.
    const unchosen = lower(layers, undefined);
    const own = tried.find(({ text }) => text === unchosen.text) ?? unchosen;
    const before = compositionOf(own.workloads());
    return tried.flatMap(({ algorithm, text, workloads, bytes }): WithWorkloads[] => {
      if (text === own.text || (keepSize && bytes() > own.bytes())) return [];
      const change = difference(compositionOf(workloads()), before);
      return change.size === 0 ? [] : [{ alternative: { layers, algorithm, change, hope: hopeOfOther }, workloads: workloads() }];
    });
  });
}

/** Each of two layers by itself, instead of both together. */
function apartOf({ workload, apart: workloads }: Together): WithWorkloads[] {
  const { key, layers } = workload;
  const count = layers.length;
  const change = workloads.reduce<Composition>((sum, each) => combine(sum, new Map([[each.key, count]])), new Map([[key, -count]]));
  return [{ alternative: { layers, algorithm: apart, change, hope: hopeOfOther }, workloads }];
}

/** Operations for each element that take as long as writing it to the second cache and reading it again: below, a kernel of its own saves nothing. */
const worthStoring = 4;

/** Of each workload whose last step is a map of the layer before that computes much, such as some activations: both as kernels of their own. */
function unfusedOf({ source, module, target, limits, levels }: Compiled, own: readonly Workload[]): WithWorkloads[] {
  const fused = own.filter(
    ({ group, producer }) => group.computes.length > 1 && !producer && operationsIn(resultOf(group).value) >= worthStoring,
  );
  if (fused.length === 0) return [];
  const unfused = new Set(fused.flatMap(({ layers }) => layers));
  const byLayer = new Map(
    workloadsOf(createCompiled(source, module, { target, limits, unfused })).flatMap((workload) =>
      workload.layers.map((layer) => [layer, workload] as const),
    ),
  );
  const reductions = new Map(levels.tensor().groups.map(({ name, computes }) => [name, computes[0]?.name ?? name]));
  return fused.flatMap(({ key, layers }): WithWorkloads[] => {
    const parts = layers.flatMap((layer) => [reductions.get(layer) ?? layer, layer].map((name) => byLayer.get(name)));
    const workloads = parts.filter((part): part is Workload => part !== undefined);
    if (workloads.length < parts.length) return [];
    const change = workloads.reduce<Composition>((sum, part) => combine(sum, new Map([[part.key, 1]])), new Map([[key, -layers.length]]));
    return [{ alternative: { layers, algorithm: unfusedChoice, change, hope: hopeOfUnfused }, workloads }];
  });
}

/** Of alternatives that would take the same workload away, only one can be chosen: they are in one group. */
function withUnfused(groups: readonly WithWorkloads[][], unfused: readonly WithWorkloads[]): WithWorkloads[][] {
  const takesAway = ({ alternative }: WithWorkloads, other: WithWorkloads) =>
    [...alternative.change].some(([key, count]) => count < 0 && (other.alternative.change.get(key) ?? 0) < 0);
  const all = groups.map((group) => [...group]);
  for (const each of unfused) {
    const rivals = all.filter((group) => group.some((other) => takesAway(other, each)));
    if (rivals.length === 0) all.push([each]);
    if (rivals.length === 1) rivals[0]?.push(each);
  }
  return all;
}

export function compositionOf(workloads: readonly Workload[]): Composition {
  return new Map(workloads.map(({ key, layers }) => [key, layers.length]));
}

export function combine(base: Composition, change: Composition): Composition {
  const sum = new Map(base);
  for (const [key, count] of change) sum.set(key, (sum.get(key) ?? 0) + count);
  return new Map([...sum].filter(([, count]) => count !== 0));
}

function difference(a: Composition, b: Composition): Composition {
  return combine(a, new Map([...b].map(([key, count]) => [key, -count])));
}

type Calls = { readonly layers: readonly string[]; readonly algorithms: readonly string[] };

/** Calls of one operator on operands of the same types, that some rule with `when` may compute; with all that may, and `direct`. */
function callsAlike(program: NnProgram, { module }: Compiled): Calls[] {
  const types = valueTypes(program);
  const alike = new Map<string, string[]>();
  for (const { operator, attributes, operands, results } of program.nodes) {
    const [only] = results;
    if (!only || results.length > 1) continue;
    const kind = exactJson([operator, attributes, operands.map((name) => types.get(name))]);
    alike.set(kind, [...(alike.get(kind) ?? []), only.name]);
  }
  const offered = [...new Map(module.rules.flatMap((rule) => (rule.when ? [[rule.name, rule] as const] : []))).values()];
  return [...alike.values()].flatMap((layers): Calls[] => {
    const [first = ""] = layers;
    const legal = offered.filter(({ when, ...rule }) => {
      const always = when ? { when: { kind: "boolean" as const, value: true, span: when.span } } : {};
      const changed = rewrite(program, [{ ...rule, ...always, at: { only: new Set([first]) } }]);
      return (
        changed.nodes.length !== program.nodes.length || changed.nodes.some(({ operator }, i) => operator !== program.nodes[i]?.operator)
      );
    });
    return legal.length === 0 ? [] : [{ layers, algorithms: ["direct", ...legal.map(({ name }) => name)] }];
  });
}

export type Choice = { readonly chosen: readonly Alternative[]; readonly composition: Composition };

/** A group takes another algorithm only where that saves this part of what the calls take. */
const margin = 0.02;

/** For each group what makes the network's total least, by the time of each workload (us); what has no time yet decides nothing. */
export function choose({ base, groups }: Network, timeOf: (key: string) => number | undefined): Choice {
  const chosen = groups.flatMap((group): Alternative[] => {
    const savings = group.map((alternative) => ({ alternative, ...savingOf(alternative, timeOf) }));
    const [best] = savings.filter(({ saved, replaced }) => saved > margin * replaced).sort((a, b) => b.saved - a.saved);
    return best ? [best.alternative] : [];
  });
  return { chosen, composition: chosen.reduce((sum, { change }) => combine(sum, change), base) };
}

/** Microseconds, and of the network's time the part that the alternative would replace. */
function savingOf({ change }: Alternative, timeOf: (key: string) => number | undefined) {
  let [saved, replaced] = [0, 0];
  for (const [key, count] of change) {
    const time = timeOf(key);
    if (time === undefined) return { saved: Number.NEGATIVE_INFINITY, replaced: 0 };
    saved -= count * time;
    if (count < 0) replaced -= count * time;
  }
  return { saved, replaced };
}
