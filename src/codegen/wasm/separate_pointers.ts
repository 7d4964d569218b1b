/**
 * separatePointers: accesses that do not lie side by side get pointers of their own, so that the distance between them is no
 * longer in the code. The rows of a tile then look alike however long a row is, and however it was told where each begins.
 */
import type { KernelExpr, KernelStatement } from "../../ir/kernel.ts";
import { stepOf } from "../../ir/kernel_addresses.ts";
import { childrenOfKernel, mapKernelExpr } from "../../ir/kernel_parts.ts";
import { unreachable } from "../../support/invariant.ts";
import { oneThread } from "./one_thread.ts";

type List = readonly KernelStatement[];

/** Bytes of the widest access: what begins this close to the one before lies side by side with it. */
const width = 16;
/** With more pointers in the place of one, an engine runs out of registers. */
const mostPointers = 6;

export type Separated = {
  readonly statements: List;
  /** Pointers that are not in what was given: as many bytes behind a register that is. */
  readonly derived: ReadonlyMap<string, { readonly register: string; readonly bytes: number }>;
};

/** Registers that are copied to each other, and the constants with which memory is accessed through them. */
type Family = { readonly members: Set<string>; readonly offsets: Set<number>; isPointer: boolean };

export function separatePointers(statements: List): Separated {
  const families = new Map<string, Family>();
  collect(statements, families);
  const starts = new Map<string, readonly number[]>();
  const derived = new Map<string, { register: string; bytes: number }>();
  for (const { members, offsets, isPointer } of new Set(families.values())) {
    const found = startsOf([...offsets]);
    if (!isPointer || found.length === 0 || found.length > mostPointers) continue;
    for (const register of members) {
      starts.set(register, found);
      for (const bytes of found) if (bytes !== 0) derived.set(nameOf(register, bytes), { register, bytes });
    }
  }
  const separated = separate(statements, starts);
  return { statements: inOrderOfUse(separated, firstUses(separated)), derived };
}

function nameOf(register: string, bytes: number): string {
  return bytes === 0 ? register : `${register} + ${bytes}`;
}

/** Where runs of offsets begin that lie side by side. */
function startsOf(offsets: readonly number[]): number[] {
  const sorted = [...offsets].sort((a, b) => a - b);
  return sorted.filter((offset, i) => i === 0 || offset - (sorted[i - 1] ?? 0) > width);
}

function familyOf(register: string, families: Map<string, Family>): Family {
  const known = families.get(register);
  if (known) return known;
  const alone: Family = { members: new Set([register]), offsets: new Set(), isPointer: true };
  families.set(register, alone);
  return alone;
}

function join(a: Family, b: Family, families: Map<string, Family>): void {
  if (a === b) return;
  for (const member of b.members) {
    a.members.add(member);
    families.set(member, a);
  }
  for (const offset of b.offsets) a.offsets.add(offset);
  a.isPointer &&= b.isPointer;
}

/** A pointer is only copied, advanced by a constant, and used as an address. */
function collect(list: List, families: Map<string, Family>): void {
  const other = (expr: KernelExpr): void => {
    if (expr.kind === "get") familyOf(expr.name, families).isPointer = false;
    else if (expr.kind === "load") access(expr);
    else for (const child of childrenOfKernel(expr)) other(child);
  };
  const access = ({ address, offset }: { readonly address: KernelExpr; readonly offset: number }): void => {
    if (address.kind === "get") familyOf(address.name, families).offsets.add(offset);
    else other(address);
  };
  for (const statement of list) {
    switch (statement.kind) {
      case "set": {
        const { value, name } = statement;
        if (stepOf(statement) !== undefined) break;
        if (statement.type === "i32" && value.kind === "get") join(familyOf(name, families), familyOf(value.name, families), families);
        else {
          familyOf(name, families).isPointer = false;
          other(value);
        }
        break;
      }
      case "store":
        access(statement);
        other(statement.value);
        break;
      case "for":
        familyOf(statement.name, families).isPointer = false;
        collect(statement.body, families);
        break;
      case "if":
        other(statement.condition);
        collect(statement.whenTrue, families);
        collect(statement.otherwise, families);
        break;
      case "barrier":
      case "subgroup":
        oneThread();
        break;
      default:
        unreachable(statement);
    }
  }
}

/** Every register of a family in as many as it has starts. */
function separate(list: List, starts: ReadonlyMap<string, readonly number[]>): KernelStatement[] {
  const place = <T extends { readonly address: KernelExpr; readonly offset: number }>(access: T): T => {
    const { address, offset } = access;
    const own = address.kind === "get" ? starts.get(address.name) : undefined;
    if (!own || address.kind !== "get") return { ...access, address: go(address) };
    const start = own.findLast((candidate) => candidate <= offset) ?? 0;
    return { ...access, address: { ...address, name: nameOf(address.name, start) }, offset: offset - start };
  };
  const go = (expr: KernelExpr): KernelExpr => (expr.kind === "load" ? place(expr) : mapKernelExpr(expr, go));
  return list.flatMap((statement): KernelStatement[] => {
    switch (statement.kind) {
      case "set": {
        const own = starts.get(statement.name);
        if (!own) return [{ ...statement, value: go(statement.value) }];
        const at = (expr: KernelExpr, start: number): KernelExpr =>
          expr.kind === "get" ? { ...expr, name: nameOf(expr.name, start) } : mapKernelExpr(expr, (child) => at(child, start));
        return own.map((start) => ({ ...statement, name: nameOf(statement.name, start), value: at(statement.value, start) }));
      }
      case "store":
        return [{ ...place(statement), value: go(statement.value) }];
      case "for":
        return [{ ...statement, body: separate(statement.body, starts) }];
      case "if": {
        const [whenTrue, otherwise] = [separate(statement.whenTrue, starts), separate(statement.otherwise, starts)];
        return [{ ...statement, condition: go(statement.condition), whenTrue, otherwise }];
      }
      case "barrier":
      case "subgroup":
        return oneThread();
      default:
        return unreachable(statement);
    }
  });
}

/** For each pointer, which access is the first through it, or through what is copied from it. */
function firstUses(statements: List): Map<string, number> {
  const uses = new Map<string, number>();
  const copies: { readonly to: string; readonly from: string }[] = [];
  let accesses = 0;
  const visit = (expr: KernelExpr): void => {
    if (expr.kind === "load") access(expr.address);
    else for (const child of childrenOfKernel(expr)) visit(child);
  };
  const access = (address: KernelExpr): void => {
    if (address.kind === "get" && !uses.has(address.name)) uses.set(address.name, accesses++);
    else visit(address);
  };
  const walk = (list: List): void => {
    for (const statement of list) {
      if (statement.kind === "set" && statement.value.kind === "get") copies.push({ to: statement.name, from: statement.value.name });
      else if (statement.kind === "set") visit(statement.value);
      else if (statement.kind === "for") walk(statement.body);
      else if (statement.kind === "store") {
        visit(statement.value);
        access(statement.address);
      } else if (statement.kind === "if") {
        visit(statement.condition);
        walk([...statement.whenTrue, ...statement.otherwise]);
      } else oneThread();
    }
  };
  walk(statements);
  // Loops copy from the pointers of the loops around them: as many rounds as loops lie in each other.
  for (let isSettled = false; !isSettled; ) {
    isSettled = true;
    for (const { to, from } of copies) {
      const use = Math.min(uses.get(to) ?? Infinity, uses.get(from) ?? Infinity);
      if (use === (uses.get(from) ?? Infinity)) continue;
      uses.set(from, use);
      isSettled = false;
    }
  }
  return uses;
}

/** Copies and advances that stand side by side, and do not depend on each other, in the order in which their pointers are used. */
function inOrderOfUse(list: List, uses: ReadonlyMap<string, number>): KernelStatement[] {
  const ordered: KernelStatement[] = [];
  let run: Extract<KernelStatement, { kind: "set" }>[] = [];
  const finish = () => {
    const written = new Set(run.map(({ name }) => name));
    const isFree = run.every(({ value }) => value.kind !== "get" || !written.has(value.name)) && written.size === run.length;
    ordered.push(...(isFree ? run.toSorted((a, b) => (uses.get(a.name) ?? 0) - (uses.get(b.name) ?? 0)) : run));
    run = [];
  };
  for (const statement of list) {
    const isMove = statement.kind === "set" && (statement.value.kind === "get" || stepOf(statement) !== undefined);
    if (isMove && uses.has(statement.name)) {
      run.push(statement);
      continue;
    }
    finish();
    if (statement.kind === "for") ordered.push({ ...statement, body: inOrderOfUse(statement.body, uses) });
    else if (statement.kind === "if")
      ordered.push({
        ...statement,
        whenTrue: inOrderOfUse(statement.whenTrue, uses),
        otherwise: inOrderOfUse(statement.otherwise, uses),
      });
    else ordered.push(statement);
  }
  finish();
  return ordered;
}
