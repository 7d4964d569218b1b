/**
 * distribute: a nest that no schedule has bound to a GPU's grid is bound: for each of its statements side by side, the outermost
 * loops whose iterations are independent become one, cut into workgroups. What is left runs in order, in each invocation. Where a
 * schedule has bound loops to invocations alone, those around them become workgroups as they are.
 */
import { type For, type GridAxis, isGridAxis, isInvocation, type Nest, type Statement } from "../ir/loop.ts";
import { loopsOf, replaceLoop } from "./nest.ts";
import type { Argument, Clause, Context, Step } from "./primitive.ts";
import { applyStep } from "./primitives.ts";
import { workgroupTiles } from "./workgroup_tile.ts";

/** Invocations of a workgroup: what every device runs at once, or a multiple of it. */
const invocations = 64;
/** Workgroups along one coordinate, of which WebGPU allows 65535. */
const longest = 32768;

export function distribute(context: Context): Nest {
  const { nest } = context;
  if (loopsOf(nest.body).some(({ mode }) => isGridAxis(mode) && !isInvocation(mode))) return nest;
  const parts = nest.body.kind === "sequence" ? nest.body.statements : [nest.body];
  const hasInvocations = loopsOf(nest.body).some(({ mode }) => isInvocation(mode));
  return parts.reduce((current, part, i) => {
    // A tile that a workgroup shares is filled for one iteration of the loops around it.
    const isWhole = hasInvocations || workgroupTiles(part).length > 0;
    return distributePart(part, i, isWhole, { ...context, nest: current });
  }, nest);
}

/** `isWhole`: an iteration is a workgroup, whatever invocations that has; otherwise, an invocation. */
function distributePart(part: Statement, position: number, isWhole: boolean, context: Context): Nest {
  const band = independentLoops(part, context);
  const [first] = band;
  if (!first) return context.nest;
  const name = band.length > 1 ? `grid${position}` : first.name;
  const extent = band.reduce((product, loop) => product * loop.extent, 1);
  const size = isWhole ? 1 : Math.min(invocations, extent);
  const groups = Math.ceil(extent / size);
  const group = isWhole ? name : `${name}.o`;
  const isLong = groups > longest;
  const steps: Step[] = [
    ...(band.length > 1 ? [step(["fuse", ...band.map((loop) => loop.name)], ["into", name])] : []),
    ...(isWhole ? [] : [step(["split", name], ["by", size])]),
    ...(isLong ? [step(["split", group], ["by", longest])] : []),
  ];
  let nest = context.nest;
  for (const each of steps) {
    const { value } = applyStep(each, { ...context, nest });
    // One refusal, and this part runs in order.
    if (!value) return context.nest;
    nest = value.nest;
  }
  if (isLong) nest = bindProven(nest, `${group}.o`, "workgroup.y");
  nest = bindProven(nest, isLong ? `${group}.i` : group, "workgroup.x");
  return isWhole ? nest : bindProven(nest, `${name}.i`, "invocation.x");
}

/**
 * A part of the fused band on a coordinate. That it may be bound was proven of every loop of the band: two iterations of the band that
 * touched one element would differ first in one of its loops, which would then carry the dependence. To prove it once more of the
 * fused loop, whose indices are full of divisions, takes seconds.
 */
function bindProven(nest: Nest, name: string, axis: GridAxis): Nest {
  return {
    ...nest,
    body: replaceLoop(nest.body, name, (found) => ({ ...found, mode: axis })),
    trace: [...nest.trace, `bind ${name} to ${axis}`],
  };
}

/** The loops directly inside each other, from the outermost in, that could be bound. */
function independentLoops(part: Statement, context: Context): For[] {
  const band: For[] = [];
  for (let at = part; at.kind === "for" && at.mode === "serial" && at.extent > 0; at = at.body) {
    if (!applyStep(step(["bind", at.name], ["to", "workgroup.x"]), context).value) break;
    band.push(at);
  }
  return band;
}

function step(...clauses: readonly (readonly [string, ...Argument[]])[]): Step {
  return { clauses: clauses.map(([keyword, ...list]): Clause => ({ keyword, arguments: list })) };
}
