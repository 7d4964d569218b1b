/** Gradient-boosted regression trees (Friedman, Greedy Function Approximation, 2001) for least squares, small and deterministic. */

export type Sample = { readonly features: readonly number[]; readonly target: number };

type Tree =
  | { readonly kind: "leaf"; readonly value: number }
  | { readonly kind: "split"; readonly feature: number; readonly at: number; readonly below: Tree; readonly above: Tree };

export type Boosted = { readonly base: number; readonly trees: readonly Tree[] };

const settings = { trees: 60, depth: 3, shrinkage: 0.15, leaf: 3 } as const;

export function fitBoosted(samples: readonly Sample[]): Boosted {
  const base = mean(samples.map(({ target }) => target));
  const residuals = samples.map(({ target }) => target - base);
  const all = samples.map((_, i) => i);
  const trees: Tree[] = [];
  for (let i = 0; i < settings.trees && samples.length >= 2 * settings.leaf; i++) {
    const tree = grow(all, settings.depth, samples, residuals);
    if (tree.kind === "leaf") break;
    trees.push(tree);
    for (const at of all) residuals[at] = (residuals[at] as number) - settings.shrinkage * evaluate(tree, samples[at]?.features ?? []);
  }
  return { base, trees };
}

export function predictBoosted({ base, trees }: Boosted, features: readonly number[]): number {
  return trees.reduce((sum, tree) => sum + settings.shrinkage * evaluate(tree, features), base);
}

function evaluate(tree: Tree, features: readonly number[]): number {
  let at = tree;
  while (at.kind === "split") at = (features[at.feature] ?? 0) < at.at ? at.below : at.above;
  return at.value;
}

function grow(rows: readonly number[], depth: number, samples: readonly Sample[], residuals: readonly number[]): Tree {
  const leaf: Tree = { kind: "leaf", value: mean(rows.map((row) => residuals[row] as number)) };
  const split = depth === 0 ? undefined : bestSplit(rows, samples, residuals);
  if (!split) return leaf;
  const isBelow = (row: number) => (samples[row]?.features[split.feature] ?? 0) < split.at;
  const below = grow(rows.filter(isBelow), depth - 1, samples, residuals);
  const above = grow(
    rows.filter((row) => !isBelow(row)),
    depth - 1,
    samples,
    residuals,
  );
  return { kind: "split", ...split, below, above };
}

/** Which threshold of which feature leaves the least squared error: the one with the largest sum of sum²/count on both sides. */
function bestSplit(rows: readonly number[], samples: readonly Sample[], residuals: readonly number[]) {
  const total = rows.reduce((sum, row) => sum + (residuals[row] as number), 0);
  let gain = total ** 2 / rows.length + 1e-9;
  let best: { readonly feature: number; readonly at: number } | undefined;
  const features = samples[0]?.features.length ?? 0;
  for (let feature = 0; feature < features; feature++) {
    const featureOf = (row: number) => samples[row]?.features[feature] ?? 0;
    const sorted = [...rows].sort((a, b) => featureOf(a) - featureOf(b));
    let sum = 0;
    for (let i = 0; i < sorted.length - settings.leaf; i++) {
      sum += residuals[sorted[i] as number] as number;
      const [here, next] = [featureOf(sorted[i] as number), featureOf(sorted[i + 1] as number)];
      if (i + 1 < settings.leaf || here === next) continue;
      const score = sum ** 2 / (i + 1) + (total - sum) ** 2 / (rows.length - i - 1);
      if (score <= gain) continue;
      gain = score;
      best = { feature, at: (here + next) / 2 };
    }
  }
  return best;
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
