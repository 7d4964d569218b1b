/** What a schedule primitive is: one record that documents, checks and applies one kind of step. */
import { type For, isGridAxis, type LoopMode, type LoopProgram, type Nest } from "../ir/loop.ts";
import { printName } from "../ir/print_literal.ts";
import { printStatement } from "../ir/print_loop.ts";
import type { Buffer } from "../ir/tensor.ts";
import { type Checked, errorDiagnostic, type Note, type Span } from "../support/diagnostic.ts";
import { nearest } from "../support/nearest.ts";
import { loopsOf } from "./nest.ts";

/** Arguments of one clause: loops and tensors by name, numbers. */
export type Argument = string | number;
export type Clause = { readonly keyword: string; readonly arguments: readonly Argument[] };
/** A step with every knob turned: `split ow by 4` is [split ow, by 4]. */
export type Step = { readonly clauses: readonly Clause[]; readonly span?: Span };

/** A nest, the memory it works on, all nests of its program as they were lowered, in execution order, and what the caller reads. */
export type Context = {
  readonly nest: Nest;
  readonly buffers: ReadonlyMap<string, Buffer>;
  readonly nests: readonly Nest[];
  readonly outputs: ReadonlySet<string>;
};

/** What every nest of the program stands in, before any step: one object for each program, by which what is known of its nests is kept. */
export function surroundings(program: LoopProgram): Omit<Context, "nest"> {
  const known = surroundingsOf.get(program) ?? {
    buffers: new Map(program.buffers.map((buffer) => [buffer.name, buffer])),
    nests: program.nests,
    outputs: new Set(program.outputs.map((output) => output.value)),
  };
  surroundingsOf.set(program, known);
  return known;
}

const surroundingsOf = new WeakMap<LoopProgram, Omit<Context, "nest">>();

/** A nest after a step, with the buffers that the step adds or changes, and the nests it adds, which run before the nest itself. */
export type Change = { readonly nest: Nest; readonly buffers: readonly Buffer[]; readonly nests: readonly Nest[] };

/** A model whose layer `y` is scheduled: the steps before, and the step; the tests run it and show the nest before and after. */
export type Example = { readonly title: string; readonly source: string; readonly prepare: string; readonly step: string };

/**
 * `check` says why a step is refused, or returns the plan that `apply` takes; `apply` cannot fail.
 * `Plan` is the primitive's own.
 */
export type Primitive<Plan = never> = {
  readonly name: string;
  /** One sentence, with the field's other names for it. */
  readonly summary: string;
  /** `split LOOP by FACTOR [tail guard|shift]` */
  readonly syntax: string;
  /** Every code with which `check` refuses, and when. */
  readonly refusals: { readonly [code: string]: string };
  readonly examples: readonly Example[];
  check(step: Step, context: Context): Checked<Plan>;
  apply(plan: Plan, context: Context): Change;
  /** Steps a search may try instead of this one on this nest. */
  neighbours(step: Step, context: Context): Step[];
};

export function clause(step: Step, keyword: string): Clause | undefined {
  return step.clauses.find((candidate) => candidate.keyword === keyword);
}

export function formatStep(step: Step): string {
  return step.clauses.map(({ keyword, arguments: list }) => (list.length > 0 ? `${keyword} ${list.join(", ")}` : keyword)).join(" ");
}

export type Refusal = {
  readonly code: string;
  readonly message: string;
  /** What to do instead. */
  readonly help?: string | undefined;
  /** With these the nest is shown, and they are marked in it. */
  readonly loops?: readonly string[];
};

/** A refusal changes nothing. */
export function refuse<T>(step: Step, context: Context, { code, message, help, loops }: Refusal): Checked<T> {
  const notes = loops ? [markedNest(context, loops)] : [];
  return { diagnostics: [errorDiagnostic(code, message, { span: step.span, notes, help })] };
}

export function accept<T>(plan: T): Checked<T> {
  return { value: plan, diagnostics: [] };
}

/** The loop of that name; a refusal where there is none, or where the name stands for several side by side. */
export function namedLoop(step: Step, name: Argument, context: Context): Checked<For> {
  const { nest } = context;
  const loops = loopsOf(nest.body);
  const [loop, another] = loops.filter((candidate) => candidate.name === name);
  if (another)
    return refuse(step, context, {
      code: "which-loop",
      message: `the nest ${nest.name} has several loops \`${name}\``,
      help: "only a loop whose name is its own can be scheduled",
      loops: [String(name)],
    });
  if (loop) return accept(loop);
  const names = loops.map((candidate) => candidate.name);
  const guess = nearest(String(name), names);
  const message = `the nest ${nest.name} has no loop \`${name}\``;
  const list = names.length > 0 ? `its loops are ${names.join(", ")}` : "it has no loops at all";
  return refuse(step, context, { code: "unknown-loop", message, help: guess ? `did you mean \`${guess}\`?` : list });
}

/** The loop of that name, which no earlier step has unrolled, vectorised or marked parallel. */
export function serialLoop(step: Step, name: Argument, context: Context, help: (mode: LoopMode) => string): Checked<For> {
  const found = namedLoop(step, name, context);
  if (!found.value || found.value.mode === "serial") return found;
  const { mode } = found.value;
  const message = `\`${name}\` is already ${modeText(mode)}`;
  return refuse(step, context, { code: "mode-twice", message, help: help(mode), loops: [found.value.name] });
}

export const modeRefusals = { "mode-twice": "the loop already has another mode" } as const;

/** Refusals that any step may meet that names a loop. */
export const namingRefusals = {
  "bad-step": "the step is not written as its syntax says",
  "unknown-loop": "the nest has no loop of that name",
  "which-loop": "several loops side by side have that name",
} as const;

/** How a loop that is no longer serial runs. */
export function modeText(mode: LoopMode): string {
  if (isGridAxis(mode)) return `bound to ${mode}`;
  return { serial: "serial", unroll: "unrolled", vectorize: "vectorised", parallel: "parallel", cooperative: "cooperative" }[mode];
}

export function changed(nest: Nest, body: Nest["body"]): Change {
  return { nest: { ...nest, body }, buffers: [], nests: [] };
}

/** The nest as text, with `>` before the loops that are to blame. */
function markedNest({ nest, buffers }: Context, loops: readonly string[]): Note {
  const heads = loops.map((name) => `for ${printName(name)} in `);
  const lines = printStatement(nest.body, (name) => buffers.get(name)?.dtype).split("\n");
  const marked = lines.map((line) => `  ${heads.some((head) => line.trimStart().startsWith(head)) ? ">" : " "} ${line}`);
  return { message: [`the nest ${nest.name} is now`, ...marked].join("\n") };
}
