/** Which registers of a shader may differ between the invocations of a workgroup, so that a branch on them is not taken by all together. */
import type { KernelExpr, KernelStatement } from "./kernel.ts";
import { childrenOfKernel } from "./kernel_parts.ts";

/** `coordinates` are registers that differ from the beginning; what is loaded from memory may, too. */
export function varyingRegisters(body: readonly KernelStatement[], coordinates: Iterable<string>): Set<string> {
  const varying = new Set(coordinates);
  let size = -1;
  // What a loop sets may be what its next iteration reads.
  while (varying.size > size) {
    size = varying.size;
    spread(body, false, varying);
  }
  return varying;
}

export function isVarying(expr: KernelExpr, varying: ReadonlySet<string>): boolean {
  if (expr.kind === "load") return true;
  if (expr.kind === "get" && varying.has(expr.name)) return true;
  return childrenOfKernel(expr).some((child) => isVarying(child, varying));
}

/** Whether invocations reduce what each has. */
export function usesSubgroups({ body }: { readonly body: readonly KernelStatement[] }): boolean {
  return body.some((statement) => {
    if (statement.kind === "for") return usesSubgroups(statement);
    if (statement.kind === "if") return usesSubgroups({ body: [...statement.whenTrue, ...statement.otherwise] });
    return statement.kind === "subgroup";
  });
}

function spread(statements: readonly KernelStatement[], apart: boolean, varying: Set<string>): void {
  for (const statement of statements) {
    switch (statement.kind) {
      case "set":
        if (apart || isVarying(statement.value, varying)) varying.add(statement.name);
        break;
      // A device takes what a subgroup has in common for what other subgroups of the workgroup may have otherwise.
      case "subgroup":
        varying.add(statement.name);
        break;
      case "for":
        spread(statement.body, apart, varying);
        break;
      case "if": {
        const inside = apart || isVarying(statement.condition, varying);
        spread(statement.whenTrue, inside, varying);
        spread(statement.otherwise, inside, varying);
        break;
      }
      case "store":
      case "barrier":
        break;
    }
  }
}
