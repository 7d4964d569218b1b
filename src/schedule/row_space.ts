/** Whether an index is known once others are: a rational combination of them. What is no variable stands for itself. */
import { formatIndex, type Index } from "../ir/affine.ts";

/** Coefficients by atom. */
type Row = ReadonlyMap<string, number>;

/** Sufficient, not necessary: the cheap test before the search for two iterations that differ in one and agree in the others. */
export function isDeterminedBy(index: Index, others: readonly Index[]): boolean {
  let target = rowOf(index);
  const rows = others.map(rowOf);
  rows.forEach((row, i) => {
    const pivot = [...row].find(([, coefficient]) => Math.abs(coefficient) > tiny)?.[0];
    if (pivot === undefined) return;
    for (let j = i + 1; j < rows.length; j++) rows[j] = eliminate(rows[j] as Row, row, pivot);
    target = eliminate(target, row, pivot);
  });
  return [...target.values()].every((coefficient) => Math.abs(coefficient) <= tiny);
}

/** Coefficients are small integers; what elimination leaves of their ratios is larger than this. */
const tiny = 1e-9;

function rowOf(index: Index): Row {
  return new Map(index.terms.map((term) => [formatIndex({ terms: [{ ...term, coefficient: 1 }], constant: 0 }), term.coefficient]));
}

function eliminate(row: Row, basis: Row, pivot: string): Row {
  const factor = (row.get(pivot) ?? 0) / (basis.get(pivot) as number);
  if (factor === 0) return row;
  const result = new Map(row);
  for (const [key, coefficient] of basis) result.set(key, (result.get(key) ?? 0) - factor * coefficient);
  result.set(pivot, 0);
  return result;
}
