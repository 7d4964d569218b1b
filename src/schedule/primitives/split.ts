/** split: one loop becomes two, L.o over tiles and L.i within a tile; what is left over may get a loop of its own, L.t. */
import { add, constantIndex, type Index, noRanges, scale, smaller, variableIndex } from "../../ir/affine.ts";
import type { For, Statement } from "../../ir/loop.ts";
import { overwrittenBy } from "../dependence.ts";
import {
  compared,
  findLoop,
  leavesOf,
  loopsOf,
  mapStatement,
  rangesOfLoops,
  renameLoops,
  replaceLoop,
  substituteInStatement,
} from "../nest.ts";
import { accept, type Context, changed, clause, modeText, namedLoop, namingRefusals, type Primitive, refuse } from "../primitive.ts";

type Tail = "none" | "guard" | "shift" | "cut";
type Plan = { readonly loop: For; readonly factor: number; readonly tail: Tail };

export const split: Primitive<Plan> = {
  name: "split",
  summary:
    "Divides a loop into tiles (strip-mining): L.o counts tiles, L.i the places in one. Where the factor does not divide the extent, `guard` tests every iteration, which may be fewer than the factor, `shift` moves the last tile back over elements that are then computed twice, and `cut` leaves the rest to a copy of the body in a loop L.t behind the tiles (peeling), whose inner loops get names that end in `.t` too.",
  syntax: "split LOOP by FACTOR [tail guard|shift|cut]",
  refusals: {
    ...namingRefusals,
    "bad-factor": "the factor is no whole number of at least 1, or above the extent without a guard",
    "split-after-mode": "the loop already has another mode",
    "split-shift": "elements cannot be computed twice: the loop is reduced over, or the nest overwrites what it reads",
    "split-cut": "the rest of a reduction cannot be cut off: the loop is reduced over, or inside a loop that is, or that is vectorised",
    "name-taken": "the nest already has a loop with the name of a part",
  },
  examples: [
    {
      title: "a guarded tail",
      source: "model m(x: f32[10]) -> y: f32[10] { relu(x) }",
      prepare: "",
      step: "split i0 by 4 tail guard",
    },
    {
      title: "a shifted tail",
      source: "model m(x: f32[10]) -> y: f32[10] { relu(x) }",
      prepare: "",
      step: "split i0 by 4 tail shift",
    },
    {
      title: "a tail of its own",
      source: "model m(x: f32[10]) -> y: f32[10] { relu(x) }",
      prepare: "",
      step: "split i0 by 4 tail cut",
    },
  ],

  check(step, context) {
    const [name] = clause(step, "split")?.arguments ?? [];
    const [factor] = clause(step, "by")?.arguments ?? [];
    if (name === undefined || typeof factor !== "number")
      return refuse(step, context, { code: "bad-step", message: "`split` names a loop and a factor", help: "write `split ow by 4`" });
    const { value: loop, diagnostics } = namedLoop(step, name, context);
    if (!loop) return { diagnostics };
    const [tail = "guard"] = clause(step, "tail")?.arguments ?? [];
    if (tail !== "guard" && tail !== "shift" && tail !== "cut")
      return refuse(step, context, {
        code: "bad-step",
        message: `there is no tail \`${tail}\``,
        help: "write `tail guard`, `tail shift` or `tail cut`",
      });
    if (!Number.isInteger(factor) || factor < 1)
      return refuse(step, context, {
        code: "bad-factor",
        message: `the factor of a split is a whole number of at least 1, not ${factor}`,
        help: `write \`split ${name} by 4\``,
      });
    if (loop.mode !== "serial")
      return refuse(step, context, {
        code: "split-after-mode",
        message: `\`${name}\` is already ${modeText(loop.mode)}`,
        help: loop.mode === "parallel" ? "split first, then parallel" : `split first, then unroll or vectorize \`${name}.i\``,
        loops: [loop.name],
      });
    // A loop of one iteration may index registers, where a longer one must be unrolled.
    if (factor > loop.extent && (tail !== "guard" || loop.extent <= 1))
      return refuse(step, context, {
        code: "bad-factor",
        message: `\`${name}\` runs over ${loop.extent}, fewer than the factor ${factor}`,
        help: loop.extent > 1 ? `split by at most ${loop.extent}, or with \`tail guard\`` : "a loop of at most one iteration is left whole",
        loops: [loop.name],
      });
    const isWhole = loop.extent % factor === 0;
    const rest = tail === "cut" && !isWhole ? [loop, ...loopsOf(loop.body)].map((each) => tailName(each.name)) : [];
    const parts = [`${name}.o`, `${name}.i`, ...rest];
    const taken = loopsOf(context.nest.body).find((other) => parts.includes(other.name));
    if (taken)
      return refuse(step, context, {
        code: "name-taken",
        message: `the parts of \`${name}\` would be ${parts.map((part) => `\`${part}\``).join(", ")}, and the nest already has a loop \`${taken.name}\``,
        help: "split the other loop, whose parts get longer names",
        loops: [loop.name, taken.name],
      });
    if (isWhole) return accept({ loop, factor, tail: "none" });
    const torn = tail === "cut" ? reductionAround(loop, context) : undefined;
    if (torn) {
      const what = torn.mode === "vectorize" ? "vectorised" : "reduced over";
      return refuse(step, context, {
        code: "split-cut",
        message: torn === loop ? `\`${name}\` is ${what}` : `\`${name}\` stands inside \`${torn.name}\`, which is ${what}`,
        help: torn === loop ? `write \`split ${name} by ${factor} tail guard\`` : `first \`reorder ${name}, ${torn.name}\``,
        loops: [loop.name, torn.name],
      });
    }
    const why = tail === "shift" ? cannotShift(loop, factor, context) : undefined;
    if (why)
      return refuse(step, context, {
        code: "split-shift",
        message: why,
        help: `write \`split ${name} by ${factor} tail guard\``,
        loops: [loop.name],
      });
    return accept({ loop, factor, tail });
  },

  apply({ loop, factor, tail }, { nest }) {
    return changed(
      nest,
      replaceLoop(splitOver(nest.body, loop.name), loop.name, () => tiled(loop, factor, tail)),
    );
  },

  neighbours(step, context) {
    const [name] = clause(step, "split")?.arguments ?? [];
    const loop = findLoop(context.nest.body, String(name));
    const factors = [1, 2, 3, 4, 6, 8, 12, 16, 32].filter((factor) => loop !== undefined && factor <= loop.extent);
    return factors.map((factor) => ({
      ...step,
      clauses: step.clauses.map((part) => (part.keyword === "by" ? { keyword: "by", arguments: [factor] } : part)),
    }));
  },
};

/** The loop of a tail that was cut off, and each loop of the body's copy in it. */
export function tailName(loop: string): string {
  return `${loop}.t`;
}

/** The outermost loop, from the root to this one, inside which a reduction must be whole: its sums, or its lanes, share a tile. */
function reductionAround(loop: For, { nest }: Context): For | undefined {
  for (const { statement, loops } of leavesOf(nest.body).filter((leaf) => leaf.loops.includes(loop))) {
    const around = loops.slice(0, loops.indexOf(loop) + 1);
    if (statement.kind !== "reduce") continue;
    const found = around.find((outer) => outer.mode === "vectorize" || statement.over.includes(outer.name));
    if (found) return found;
  }
  return undefined;
}

/**
 * A shifted tail computes elements again: their operands must still be there, and nothing may be counted twice. A tile
 * that the loop's body declares begins anew each time.
 */
function cannotShift(loop: For, factor: number, { nest, buffers }: Context): string | undefined {
  for (const { statement, loops, locals } of leavesOf(nest.body).filter((leaf) => leaf.loops.includes(loop))) {
    if (statement.kind === "reduce" && statement.over.includes(loop.name))
      return `\`${loop.name}\` is reduced over, and a shifted tail would count elements twice`;
    const isOwn = (locals.get(statement.buffer) ?? -1) > loops.indexOf(loop);
    if (statement.kind === "accumulate" && !isOwn)
      return `${statement.buffer} is accumulated, and a shifted tail would count elements twice`;
  }
  const overwritten = overwrittenBy(loop, loop.extent - factor, nest, buffers);
  return overwritten ? `the loop overwrites ${overwritten}, which a shifted tail would read again` : undefined;
}

/** The reductions over the loop run over both of its parts. */
function splitOver(statement: Statement, name: string): Statement {
  if (statement.kind === "reduce")
    return { ...statement, over: statement.over.flatMap((loop) => (loop === name ? [`${name}.o`, `${name}.i`] : [loop])) };
  return mapStatement(statement, (inner) => splitOver(inner, name));
}

/** The whole tiles, and behind them a copy of the body for what is left. */
function cut(loop: For, factor: number): Statement {
  const { name, extent } = loop;
  const count = Math.floor(extent / factor);
  const whole = tiled({ ...loop, extent: count * factor }, factor, "none");
  const own = new Set(loopsOf(loop.body).map((inner) => inner.name));
  const left: For = { ...loop, name: tailName(name), extent: extent - count * factor };
  const place = add(left.extent === 1 ? constantIndex(0) : variableIndex(left.name), constantIndex(count * factor));
  const copy = renameLoops(loop.body, (inner) => (own.has(inner) ? tailName(inner) : inner));
  const body = substituteInStatement(copy, (variable) => (variable === name ? place : undefined), rangesOfLoops([left]));
  return { kind: "sequence", statements: [whole, { ...left, body }] };
}

function tiled(loop: For, factor: number, tail: Tail): Statement {
  if (tail === "cut") return cut(loop, factor);
  const { name, extent } = loop;
  const outerExtent = Math.ceil(extent / factor);
  const [outer, inner] = [variableIndex(`${name}.o`), variableIndex(`${name}.i`)];
  const start = scale(outer, factor);
  const ranges = rangesOfLoops([
    { ...loop, name: `${name}.o`, extent: outerExtent },
    { ...loop, name: `${name}.i`, extent: factor },
  ]);
  const value = originalIndex(name, factor, extent, outerExtent, tail, start, inner);
  const body = splitOver(
    substituteInStatement(loop.body, (variable) => (variable === name ? value : undefined), ranges),
    name,
  );
  const guarded: Statement = tail === "guard" ? { kind: "if", condition: compared("lt", value, extent), body } : body;
  const within: Statement = { kind: "for", name: `${name}.i`, extent: factor, mode: "serial", body: guarded };
  return { kind: "for", name: `${name}.o`, extent: outerExtent, mode: "serial", body: within };
}

/** A loop of one iteration is the constant 0 in every index. */
function originalIndex(name: string, factor: number, extent: number, outerExtent: number, tail: Tail, start: Index, inner: Index): Index {
  const place = factor === 1 ? constantIndex(0) : inner;
  if (outerExtent === 1) return place;
  const tile = tail === "shift" ? smaller(start, constantIndex(extent - factor), noRanges) : scale(variableIndex(`${name}.o`), factor);
  return add(tile, place);
}
