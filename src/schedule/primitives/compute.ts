/** compute: a part of a tensor that another nest computes is computed here, where it is read. */
import { add, constantIndex, type Index, offset, variableIndex, variablesOf } from "../../ir/affine.ts";
import { constantExpr, type Expr, substituteVariables } from "../../ir/expr.ts";
import type { For, Statement } from "../../ir/loop.ts";
import { compared, loopsOf, rangesOfLoops } from "../nest.ts";
import { accept, clause, namingRefusals, type Primitive, refuse } from "../primitive.ts";
import { findProducer, loopName, type Producer, producerRefusals } from "../producer.ts";
import { inferRegion, type Region, type RegionPlan, regionRefusals, tileName, withTile } from "../region.ts";

type Plan = { readonly producer: Producer; readonly region: RegionPlan };

export const compute: Primitive<Plan> = {
  name: "compute",
  summary:
    "`compute TENSOR at LOOP` computes what the loops inside LOOP read of a tensor at its beginning, in a tile in memory, with loops of its own that are named TENSOR.LOOP (compute-at, fusion of producer and consumer); the region is inferred, and what lies in the border holds the border's value. The tile is TENSOR for later steps. What several iterations read is computed by each. The nest that computes the whole tensor goes once nothing else reads it.",
  syntax: "compute TENSOR at LOOP",
  refusals: { ...namingRefusals, ...regionRefusals, ...producerRefusals },
  examples: [
    {
      title: "rows of a product",
      source:
        "model m(x: f32[1, 6, 6, 4]) -> y: f32[1, 6, 6, 8] {\n  let a = depthwise_conv2d(x, @k: [3, 3, 4, 1] = he_normal, pad: same)\n  conv2d(a, @w: [1, 1, 4, 8] = he_normal)\n}",
      prepare: "",
      step: "compute a at oh",
    },
    {
      title: "a window of a border",
      source:
        "model m(x: f32[12]) -> y: f32[12] {\n  let a = tanh(x)\n  smoothed(a)\n}\nop smoothed(x: [n]) -> y: [n] { y[i] = sum(t in 3) (x[i + t - 1] else 0) * 0.25 }",
      prepare: "split i by 4",
      step: "compute a at i.o",
    },
  ],

  check(step, context) {
    const [tensor] = clause(step, "compute")?.arguments ?? [];
    const [at] = clause(step, "at")?.arguments ?? [];
    if (tensor === undefined || at === undefined)
      return refuse(step, context, { code: "bad-step", message: "`compute` names a tensor and a loop", help: "write `compute a at oh`" });
    const name = String(tensor);
    const producer = findProducer(step, name, context);
    if (!producer.value) return { diagnostics: producer.diagnostics };
    const { loops, axes } = producer.value;
    const added = [...loops.map((loop) => loopName(name, loop.name)), ...axes.map((_, d) => fillLoop(name, d))];
    const region = inferRegion(
      step,
      name,
      at,
      { what: `the tile of \`${name}\``, scope: "memory", tile: tileName(name), loops: added },
      context,
    );
    return region.value ? accept({ producer: producer.value, region: region.value }) : { diagnostics: region.diagnostics };
  },

  apply({ producer, region }, { nest, buffers }) {
    const name = producer.buffer.name;
    const places = region.region.map((_, d) => placeOf(producer, region.region, d));
    const isWhole = places.every((place) => place.isWhole);
    const isEmpty = places.some(({ loop }) => loop.extent === 0);
    const fill = isWhole ? [] : [fillStatement(producer, region.region)];
    const outer = rangesOfLoops(loopsOf(nest.body));
    const computed = isEmpty ? [] : [computeStatement(producer, places, outer)];
    const body = withTile(region, tileName(name), [...fill, ...computed], nest);
    const isApart = buffers.get(name)?.overwrites === undefined;
    return { nest: { ...nest, body }, buffers: isApart ? [] : [producer.buffer], nests: [] };
  },

  neighbours: () => [],
};

function fillLoop(tensor: string, dimension: number): string {
  return `${tensor}.fill.${dimension}`;
}

/** A dimension of the region: the loop over what of it lies in the tensor, where in the tile and in the tensor an iteration is. */
type Place = {
  readonly loop: For;
  readonly inTile: Index;
  readonly inTensor: Index;
  /** What says that an iteration is in the tensor, where the loops around decide. */
  readonly guards: readonly Expr[];
  readonly isWhole: boolean;
};

function placeOf({ buffer, axes }: Producer, region: Region, d: number): Place {
  const axis = axes[d] as For;
  const { base, start, extent } = region[d] as Region[number];
  const size = buffer.shape[d] ?? 1;
  const isWhole = start.low >= 0 && start.high + extent <= size;
  // Where the region stands still, what of it lies in the tensor is known.
  const isFixed = start.low === start.high;
  const from = isFixed ? Math.min(extent, Math.max(0, -start.low)) : 0;
  const to = isFixed ? Math.max(from, Math.min(extent, size - start.low)) : extent;
  const loop: For = { ...axis, name: loopName(buffer.name, axis.name), extent: to - from };
  const inTile = offset(loop.extent === 1 ? constantIndex(0) : variableIndex(loop.name), from);
  const inTensor = add(base, inTile);
  const low: Expr[] = isFixed || start.low >= 0 ? [] : [compared("ge", inTensor, 0)];
  const high: Expr[] = isFixed || start.high + extent <= size ? [] : [compared("lt", inTensor, size)];
  return { loop, inTile, inTensor, guards: [...low, ...high], isWhole };
}

/** The tile as the border is; what lies in the tensor is computed over it. */
function fillStatement({ buffer }: Producer, region: Region): Statement {
  const indices = region.map(({ extent }, d) => (extent === 1 ? constantIndex(0) : variableIndex(fillLoop(buffer.name, d))));
  const value = constantExpr(buffer.dtype, buffer.halo?.fill ?? 0);
  return region.reduceRight<Statement>(
    (body, { extent }, d) => ({ kind: "for", name: fillLoop(buffer.name, d), extent, mode: "serial", body }),
    { kind: "store", buffer: tileName(buffer.name), indices, value },
  );
}

/** The producer's loops over the region. A guard stands outside every loop that it does not depend on. */
function computeStatement(
  { buffer, loops, axes, leaf }: Producer,
  places: readonly Place[],
  outer: ReturnType<typeof rangesOfLoops>,
): Statement {
  const { name } = buffer;
  const own = loops.map((loop) => places[axes.indexOf(loop)]?.loop ?? { ...loop, name: loopName(name, loop.name) });
  const inner = rangesOfLoops(own);
  const ranges = { variable: (variable: string) => inner.variable(variable) ?? outer.variable(variable) };
  const moved = new Map(loops.map((loop, i) => [loop.name, places[axes.indexOf(loop)]?.inTensor ?? variableIndex((own[i] as For).name)]));
  const renamed = (expr: Expr) => substituteVariables(expr, (variable) => moved.get(variable), ranges);
  const target = { buffer: tileName(name), indices: places.map(({ inTile }) => inTile) };
  const statement: Statement =
    leaf.kind === "store"
      ? { ...leaf, ...target, value: renamed(leaf.value) }
      : {
          ...leaf,
          ...target,
          over: leaf.over.map((loop) => loopName(name, loop)),
          value: renamed(leaf.value),
          ...(leaf.where ? { where: renamed(leaf.where) } : {}),
          finish: renamed(leaf.finish),
        };
  const guarded = (body: Statement, guards: readonly Expr[]) =>
    guards.reduceRight<Statement>((within, condition) => ({ kind: "if", condition, body: within }), body);
  const isOutside = ({ loop, inTensor }: Place) => !variablesOf(inTensor).has(loop.name);
  const nested = own.reduceRight<Statement>((body, loop) => {
    const place = places.find((candidate) => candidate.loop === loop);
    return { ...loop, body: place && !isOutside(place) ? guarded(body, place.guards) : body };
  }, statement);
  return guarded(
    nested,
    places.filter(isOutside).flatMap(({ guards }) => guards),
  );
}
