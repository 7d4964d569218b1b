/** A case imported, compiled and run on every target. */
import type { Tensor } from "../../operators/tensors.ts";
import { mismatch } from "../../operators/tensors.ts";
import { compileImported, library, runImported } from "../support.ts";
import type { TargetName } from "../targets.ts";
import { foreignFileOf, type ImportCase } from "./case.ts";

/** What is wrong on each target, or those wanted, or undefined there; a text says why nothing could be run. */
export async function checkCase(
  given: ImportCase,
  wanted?: readonly TargetName[],
): Promise<ReadonlyMap<TargetName, string | undefined> | string> {
  const { importer, file, inputs, expected, tolerance = 1e-5, steps = 0 } = given;
  const { value: model, diagnostics } = await importer.read(foreignFileOf(file), { library });
  if (!model) return diagnostics.map(({ message }) => message).join("\n");
  const tensors = new Map(
    [...inputs].map(([name, { dtype, shape, data }]) => [name, { type: { dtype, shape }, values: Float64Array.from(data) }]),
  );
  const results = await runImported(compileImported(model), tensors, wanted);
  return new Map(
    results.map(({ target, outputs }) => {
      const found = expected.map((wanted, i): string | undefined => {
        const output = model.outputs[i];
        if (!output) return `output ${i} is missing`;
        const difference =
          shapeOf(wanted) === shapeOf({ ...output.type, data: [] })
            ? undefined
            : `is ${shapeOf({ ...output.type, data: [] })} instead of ${shapeOf(wanted)}`;
        return difference ?? mismatch(wanted, outputs.get(output.source) ?? [], tolerance, steps);
      });
      return [target, found.find((problem) => problem !== undefined)];
    }),
  );
}

/** The targets on which nothing is wrong. */
export async function passedByCase(given: ImportCase): Promise<ReadonlySet<TargetName>> {
  const problems = await checkCase(given);
  return new Set(typeof problems === "string" ? [] : [...problems].flatMap(([target, problem]) => (problem === undefined ? [target] : [])));
}

function shapeOf({ dtype, shape }: Tensor): string {
  return `${dtype}[${shape.join(", ")}]`;
}
