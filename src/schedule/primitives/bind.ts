/** bind: the iterations of a loop run at the same time, on the workgroups of a GPU's grid or on the invocations of a workgroup. */
import { type For, type GridAxis, gridAxes, isGridAxis, isInvocation } from "../../ir/loop.ts";
import { carriedBy, dependencesOf, meetsOutside, readsItsResult } from "../dependence.ts";
import { leavesOf, loopsOf, replaceLoop } from "../nest.ts";
import { accept, changed, clause, modeRefusals, namingRefusals, type Primitive, refuse, serialLoop } from "../primitive.ts";
import { missedTile, workgroupTiles } from "../workgroup_tile.ts";

type Plan = { readonly loop: For; readonly axis: GridAxis };

export const bind: Primitive<Plan> = {
  name: "bind",
  summary:
    "Gives each iteration of a loop a workgroup or an invocation of its own, by one coordinate of the grid (thread binding, mapping to blocks and threads). The iterations are proven independent. Loops side by side may take the same coordinate. For WebGPU; other targets run the loop in order.",
  syntax: "bind LOOP to workgroup.x|workgroup.y|workgroup.z|invocation.x|invocation.y|invocation.z",
  refusals: {
    ...namingRefusals,
    ...modeRefusals,
    "bind-axis": "there is no coordinate of that name",
    "bind-twice": "a loop around or inside has that coordinate",
    "bind-reduction": "the loop is reduced over",
    "bind-dependence": "an iteration of the loop needs another one, or both write one element",
    "bind-apart": "statements outside the loop and inside it touch one element, and nothing would keep their order",
    "bind-shared": "a tile that a workgroup shares is inside the loop, or some invocations would not come by one",
    "bind-tile": "the loop stands inside a tile, of which every invocation has one of its own",
  },
  examples: [
    {
      title: "workgroups of four invocations",
      source: "model m(x: f32[16]) -> y: f32[16] { relu(x) }",
      prepare: "split i0 by 4; bind i0.o to workgroup.x",
      step: "bind i0.i to invocation.x",
    },
  ],

  check(step, context) {
    const [name] = clause(step, "bind")?.arguments ?? [];
    const [axis] = clause(step, "to")?.arguments ?? [];
    if (name === undefined || axis === undefined)
      return refuse(step, context, {
        code: "bad-step",
        message: "`bind` names a loop and a coordinate",
        help: "write `bind oh to workgroup.y`",
      });
    if (typeof axis !== "string" || !isGridAxis(axis))
      return refuse(step, context, {
        code: "bind-axis",
        message: `there is no coordinate \`${axis}\``,
        help: `take one of ${gridAxes.join(", ")}`,
      });
    const { value: loop, diagnostics } = serialLoop(step, name, context, () => "leave this step out, or split the loop first");
    if (!loop) return { diagnostics };
    const { nest, buffers } = context;
    const leaves = leavesOf(nest.body);
    const related = leaves.filter((leaf) => leaf.loops.includes(loop)).flatMap((leaf) => leaf.loops);
    const other = [...related, ...loopsOf(loop.body)].find(({ mode }) => mode === axis);
    if (other)
      return refuse(step, context, {
        code: "bind-twice",
        message: `\`${other.name}\` is already bound to ${axis}, and \`${loop.name}\` is ${loopsOf(loop.body).includes(other) ? "around" : "inside"} it`,
        help: "take another coordinate, or fuse the loops",
        loops: [loop.name, other.name],
      });
    const reduced = leaves.some(
      ({ statement, loops }) => loops.includes(loop) && statement.kind === "reduce" && statement.over.includes(loop.name),
    );
    if (reduced)
      return refuse(step, context, {
        code: "bind-reduction",
        message: `\`${loop.name}\` is reduced over: its iterations add to one element`,
        help: "take a loop of the result, or first `rfactor` the loop",
        loops: [loop.name],
      });
    const shared = new Set(workgroupTiles(nest.body).map((tile) => tile.name));
    const inTile = leaves.some(({ loops, locals }) =>
      [...locals].some(([tile, depth]) => depth <= loops.indexOf(loop) && !(shared.has(tile) && isInvocation(axis))),
    );
    if (inTile)
      return refuse(step, context, {
        code: "bind-tile",
        message: `\`${loop.name}\` stands inside a tile, of which every invocation would have one of its own`,
        help: "bind before the tile is staged, or stage further in",
        loops: [loop.name],
      });
    const [inside] = workgroupTiles(loop);
    if (inside && isInvocation(axis))
      return refuse(step, context, {
        code: "bind-shared",
        message: `\`${inside.name}\`, which a workgroup shares, is filled for one iteration of \`${loop.name}\``,
        help: "bind before the tile is staged",
        loops: [loop.name],
      });
    const missed = missedTile(replaceLoop(nest.body, loop.name, (found) => ({ ...found, mode: axis })));
    if (missed)
      return refuse(step, context, {
        code: "bind-shared",
        message: `not every invocation would come by a tile that they share: ${missed.reason}`,
        help: "bind a loop of the same extent",
        loops: [loop.name, missed.loop],
      });
    const carried = carriedBy(loop.name, dependencesOf(nest, buffers, "apart")) ?? readsItsResult(nest, buffers);
    if (carried)
      return refuse(step, context, {
        code: "bind-dependence",
        message: `iterations of \`${loop.name}\` depend on each other: ${carried.reason}`,
        help: "take a loop whose iterations are independent",
        loops: [loop.name],
      });
    const apart = meetsOutside(loop, nest, buffers, shared);
    if (apart)
      return refuse(step, context, {
        code: "bind-apart",
        message: `nothing would keep the order of what is inside \`${loop.name}\` and what is not: ${apart}`,
        help: "take a loop around both",
        loops: [loop.name],
      });
    return accept({ loop, axis });
  },

  apply({ loop, axis }, { nest }) {
    return changed(
      nest,
      replaceLoop(nest.body, loop.name, (found) => ({ ...found, mode: axis })),
    );
  },

  neighbours: () => [],
};
