/** A workload with fewer iterations along one axis, for reproductions: it reads less of its operands, which stay as they are, and its result is smaller. */
import type { Axis } from "../ir/expr.ts";
import { type Group, rootReduction } from "../ir/tensor.ts";
import { lowerToLoop } from "../passes/lower_to_loop.ts";
import { invariant } from "../support/invariant.ts";
import type { Workload } from "./workload.ts";

/** Names of the axes that can be made shorter, with their extents. */
export function axesOf({ group }: Workload): readonly Axis[] {
  const [first] = group.computes;
  invariant(first, `group ${group.name} has no compute`);
  // An iterator of extent 1 would have to be the constant 0 wherever it is read.
  return [...first.axes, ...(rootReduction(first)?.axes ?? [])].filter(({ extent }) => extent > 2);
}

/** Nothing where the result lies in other tensors' memory, or another nest is part of the workload: there the extents are tied to others. */
export function withExtent(workload: Workload, axis: string, extent: number): Workload | undefined {
  const { group, buffers } = workload;
  const result = buffers.get(group.name);
  if (!result || result.aliasOf !== undefined || result.overwrites !== undefined || workload.producer) return undefined;
  const place = group.computes[0]?.axes.findIndex(({ name }) => name === axis) ?? -1;
  const shorter: Group = {
    ...group,
    computes: group.computes.map((compute, i) => shortened(compute, i === 0 ? axis : undefined, place, extent)),
  };
  const shape = result.shape.map((old, d) => (d === place ? extent : old));
  const known = new Map(buffers).set(result.name, { ...result, shape });
  const program = { name: group.name, buffers: [...known.values()], groups: [shorter], inputs: [], outputs: [] };
  const nest = lowerToLoop(program).nests.find(({ name }) => name === group.name);
  invariant(nest, `${group.name} has no nest`);
  return { ...workload, key: `${workload.key} ${axis}=${extent}`, group: shorter, buffers: known, nest };
}

/** By name, and in what follows the first compute by place, for its axes are the first one's. */
function shortened(compute: Group["computes"][number], axis: string | undefined, place: number, extent: number): Group["computes"][number] {
  const reduction = rootReduction(compute);
  const axes = compute.axes.map((each, d) => (d === place ? { ...each, extent } : each));
  if (!reduction || axis === undefined) return { ...compute, axes };
  const reduced = reduction.axes.map((each) => (each.name === axis ? { ...each, extent } : each));
  return { ...compute, axes, value: { ...reduction, axes: reduced } };
}
