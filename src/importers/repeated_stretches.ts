/**
 * Stretches of a model's lines that say the same of other tensors, for functions. Two stretches are the same where their lines are,
 * one by one (line_shape.ts), and the operands come from the same places: a line so far back, the same input of the stretch, or a
 * weight that nothing else reads. Every stretch up to the longest is put into a class by its lines from the first on, so that the
 * work is linear in the lines.
 */
import type { Library } from "../semantics/instantiate.ts";
import { invariant } from "../support/invariant.ts";
import { shapeOfLine } from "./line_shape.ts";
import { callOfLine } from "./write_statements.ts";
import type { Line, Value, WrittenWeight } from "./written_model.ts";

/** Calls of a function; two layers are enough. */
const fewestCalls = 3;
const mostCalls = 64;
/** What a function takes beside its weights. */
const mostInputs = 3;
/** Operands of a call, and results; one with more is no part of a function. */
const mostOperands = 8;
/** Longer models are not read by people, and stay as they are. */
const mostLines = 4000;
const mostFunctions = 32;
/** Repetitions that may be refused; a file may have any number of them. */
const mostRefused = 500;
/** Lines of text that a function takes beside its calls. */
const frame = 2;

/** The lines from `start` on, and what they read that is not their own, in the order in which they do. */
export type Stretch = { readonly start: number; readonly inputs: readonly Value[]; readonly weights: readonly Value[] };

/** Stretches of the same length that say the same, from first to last; none overlaps another. */
export type Repetition = { readonly length: number; readonly stretches: readonly Stretch[] };

export type Lines = {
  readonly lines: readonly Line[];
  readonly weights: ReadonlyMap<number, WrittenWeight>;
  /** How often each value is read, an output once more. */
  readonly uses: ReadonlyMap<number, number>;
  readonly library: Library;
};

/** Those that save most lines first; `accepts` may refuse one, whose lines are then free for others. In the order of their first stretches. */
export function repeatedStretches(all: Lines, accepts: (repetition: Repetition) => boolean): readonly Repetition[] {
  if (all.lines.length > mostLines) return [];
  // What may not differ in attributes too, where that would be too much.
  let groups = [true, false].flatMap((isLoose) => groupsOf(all, stepsOf(all, isLoose)));
  const taken = new Uint8Array(all.lines.length);
  const found: Repetition[] = [];
  let refused = 0;
  while (found.length < mostFunctions) {
    const free = freeUntil(taken);
    const choices = groups.flatMap((group): Choice[] => {
      const starts = apart(group, free);
      const saved = (starts.length - 1) * group.length - starts.length - frame;
      return saved > 0 ? [{ group, starts, saved }] : [];
    });
    choices.sort(compareChoices);
    const next = choices.findIndex(({ group: { length, isPeriodic }, starts }) => {
      if (isPeriodic(starts[0] ?? 0, length) || refused >= mostRefused) return false;
      const repetition = { length, stretches: starts.map((start) => stretchAt(all, start, length)) };
      if (!accepts(repetition)) {
        refused++;
        return false;
      }
      for (const start of starts) taken.fill(1, start, start + length);
      found.push(repetition);
      return true;
    });
    if (next < 0) break;
    // Those before it were refused.
    groups = choices.slice(next + 1).map(({ group }) => group);
  }
  return found.sort((a, b) => (a.stretches[0]?.start ?? 0) - (b.stretches[0]?.start ?? 0));
}

type Group = {
  readonly length: number;
  readonly starts: readonly number[];
  /** Whether it begins with a layer. */
  readonly isLayer: boolean;
  readonly isPeriodic: IsPeriodic;
};

/** Whether all of a stretch lies in something shorter that is said twice or more in a row: that is the function then. */
type IsPeriodic = (start: number, length: number) => boolean;

type Choice = { readonly group: Group; readonly starts: readonly number[]; readonly saved: number };

/** First what saves more lines; of equals the longer, and then what begins with a layer. */
function compareChoices(one: Choice, other: Choice): number {
  const byLength = other.saved - one.saved || other.group.length - one.group.length;
  return byLength || Number(other.group.isLayer) - Number(one.group.isLayer);
}

/** For each line the first line from it on that is taken. */
function freeUntil(taken: Uint8Array): Int32Array {
  const free = new Int32Array(taken.length + 1).fill(taken.length);
  for (let i = taken.length - 1; i >= 0; i--) free[i] = taken[i] ? i : (free[i + 1] as number);
  return free;
}

/** The starts of free stretches, each from the end of the one before: as many as there can be. */
function apart({ length, starts }: Group, free: Int32Array): readonly number[] {
  const chosen: number[] = [];
  let end = 0;
  for (const start of starts) {
    if (start < end || (free[start] as number) < start + length) continue;
    chosen.push(start);
    end = start + length;
  }
  return chosen;
}

/** Numbers of texts: equal ones for equal texts. */
function createNumbers(): (text: string) => number {
  const known = new Map<string, number>();
  return (text) => {
    const number = known.get(text) ?? known.size;
    known.set(text, number);
    return number;
  };
}

/** What each line is, whatever comes before it; -1 where it can be no part of a function. */
function stepsOf({ lines, weights, uses, library }: Lines, isLoose: boolean): Int32Array {
  const number = createNumbers();
  return Int32Array.from(lines, (line) => {
    const { operands, results } = line;
    const isWeight = (position: number) => {
      const operand = operands[position];
      return typeof operand === "object" && weights.has(operand.id);
    };
    const isShared = operands.some((operand, i) => typeof operand === "object" && isWeight(i) && uses.get(operand.id) !== 1);
    return isShared || operands.length > mostOperands || results.length > mostOperands
      ? -1
      : number(shapeOfLine(line, library, { isWeight, isLoose }));
  });
}

/** All stretches that one result leaves, by what they say; only what is repeated. None ends within a node of the source. */
function groupsOf(all: Lines, steps: Int32Array): readonly Group[] {
  const { lines, weights, uses } = all;
  const places = placesOf(lines);
  const number = createNumbers();
  const groups = new Map<number, { readonly length: number; readonly starts: number[]; readonly isLayer: boolean }>();
  const layers = lines.map((line) => callOfLine(line, weights).beginsLayer);
  const isCut = (i: number) => lines[i]?.node !== undefined && lines[i]?.node === lines[i - 1]?.node;
  for (let start = 0; start < lines.length; start++) {
    if (isCut(start)) continue;
    const isLayer = layers[start] as boolean;
    const inputs: number[] = [];
    const unread = new Map<number, number>();
    let said = -1;
    for (let i = start; i < Math.min(lines.length, start + mostCalls); i++) {
      const line = lines[i];
      invariant(line, "a line that is none");
      if ((steps[i] as number) < 0) break;
      const from = line.operands.map((operand) => {
        if (typeof operand === "number" || weights.has(operand.id)) return "";
        const place = places.get(operand.id);
        if (!place || place.line < start) {
          if (!inputs.includes(operand.id)) inputs.push(operand.id);
          return `<${inputs.indexOf(operand.id)}`;
        }
        const left = (unread.get(operand.id) ?? 0) - 1;
        if (left === 0) unread.delete(operand.id);
        else unread.set(operand.id, left);
        return `${i - place.line}.${place.result}`;
      });
      if (inputs.length > mostInputs) break;
      for (const { id } of line.results) if ((uses.get(id) ?? 0) > 0) unread.set(id, uses.get(id) ?? 0);
      said = number(`${said} ${steps[i]} ${from.join()}`);
      const length = i - start + 1;
      // What is read outside is then what the last line gives: every other line is read for its sake.
      if (length < fewestCalls && !(length > 1 && isLayer && layers[i])) continue;
      if (isCut(i + 1) || inputs.length === 0 || unread.size !== 1 || line.results.length !== 1) continue;
      const group = groups.get(said) ?? { length, starts: [], isLayer };
      group.starts.push(start);
      groups.set(said, group);
    }
  }
  const isPeriodic = periodsOf(all, steps);
  return [...groups.values()].filter(({ starts }) => starts.length > 1).map((group) => ({ ...group, isPeriodic }));
}

function placesOf(lines: readonly Line[]): ReadonlyMap<number, { readonly line: number; readonly result: number }> {
  return new Map(lines.flatMap(({ results }, line) => results.map(({ id }, result) => [id, { line, result }] as const)));
}

function periodsOf({ lines, weights }: Lines, steps: Int32Array): IsPeriodic {
  const places = placesOf(lines);
  const number = createNumbers();
  const said = lines.map(({ operands }, i) => {
    const from = operands.map((operand) => {
      if (typeof operand === "number" || weights.has(operand.id)) return "";
      const place = places.get(operand.id);
      return place ? `${i - place.line}.${place.result}` : "<";
    });
    return number(`${steps[i]} ${from.join()}`);
  });
  return (start, length) => {
    for (let period = 1; period < length; period++) {
      const least = 2 * period;
      let [first, end] = [start, start + period];
      while (end < Math.min(said.length, start + Math.max(length, least)) && said[end] === said[end - period]) end++;
      if (end < start + length) continue;
      while (first > 0 && end - first < least && said[first - 1] === said[first - 1 + period]) first--;
      if (end - first >= least) return true;
    }
    return false;
  };
}

function stretchAt({ lines, weights }: Lines, start: number, length: number): Stretch {
  const own = new Set<number>();
  const inputs = new Map<number, Value>();
  const found: Value[] = [];
  for (const { operands, results } of lines.slice(start, start + length)) {
    for (const operand of operands) {
      if (typeof operand === "number" || own.has(operand.id)) continue;
      if (weights.has(operand.id)) found.push(operand);
      else inputs.set(operand.id, operand);
    }
    for (const { id } of results) own.add(id);
  }
  return { start, inputs: [...inputs.values()], weights: found };
}
