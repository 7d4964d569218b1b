/** reorder: loops that stand directly inside each other change places. */
import { tensorsRead, variablesOfExpr } from "../../ir/expr.ts";
import { type For, isGridAxis, type Statement } from "../../ir/loop.ts";
import type { Checked } from "../../support/diagnostic.ts";
import { dependencesOf, describeDirections, readsItsResult, reversedBy } from "../dependence.ts";
import { loopsOf, replaceLoop } from "../nest.ts";
import { accept, type Context, changed, clause, namedLoop, namingRefusals, type Primitive, refuse, type Step } from "../primitive.ts";

type Plan = { readonly order: readonly string[]; readonly band: readonly Layer[]; readonly body: Statement };
/** What the band is made of: loops, and guards between them. */
type Layer = { readonly kind: "loop"; readonly loop: For } | { readonly kind: "guard"; readonly guard: Extract<Statement, { kind: "if" }> };

export const reorder: Primitive<Plan> = {
  name: "reorder",
  summary:
    "Puts loops that stand directly inside each other in the order given, outermost first (permutation, interchange). Guards between them stay as far out as their variables allow.",
  syntax: "reorder LOOP, LOOP, ...",
  refusals: {
    ...namingRefusals,
    "reorder-imperfect": "the loops do not stand directly inside each other",
    "reorder-parallel": "a loop among them is marked parallel where it stands",
    "reorder-dependence": "one iteration would run before another that it needs",
  },
  examples: [
    {
      title: "interchange",
      source: "model m(x: f32[4, 6]) -> y: f32[6, 4] { transpose(x, order: [1, 0]) }",
      prepare: "",
      step: "reorder i1, i0",
    },
  ],

  check(step, context) {
    const order = (clause(step, "reorder")?.arguments ?? []).map(String);
    if (order.length === 0)
      return refuse(step, context, {
        code: "bad-step",
        message: "`reorder` names the loops in their new order",
        help: "write `reorder oh, f.o, c, f.i`",
      });
    for (const name of order) {
      const { value, diagnostics } = namedLoop(step, name, context);
      if (!value) return { diagnostics };
    }
    const twice = order.find((name, i) => order.indexOf(name) < i);
    if (twice !== undefined)
      return refuse(step, context, {
        code: "bad-step",
        message: `\`${twice}\` is named twice in \`reorder\``,
        help: "name every loop once, outermost first",
      });
    return checkBand(step, order, context);
  },

  apply({ order, band, body }, { nest }) {
    const [first] = band;
    const outermost = first?.kind === "loop" ? first.loop.name : "";
    return changed(
      nest,
      replaceLoop(nest.body, outermost, () => rebuilt(order, band, body)),
    );
  },

  neighbours(step) {
    const order = clause(step, "reorder")?.arguments ?? [];
    return order.slice(1).map((_, i) => {
      const swapped = [...order];
      [swapped[i], swapped[i + 1]] = [order[i + 1] as string, order[i] as string];
      return { ...step, clauses: [{ keyword: "reorder", arguments: swapped }] };
    });
  },
};

function checkBand(step: Step, order: readonly string[], context: Context): Checked<Plan> {
  const { nest, buffers } = context;
  const wanted = new Set(order);
  const outermost = loopsOf(nest.body).find((loop) => wanted.has(loop.name)) as For;
  const band: Layer[] = [];
  let current: Statement = outermost;
  const missing = new Set(order);
  while (missing.size > 0) {
    if (current.kind === "for") {
      band.push({ kind: "loop", loop: current });
      missing.delete(current.name);
      current = current.body;
    } else if (current.kind === "if" && tensorsRead(current.condition).size === 0) {
      band.push({ kind: "guard", guard: current });
      current = current.body;
    } else {
      const stuck = [...missing].map((name) => `\`${name}\``).join(", ");
      return refuse(step, context, {
        code: "reorder-imperfect",
        message: `${stuck} ${missing.size === 1 ? "is" : "are"} not directly inside \`${outermost.name}\`: ${obstacle(current)} between them`,
        help: "reorder before staging, or only loops that stand directly inside each other",
        loops: [outermost.name, ...missing],
      });
    }
  }
  const marked = band.find((layer) => layer.kind === "loop" && (layer.loop.mode === "parallel" || isGridAxis(layer.loop.mode)));
  if (marked?.kind === "loop")
    return refuse(step, context, {
      code: "reorder-parallel",
      message: `\`${marked.loop.name}\` is marked parallel where it stands`,
      help: "reorder first, then `parallel`",
      loops: [marked.loop.name],
    });
  // Loops of the band that are not named keep their places among the others.
  const names = band.flatMap((layer) => (layer.kind === "loop" ? [layer.loop.name] : []));
  const queue = [...order];
  const full = names.map((name) => (wanted.has(name) ? (queue.shift() as string) : name));
  const open = readsItsResult(nest, buffers);
  if (open)
    return refuse(step, context, {
      code: "reorder-dependence",
      message: `the reduction overwrites what it reads: ${open.reason}`,
      help: "leave its loops in their order",
      loops: names,
    });
  const reversed = reversedBy(names, full, dependencesOf(nest, buffers));
  if (reversed) {
    const { dependence, directions } = reversed;
    const carrying = dependence.loops.find((_, depth) => directions[depth] !== "=") as string;
    const others = dependence.loops.filter((_, depth) => directions[depth] === ">");
    return refuse(step, context, {
      code: "reorder-dependence",
      message: `the new order turns a dependence around: ${dependence.reason}, ${describeDirections(dependence.loops, directions)}`,
      help: `keep \`${carrying}\` outside ${others.map((name) => `\`${name}\``).join(", ")}`,
      loops: [carrying, ...others],
    });
  }
  return accept({ order: full, band, body: current });
}

function obstacle(statement: Statement): string {
  if (statement.kind === "if") return "a guard that reads memory stands";
  return statement.kind === "local" ? "a tile is declared" : "several statements stand";
}

function rebuilt(order: readonly string[], band: readonly Layer[], body: Statement): Statement {
  const loops = new Map(band.flatMap((layer) => (layer.kind === "loop" ? [[layer.loop.name, layer.loop] as const] : [])));
  const guards = band.flatMap((layer) => (layer.kind === "guard" ? [layer.guard] : []));
  const go = (depth: number, inScope: ReadonlySet<string>, waiting: typeof guards): Statement => {
    const ready = waiting.filter(({ condition }) => [...variablesOfExpr(condition)].every((name) => inScope.has(name) || !loops.has(name)));
    const rest = waiting.filter((guard) => !ready.includes(guard));
    const name = order[depth];
    const loop = name === undefined ? undefined : loops.get(name);
    const inner: Statement = loop ? { ...loop, body: go(depth + 1, new Set([...inScope, loop.name]), rest) } : body;
    return ready.reduceRight<Statement>((statement, { condition }) => ({ kind: "if", condition, body: statement }), inner);
  };
  return go(0, new Set(), guards);
}
