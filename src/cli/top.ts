/** The largest elements of each row of an output, ranked and named. */
import { formatType } from "../ir/dtype.ts";
import { type Checked, errorDiagnostic } from "../support/diagnostic.ts";
import type { Result } from "./results.ts";
import { formatTable } from "./table.ts";

export type Ranked = { readonly index: number; readonly value: number; readonly label?: string };
export type Ranking = { readonly name: string; readonly records: readonly (readonly Ranked[])[] };

/** An output is [classes] or [records, classes], with 1 for any dimension between. Equal values keep their order; NaN comes last. */
export function rank({ name, type, values }: Result, top: number, labels: readonly string[] | undefined): Checked<Ranking> {
  const { shape } = type;
  const classes = shape.at(-1) ?? 0;
  const isRows = shape.length > 0 && classes > 0 && shape.slice(1, -1).every((extent) => extent === 1);
  if (!isRows) {
    const message = `--top ranks rows of classes, and the output \`${name}\` is ${formatType(type)}`;
    return { diagnostics: [errorDiagnostic("top", message, { help: "write it to a file with --output" })] };
  }
  if (labels && labels.length !== classes) {
    const message = `the labels file has ${labels.length} lines, and the output \`${name}\` has ${classes} classes`;
    return { diagnostics: [errorDiagnostic("labels", message)] };
  }
  const records = Array.from({ length: values.length / classes }, (_, row) => {
    const all = Array.from(values.subarray(row * classes, (row + 1) * classes), (value, index) => ({
      index,
      value,
      ...labelOf(labels, index),
    }));
    return all
      .sort((a, b) => Number(Number.isNaN(a.value)) - Number(Number.isNaN(b.value)) || b.value - a.value || a.index - b.index)
      .slice(0, top);
  });
  return { value: { name, records }, diagnostics: [] };
}

export function describeRanking({ name, records }: Ranking): string[] {
  return records.flatMap((record, i) => {
    const rows = record.map(({ index, value, label }, place) => [`${place + 1}`, value.toPrecision(4), `${index}`, label ?? ""]);
    const title = records.length === 1 ? name : `${name}, record ${i}`;
    return [
      title,
      ...formatTable(["rank", "value", "index", "label"].slice(0, record[0]?.label === undefined ? 3 : 4), rows, [
        "right",
        "right",
        "right",
        "left",
      ]),
    ];
  });
}

function labelOf(labels: readonly string[] | undefined, index: number): { readonly label?: string } {
  const label = labels?.[index];
  return label === undefined ? {} : { label };
}
