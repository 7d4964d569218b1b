/**
 * Tiles that a workgroup shares. Its invocations wait for each other between those who fill a tile and those who read it, so that all of
 * them must come by: loops around that are bound to invocations have no iteration more elsewhere, and no guard leaves some of them out.
 */
import { type Expr, tensorsRead, variablesOfExpr } from "../ir/expr.ts";
import { type For, isInvocation, type Statement } from "../ir/loop.ts";
import { childStatements } from "../ir/loop_accesses.ts";
import { loopsOf } from "./nest.ts";

/** A tile with the loops around it that are bound to invocations, and the guards. */
type SharedTile = { readonly name: string; readonly invocations: readonly For[]; readonly guards: readonly Expr[] };

export function workgroupTiles(statement: Statement, around: Omit<SharedTile, "name"> = { invocations: [], guards: [] }): SharedTile[] {
  const below = (inner: typeof around) => childStatements(statement).flatMap((child) => workgroupTiles(child, inner));
  switch (statement.kind) {
    case "for":
      return below(isInvocation(statement.mode) ? { ...around, invocations: [...around.invocations, statement] } : around);
    case "if":
      return below({ ...around, guards: [...around.guards, statement.condition] });
    case "local": {
      const own = statement.scope === "workgroup" ? [{ name: statement.name, ...around }] : [];
      return [...own, ...below(around)];
    }
    default:
      return below(around);
  }
}

/** Why some invocations would not come by a tile that they share, and the loop that is to blame. */
export function missedTile(body: Statement): { readonly reason: string; readonly loop: string } | undefined {
  const loops = loopsOf(body);
  for (const { name, invocations, guards } of workgroupTiles(body)) {
    for (const loop of invocations) {
      const longer = loops.find((other) => other.mode === loop.mode && other.extent > loop.extent);
      if (longer)
        return {
          reason: `\`${longer.name}\` has ${longer.extent} invocations along ${loop.mode}, of which ${loop.extent} come by \`${name}\``,
          loop: loop.name,
        };
      if (guards.some((guard) => variablesOfExpr(guard).has(loop.name) || tensorsRead(guard).size > 0))
        return { reason: `a guard around \`${name}\` leaves out iterations of \`${loop.name}\``, loop: loop.name };
    }
  }
  return undefined;
}
