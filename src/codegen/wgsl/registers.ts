/** Where registers are declared: one that is set once, for what its block reads, is a `let`; others are variables of the innermost block around. */
import type { KernelExpr, KernelStatement, KernelType } from "../../ir/kernel.ts";
import { childrenOfKernel } from "../../ir/kernel_parts.ts";

type List = readonly KernelStatement[];

export type Registers = {
  /** Registers that a block declares before its statements, in the order in which they are set. */
  declaredIn(block: List): readonly { readonly name: string; readonly type: KernelType }[];
  isLet(name: string): boolean;
};

type Use = { type: KernelType; sets: number; setIn: List | undefined; path: readonly List[] };

export function registersOf(body: List): Registers {
  const uses = new Map<string, Use>();
  const counters = new Set<string>();
  const touch = (name: string, path: readonly List[], type: KernelType, isSet: boolean): void => {
    const use = uses.get(name) ?? { type, sets: 0, setIn: undefined, path };
    uses.set(name, use);
    use.path = commonPath(use.path, path);
    if (!isSet) return;
    use.type = type;
    use.sets++;
    use.setIn = path.at(-1);
  };
  const inExpr = (expr: KernelExpr, path: readonly List[]): void => {
    if (expr.kind === "get" && !counters.has(expr.name)) touch(expr.name, path, expr.type, false);
    for (const child of childrenOfKernel(expr)) inExpr(child, path);
  };
  const visit = (list: List, path: readonly List[]): void => {
    for (const statement of list) {
      switch (statement.kind) {
        case "set":
        case "subgroup":
          inExpr(statement.value, path);
          touch(statement.name, path, statement.type, true);
          break;
        case "store":
          inExpr(statement.address, path);
          inExpr(statement.value, path);
          break;
        case "for": {
          const known = counters.has(statement.name);
          counters.add(statement.name);
          visit(statement.body, [...path, statement.body]);
          if (!known) counters.delete(statement.name);
          break;
        }
        case "if":
          inExpr(statement.condition, path);
          visit(statement.whenTrue, [...path, statement.whenTrue]);
          visit(statement.otherwise, [...path, statement.otherwise]);
          break;
        case "barrier":
          break;
      }
    }
  };
  visit(body, [body]);
  const isLet = ({ sets, setIn, path }: Use) => sets === 1 && setIn === path.at(-1);
  const declared = new Map<List, { name: string; type: KernelType }[]>();
  for (const [name, use] of uses) {
    const block = use.path.at(-1);
    if (use.sets === 0 || isLet(use) || !block) continue;
    declared.set(block, [...(declared.get(block) ?? []), { name, type: use.type }]);
  }
  return {
    declaredIn: (block) => declared.get(block) ?? [],
    isLet: (name) => {
      const use = uses.get(name);
      return use !== undefined && isLet(use);
    },
  };
}

function commonPath(a: readonly List[], b: readonly List[]): readonly List[] {
  const differ = a.findIndex((list, depth) => list !== b[depth]);
  return differ < 0 ? a : a.slice(0, differ);
}
