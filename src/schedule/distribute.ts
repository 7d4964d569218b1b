/**
 * distribute: a nest that no schedule has bound to a GPU's grid is bound: for each of its statements side by side, the outermost
 * loops whose iterations are independent become one, cut into workgroups. What is left runs in order, in each invocation.
 */
import { type For, isGridAxis, type Nest, type Statement } from "../ir/loop.ts";
import { loopsOf } from "./nest.ts";
import type { Argument, Clause, Context, Step } from "./primitive.ts";
import { applyStep } from "./primitives.ts";

/** Invocations of a workgroup: what every device runs at once, or a multiple of it. */
const invocations = 64;
/** Workgroups along one coordinate, of which WebGPU allows 65535. */
const longest = 32768;

export function distribute(context: Context): Nest {
  const { nest } = context;
  if (loopsOf(nest.body).some((loop) => isGridAxis(loop.mode))) return nest;
  const parts = nest.body.kind === "sequence" ? nest.body.statements : [nest.body];
  return parts.reduce((current, part, i) => distributePart(part, i, { ...context, nest: current }), nest);
}

function distributePart(part: Statement, position: number, context: Context): Nest {
  const band = independentLoops(part, context);
  const [first] = band;
  if (!first) return context.nest;
  const name = band.length > 1 ? `grid${position}` : first.name;
  const extent = band.reduce((product, loop) => product * loop.extent, 1);
  const size = Math.min(invocations, extent);
  const groups = Math.ceil(extent / size);
  const steps: Step[] = [
    ...(band.length > 1 ? [step(["fuse", ...band.map((loop) => loop.name)], ["into", name])] : []),
    step(["split", name], ["by", size]),
    ...(groups > longest
      ? [
          step(["split", `${name}.o`], ["by", longest]),
          step(["bind", `${name}.o.o`], ["to", "workgroup.y"]),
          step(["bind", `${name}.o.i`], ["to", "workgroup.x"]),
        ]
      : [step(["bind", `${name}.o`], ["to", "workgroup.x"])]),
    step(["bind", `${name}.i`], ["to", "invocation.x"]),
  ];
  let nest = context.nest;
  for (const each of steps) {
    const { value } = applyStep(each, { ...context, nest });
    // One refusal, and this part runs in order.
    if (!value) return context.nest;
    nest = value.nest;
  }
  return nest;
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
