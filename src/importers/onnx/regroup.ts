/**
 * Reshapes in any layout. Most reshapes split some dimensions and join others: [n, c, h, w] to [n, g, c / g, h, w] touches the
 * channels alone, and the others may lie as they do. Dimensions that become one must lie next to each other.
 */
import { elementCount } from "../../ir/dtype.ts";
import { identity, type Layout } from "./layout.ts";

/** Dimensions of the operand that become dimensions of the result. */
type Group = { readonly from: readonly number[]; readonly to: readonly number[] };

export type Regrouping = {
  /** How the operand must lie. */
  readonly before: Layout;
  /** The extents of the result as it then lies, and its layout. */
  readonly stored: readonly number[];
  readonly after: Layout;
};

export function regroup(shape: readonly number[], to: readonly number[], layout: Layout): Regrouping {
  const groups = elementCount(shape) === 0 ? undefined : groupsOf(shape, to);
  if (!groups) return { before: identity(shape.length), stored: to, after: identity(to.length) };
  const ordered = inLayout(groups, shape, layout);
  const after = ordered.flatMap((group) => group.to);
  return { before: ordered.flatMap((group) => group.from), stored: after.map((d) => to[d] ?? 1), after };
}

/** The smallest runs of dimensions with equally many elements on both sides. */
function groupsOf(shape: readonly number[], to: readonly number[]): Group[] | undefined {
  const groups: Group[] = [];
  let [i, j] = [0, 0];
  while (i < shape.length || j < to.length) {
    // Dimensions of extent 1 come and go by themselves.
    if (shape[i] === 1 && to[j] !== 1) {
      groups.push({ from: [i++], to: [] });
      continue;
    }
    if (to[j] === 1 && shape[i] !== 1) {
      groups.push({ from: [], to: [j++] });
      continue;
    }
    const from = i < shape.length ? [i] : [];
    const result = j < to.length ? [j] : [];
    let [left, right] = [from.length ? (shape[i++] ?? 1) : 1, result.length ? (to[j++] ?? 1) : 1];
    while (left !== right) {
      if (left < right && i < shape.length) {
        from.push(i);
        left *= shape[i++] ?? 1;
      } else if (right < left && j < to.length) {
        result.push(j);
        right *= to[j++] ?? 1;
      } else return undefined;
    }
    groups.push({ from, to: result });
  }
  return groups;
}

/** As the first dimension that counts lies in each; a group of nothing follows the one before it. */
function inLayout(groups: readonly Group[], shape: readonly number[], layout: Layout): Group[] {
  let place = -1;
  const placed = groups.map((group, i) => {
    const first = group.from.find((dimension) => shape[dimension] !== 1) ?? group.from[0];
    place = first === undefined ? place : layout.indexOf(first);
    return { group, place, i };
  });
  return placed.sort((a, b) => a.place - b.place || a.i - b.i).map(({ group }) => group);
}
