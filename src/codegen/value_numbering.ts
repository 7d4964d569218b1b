/**
 * shareValues: a value that a kernel computes twice is computed once, before the statement that needs it first, in the
 * innermost block around all its uses (local value numbering; Muchnick, Advanced Compiler Design and Implementation, 12.4).
 * Only functions of floats and vectors: computing them has no effect and cannot fail, so that what two branches need may be
 * computed before both. Addresses are left alone: instructions carry their constants, and pointers advance with their loops.
 */
import type { KernelExpr, KernelStatement } from "../ir/kernel.ts";
import { childrenOfKernel, mapKernelExpr, registersSet } from "../ir/kernel_parts.ts";
import { typeOfKernel } from "../ir/kernel_type.ts";

type List = readonly KernelStatement[];
/** The blocks around a place, from the kernel's or the loop's body in. */
type Path = readonly List[];
type Value = { uses: number; home: Path; register?: string };

/** A walk over one body. Both walks number alike: equal numbers are equal values of the same registers' contents. */
type Walk = {
  readonly numbers: Map<string, number>;
  /** Counts what each register has held so far, for a name may be set several times. */
  readonly contents: Map<string, number>;
  /** Of expressions, until a register is set: a part is asked for again by everything that it is in. */
  known: Map<KernelExpr, number>;
};

function createWalk(numbers: Map<string, number>): Walk {
  return { numbers, contents: new Map(), known: new Map() };
}

export function shareValues(body: List, fresh: (stem: string) => string): List {
  const values = new Map<number, Value>();
  const numbers = new Map<string, number>();
  countUses(body, [body], values, createWalk(numbers));
  return rewrite(body, fresh, values, createWalk(numbers));
}

function countUses(list: List, path: Path, values: Map<number, Value>, walk: Walk): void {
  const visit = (expr: KernelExpr, isUse: boolean): void => {
    let isNew = true;
    if (isShareable(expr)) {
      const number = numberOf(expr, walk);
      const known = values.get(number);
      if (!known) values.set(number, { uses: 1, home: path });
      else {
        // Its parts move out with it, and stand there once however often it is used.
        known.home = commonPath(known.home, path);
        if (isUse) known.uses++;
        isNew = false;
      }
    }
    for (const child of valueParts(expr)) visit(child, isUse && isNew);
  };
  for (const statement of list) {
    switch (statement.kind) {
      case "set":
      case "subgroup":
        visit(statement.value, true);
        renew([statement.name], walk);
        break;
      case "store":
        visit(statement.value, true);
        break;
      case "if":
        visit(statement.condition, true);
        for (const branch of [statement.whenTrue, statement.otherwise]) {
          countUses(branch, [...path, branch], values, walk);
          renew(registersSet(branch), walk);
        }
        break;
      case "for":
        renew(registersSet([statement]), walk);
        break;
      case "barrier":
        break;
    }
  }
}

function rewrite(body: List, fresh: (stem: string) => string, values: Map<number, Value>, walk: Walk): List {
  const written = new Map<List, KernelStatement[]>();
  const change = (expr: KernelExpr): KernelExpr => {
    const value = isShareable(expr) ? values.get(numberOf(expr, walk)) : undefined;
    const type = typeOfKernel(expr);
    if (value?.register !== undefined) return { kind: "get", name: value.register, type };
    const changed = mapKernelExpr(expr, (child) => (valueParts(expr).includes(child) ? change(child) : child));
    const home = value && value.uses > 1 ? written.get(value.home.at(-1) as List) : undefined;
    if (!value || !home) return changed;
    value.register = fresh("t");
    home.push({ kind: "set", name: value.register, type, value: changed });
    return { kind: "get", name: value.register, type };
  };
  const go = (list: List): List => {
    const statements: KernelStatement[] = [];
    written.set(list, statements);
    for (const statement of list) {
      switch (statement.kind) {
        case "set":
        case "subgroup":
          statements.push({ ...statement, value: change(statement.value) });
          renew([statement.name], walk);
          break;
        case "store":
          statements.push({ ...statement, value: change(statement.value) });
          break;
        case "if": {
          const condition = change(statement.condition);
          const whenTrue = go(statement.whenTrue);
          renew(registersSet(statement.whenTrue), walk);
          const otherwise = go(statement.otherwise);
          renew(registersSet(statement.otherwise), walk);
          statements.push({ ...statement, condition, whenTrue, otherwise });
          break;
        }
        case "for":
          statements.push({ ...statement, body: shareValues(statement.body, fresh) });
          renew(registersSet([statement]), walk);
          break;
        case "barrier":
          statements.push(statement);
          break;
      }
    }
    return statements;
  };
  return go(body);
}

/** An address is no value: a load's is left as it is. */
function valueParts(expr: KernelExpr): readonly KernelExpr[] {
  return expr.kind === "load" ? [] : childrenOfKernel(expr);
}

function isShareable(expr: KernelExpr): boolean {
  const isFunction = expr.kind === "apply" || expr.kind === "multiply_add" || expr.kind === "select" || expr.kind === "convert";
  return isFunction && typeOfKernel(expr) !== "i32";
}

function numberOf(expr: KernelExpr, walk: Walk): number {
  const known = walk.known.get(expr);
  if (known !== undefined) return known;
  const parts = childrenOfKernel(expr).map((child) => numberOf(child, walk));
  const key = `${headOf(expr, walk)} ${parts.join(" ")}`;
  const number = walk.numbers.get(key) ?? walk.numbers.size;
  walk.numbers.set(key, number);
  walk.known.set(expr, number);
  return number;
}

function headOf(expr: KernelExpr, { contents }: Walk): string {
  switch (expr.kind) {
    case "constant":
      return `${expr.type} ${Object.is(expr.value, -0) ? "-0" : expr.value}`;
    case "get":
      return `get ${expr.name} ${contents.get(expr.name) ?? 0}`;
    case "base":
      return `base ${expr.buffer}`;
    case "load":
      return `load ${expr.type} ${expr.dtype} ${expr.buffer} ${expr.offset} ${expr.splat ?? false}`;
    case "apply":
      return `apply ${expr.function} ${expr.on}`;
    case "multiply_add":
      return `multiply_add ${expr.on}`;
    case "select":
    case "splat":
      return `${expr.kind} ${expr.type}`;
    case "extract":
    case "replace":
      return `${expr.kind} ${expr.type} ${expr.lane}`;
    case "convert":
      return `convert ${expr.from} ${expr.type}`;
    case "wrap":
      return `wrap ${expr.dtype}`;
    case "host":
      return `host ${expr.function}`;
  }
}

function renew(registers: Iterable<string>, walk: Walk): void {
  for (const name of registers) walk.contents.set(name, (walk.contents.get(name) ?? 0) + 1);
  walk.known = new Map();
}

function commonPath(a: Path, b: Path): Path {
  const differ = a.findIndex((list, depth) => list !== b[depth]);
  return differ < 0 ? a : a.slice(0, differ);
}
