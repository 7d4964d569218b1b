/** Gradient-boosted regression trees (Friedman, Greedy Function Approximation, 2001) for least squares, small and deterministic. */

export type Sample = { readonly features: readonly number[]; readonly target: number };

type Tree =
  | { readonly kind: "leaf"; readonly value: number }
  | { readonly kind: "split"; readonly feature: number; readonly at: number; readonly below: Tree; readonly above: Tree };

export type Boosted = { readonly base: number; readonly trees: readonly Tree[] };

const settings = { trees: 80, depth: 3, shrinkage: 0.1, leaf: 8, thresholds: 31 } as const;

export function fitBoosted(samples: readonly Sample[]): Boosted {
  const base = mean(samples.map(({ target }) => target));
  const residuals = samples.map(({ target }) => target - base);
  const columns = columnsOf(samples);
  const all = samples.map((_, i) => i);
  const trees: Tree[] = [];
  for (let i = 0; i < settings.trees && samples.length >= 2 * settings.leaf; i++) {
    const tree = grow(all, settings.depth, columns, residuals);
    if (tree.kind === "leaf") break;
    trees.push(tree);
    for (const at of all) residuals[at] = (residuals[at] as number) - settings.shrinkage * evaluate(tree, samples[at]?.features ?? []);
  }
  return { base, trees };
}

/** A feature's candidate thresholds, ascending, and for each sample how many of them its value is not below. */
type Column = { readonly thresholds: readonly number[]; readonly bins: Uint8Array };

/** Sorted once for all trees: a split then adds up what lies in each bin. */
function columnsOf(samples: readonly Sample[]): Column[] {
  const count = samples[0]?.features.length ?? 0;
  return Array.from({ length: count }, (_, feature) => {
    const values = samples.map(({ features }) => features[feature] ?? 0);
    const distinct = [...new Set(values)].sort((a, b) => a - b);
    const step = Math.max(1, distinct.length / (settings.thresholds + 1));
    const places = new Set(Array.from({ length: settings.thresholds }, (_, i) => Math.round((i + 1) * step)));
    const thresholds = [...places]
      .filter((at) => at < distinct.length)
      .map((at) => ((distinct[at - 1] as number) + (distinct[at] as number)) / 2);
    return { thresholds, bins: Uint8Array.from(values, (value) => thresholds.filter((at) => value >= at).length) };
  });
}

export function predictBoosted({ base, trees }: Boosted, features: readonly number[]): number {
  return trees.reduce((sum, tree) => sum + settings.shrinkage * evaluate(tree, features), base);
}

function evaluate(tree: Tree, features: readonly number[]): number {
  let at = tree;
  while (at.kind === "split") at = (features[at.feature] ?? 0) < at.at ? at.below : at.above;
  return at.value;
}

function grow(rows: readonly number[], depth: number, columns: readonly Column[], residuals: readonly number[]): Tree {
  const leaf: Tree = { kind: "leaf", value: mean(rows.map((row) => residuals[row] as number)) };
  const split = depth === 0 ? undefined : bestSplit(rows, columns, residuals);
  if (!split) return leaf;
  const { feature, bin } = split;
  const { bins, thresholds } = columns[feature] as Column;
  const below = rows.filter((row) => (bins[row] as number) < bin);
  const above = rows.filter((row) => (bins[row] as number) >= bin);
  const grown = [below, above].map((part) => grow(part, depth - 1, columns, residuals));
  return { kind: "split", feature, at: thresholds[bin - 1] as number, below: grown[0] as Tree, above: grown[1] as Tree };
}

/** Which threshold of which feature leaves the least squared error: the one with the largest sum of sum²/count on both sides. */
function bestSplit(rows: readonly number[], columns: readonly Column[], residuals: readonly number[]) {
  const total = rows.reduce((sum, row) => sum + (residuals[row] as number), 0);
  let gain = total ** 2 / rows.length + 1e-9;
  let best: { readonly feature: number; readonly bin: number } | undefined;
  columns.forEach(({ thresholds, bins }, feature) => {
    const sums = new Float64Array(thresholds.length + 1);
    const counts = new Uint32Array(thresholds.length + 1);
    for (const row of rows) {
      const bin = bins[row] as number;
      sums[bin] = (sums[bin] as number) + (residuals[row] as number);
      counts[bin] = (counts[bin] as number) + 1;
    }
    let [sum, count] = [0, 0];
    for (let bin = 1; bin <= thresholds.length; bin++) {
      sum += sums[bin - 1] as number;
      count += counts[bin - 1] as number;
      if (count < settings.leaf || rows.length - count < settings.leaf) continue;
      const score = sum ** 2 / count + (total - sum) ** 2 / (rows.length - count);
      if (score <= gain) continue;
      gain = score;
      best = { feature, bin };
    }
  });
  return best;
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
