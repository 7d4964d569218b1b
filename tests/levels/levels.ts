/** The four levels as one table, for tests that hold for each of them. */
import { parseLevel } from "../../src/frontend/levels/parse_level.ts";
import type { LevelProgram } from "../../src/ir/level_program.ts";
import type { Stages } from "./examples.ts";

/** A text that must parse; what is wrong with it otherwise. */
export function parsed(text: string): LevelProgram {
  const { value, diagnostics } = parseLevel(text, "test");
  if (value) return value;
  const [first] = diagnostics;
  const place = first?.span ? text.slice(Math.max(0, first.span.start - 40), first.span.end + 40) : "";
  throw new Error(`${first?.code}: ${first?.message} near ${JSON.stringify(place)}`);
}

/** The data without the spans of declarations, which say where a text stood. */
export function withoutSpans(value: unknown): unknown {
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, withoutSpans(item)]));
  if (Array.isArray(value)) return value.map(withoutSpans);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== "span" && !key.endsWith("Span"))
      .map(([key, item]) => [key, withoutSpans(item)]),
  );
}

export function allStages(stages: Stages): { readonly pass: string; readonly at: LevelProgram }[] {
  return [
    ...stages.nn.map(({ pass, program }) => ({ pass, at: { level: "nn", program } as const })),
    ...stages.tensor.map(({ pass, program }) => ({ pass, at: { level: "tensor", program } as const })),
    ...stages.loop.map(({ pass, program }) => ({ pass, at: { level: "loop", program } as const })),
    ...stages.kernel.map(({ pass, program }) => ({ pass, at: { level: "kernel", program } as const })),
  ];
}
