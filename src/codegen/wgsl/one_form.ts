/**
 * oneForm: a shader whose addresses are written in the form that layers of any extents have in common: an invocation's number along
 * x in three digits, each address a multiple of each digit and of each counter around, and a test of the number around everything.
 * What is simpler in one layer, as a division by 1 or a test that always holds, is then a number among others, and not another text.
 */
import type { KernelExpr, KernelStatement } from "../../ir/kernel.ts";
import { childrenOfKernel, mapKernelExpr, registersSet } from "../../ir/kernel_parts.ts";
import { gridRegisters, type Shader } from "../../ir/shader.ts";
import { exactJson } from "../../support/exact_json.ts";
import { unreachable } from "../../support/invariant.ts";
import { i32, integer } from "../addresses.ts";
import { counterSum, type Digit, digitSum, type Sum, sumOf } from "./digits.ts";
import { registersOf } from "./registers.ts";

type Statements = readonly KernelStatement[];
type Known = ReadonlyMap<string, Sum>;
type Access = { readonly buffer: string; readonly address: KernelExpr };
/** Registers that begin a block: that of the whole shader, or of a loop. */
type Frame = { readonly counter: string | undefined; readonly sets: KernelStatement[]; readonly known: Map<string, string> };

const number = "number";
const digits = ["digit_0", "digit_1", "digit_2"] as const;

/** Undefined for a shader that has no such form: of more than three digits, of a grid in two dimensions, or whose invocations meet. */
export function oneForm(shader: Shader): Shader | undefined {
  const [width, ...others] = shader.workgroup;
  const isLine = [...others, ...shader.grid.slice(1)].every((extent) => extent === 1);
  if (!isLine || doesMeet(shader.body)) return undefined;
  const sums = knownSums(shader, width);
  const parameters = new Set(shader.parameters.map(({ name }) => name));
  const addressSum = ({ buffer, address }: Access): Sum | undefined => {
    const sum = parameters.has(buffer) ? sumOf(address, sums) : undefined;
    return sum && sum.digits.length > 0 ? sum : undefined;
  };
  const found = accessesOf(shader.body).flatMap((access) => addressSum(access)?.digits ?? []);
  const radices = radicesOf(found);
  if (!radices) return undefined;
  const [low, middle] = radices;
  const starts = [1, low, low * middle];
  const coordinate = integer("add", get(gridRegisters["invocation.x"]), integer("mul", get(gridRegisters["workgroup.x"]), i32(width)));
  const head: KernelStatement[] = [
    set(number, coordinate),
    set(digits[0], integer("mod", get(number), i32(low))),
    set(digits[1], integer("mod", integer("floordiv", get(number), i32(low)), i32(middle))),
    set(digits[2], integer("floordiv", get(number), i32(low * middle))),
  ];
  const made: string[] = [number, ...digits];
  const top: Frame = { counter: undefined, sets: head, known: new Map() };
  const body = live(rewrite(shader.body, [top]), head);
  if (made.some((name) => registersSet(shader.body).has(name))) return undefined;
  return { ...shader, body: [...head, tested(body, shader.grid[0] * width)] };

  function rewrite(statements: Statements, frames: readonly Frame[]): KernelStatement[] {
    const inExpr = (expr: KernelExpr): KernelExpr => {
      const inner = mapKernelExpr(expr, inExpr);
      return expr.kind === "load" && inner.kind === "load" ? { ...inner, address: addressIn(expr, frames) ?? inner.address } : inner;
    };
    return statements.map((statement): KernelStatement => {
      switch (statement.kind) {
        case "set":
        case "subgroup":
          return { ...statement, value: inExpr(statement.value) };
        case "store": {
          const value = inExpr(statement.value);
          return { ...statement, value, address: addressIn(statement, frames) ?? inExpr(statement.address) };
        }
        case "for": {
          const frame: Frame = { counter: statement.name, sets: [], known: new Map() };
          const inner = rewrite(statement.body, [...frames, frame]);
          return { ...statement, body: [...frame.sets, ...inner] };
        }
        case "if": {
          const limit = limitOf(statement.condition, sums);
          const condition = limit === undefined ? inExpr(statement.condition) : integer("lt", get(number), i32(limit));
          return {
            ...statement,
            condition,
            whenTrue: rewrite(statement.whenTrue, frames),
            otherwise: rewrite(statement.otherwise, frames),
          };
        }
        case "barrier":
          return statement;
        default:
          return unreachable(statement);
      }
    });
  }

  /** In a register of the innermost loop that the address depends on. */
  function addressIn(access: Access, frames: readonly Frame[]): KernelExpr | undefined {
    const sum = addressSum(access);
    if (!sum) return undefined;
    const depth = frames.findLastIndex(({ counter }) => counter !== undefined && sum.counters.has(counter));
    const base = register(top, `${access.buffer} ${exactJson([sum.digits, sum.constant])}`, () => {
      const parts = digits.map((name, i) => integer("mul", get(name), i32(coefficientOf(sum.digits, starts, i))));
      return integer(
        "add",
        parts.reduce((a, b) => integer("add", a, b)),
        i32(sum.constant),
      );
    });
    const frame = frames[depth];
    if (!frame) return base;
    return register(frame, `${access.buffer} ${exactJson([sum.digits, [...sum.counters], sum.constant])}`, () =>
      frames.reduce((value, { counter }) => {
        const step = counter === undefined ? undefined : sum.counters.get(counter);
        return counter === undefined || step === undefined ? value : integer("add", value, integer("mul", get(counter), i32(step)));
      }, base),
    );
  }

  function register(frame: Frame, key: string, value: () => KernelExpr): KernelExpr {
    const name = frame.known.get(key) ?? `at_${made.length - 1 - digits.length}`;
    if (!frame.known.has(key)) {
      frame.known.set(key, name);
      made.push(name);
      frame.sets.push(set(name, value()));
    }
    return get(name);
  }
}

/** What registers that are set once hold, and counters. */
function knownSums(shader: Shader, width: number): Known {
  const { isLet } = registersOf(shader.body);
  const known = new Map([
    [gridRegisters["invocation.x"], digitSum(1, width)],
    [gridRegisters["workgroup.x"], digitSum(width, Number.POSITIVE_INFINITY)],
  ]);
  const visit = (statements: Statements): void => {
    for (const statement of statements) {
      if (statement.kind === "set" && statement.type === "i32" && isLet(statement.name)) {
        const sum = sumOf(statement.value, known);
        if (sum) known.set(statement.name, sum);
      } else if (statement.kind === "for") {
        known.set(statement.name, counterSum(statement.name));
        visit(statement.body);
      } else if (statement.kind === "if") {
        visit(statement.whenTrue);
        visit(statement.otherwise);
      }
    }
  };
  visit(shader.body);
  return known;
}

/** The lowest two of three digits that all of these are made of; undefined if there is none or more are needed. */
function radicesOf(found: readonly Digit[]): readonly [number, number] | undefined {
  const places = found.flatMap(({ step, modulus }) => [step, step * modulus]);
  const cuts = [...new Set(places)].filter((place) => place !== 1 && Number.isFinite(place)).sort((a, b) => a - b);
  const [low, high = low] = cuts;
  if (low === undefined || high === undefined || cuts.length > 2 || high % low !== 0) return undefined;
  return [low, high / low];
}

function coefficientOf(found: readonly Digit[], starts: readonly number[], place: number): number {
  const start = starts[place] ?? 1;
  // A digit of radix 1 is always 0.
  if (starts[place + 1] === start) return 0;
  const covering = found.filter(({ step, modulus }) => step <= start && start < step * modulus);
  return covering.reduce((total, { step, coefficient }) => total + (coefficient * start) / step, 0);
}

/** The limit, where the condition is that an invocation's number is less than one. */
function limitOf(condition: KernelExpr, known: Known): number | undefined {
  if (condition.kind !== "apply" || condition.function !== "lt") return undefined;
  const [left, right] = condition.args;
  const sum = left && sumOf(left, known);
  if (right?.kind !== "constant" || sum?.digits.length !== 1 || sum.counters.size > 0 || sum.constant !== 0) return undefined;
  const [digit] = sum.digits;
  const isNumber = digit?.step === 1 && digit.modulus === Number.POSITIVE_INFINITY && digit.coefficient === 1;
  return isNumber ? right.value : undefined;
}

function tested(body: Statements, invocations: number): KernelStatement {
  const [only] = body;
  const isTested = body.length === 1 && only?.kind === "if" && only.otherwise.length === 0 && testsNumber(only.condition);
  if (isTested) return only;
  return { kind: "if", condition: integer("lt", get(number), i32(invocations)), whenTrue: body, otherwise: [] };
}

function testsNumber(condition: KernelExpr): boolean {
  const [left] = condition.kind === "apply" && condition.function === "lt" ? condition.args : [];
  return left?.kind === "get" && left.name === number;
}

/** Without registers of integers that neither these statements nor those before them read any more. */
function live(statements: Statements, before: Statements): Statements {
  const read = new Set<string>();
  const inExpr = (expr: KernelExpr): void => {
    if (expr.kind === "get") read.add(expr.name);
    childrenOfKernel(expr).forEach(inExpr);
  };
  visitExpressions([...before, ...statements], inExpr);
  let removed = false;
  const filter = (list: Statements): Statements =>
    list.flatMap((statement): KernelStatement[] => {
      if (statement.kind === "set" && statement.type === "i32" && !read.has(statement.name)) {
        removed = true;
        return [];
      }
      if (statement.kind === "for") return [{ ...statement, body: filter(statement.body) }];
      if (statement.kind === "if") return [{ ...statement, whenTrue: filter(statement.whenTrue), otherwise: filter(statement.otherwise) }];
      return [statement];
    });
  const kept = filter(statements);
  return removed ? live(kept, before) : kept;
}

function accessesOf(statements: Statements): Access[] {
  const found: Access[] = [];
  const inExpr = (expr: KernelExpr): void => {
    if (expr.kind === "load") found.push(expr);
    childrenOfKernel(expr).forEach(inExpr);
  };
  visitExpressions(statements, inExpr, (store) => found.push(store));
  return found;
}

function visitExpressions(statements: Statements, visit: (expr: KernelExpr) => void, store: (access: Access) => void = () => {}): void {
  for (const statement of statements) {
    if (statement.kind === "set") visit(statement.value);
    else if (statement.kind === "store") {
      store(statement);
      visit(statement.address);
      visit(statement.value);
    } else if (statement.kind === "for") visitExpressions(statement.body, visit, store);
    else if (statement.kind === "if") {
      visit(statement.condition);
      visitExpressions(statement.whenTrue, visit, store);
      visitExpressions(statement.otherwise, visit, store);
    }
  }
}

/** Whether all invocations of a workgroup must get to some statement together. */
function doesMeet(statements: Statements): boolean {
  return statements.some(
    (statement) =>
      statement.kind === "barrier" ||
      statement.kind === "subgroup" ||
      (statement.kind === "for" && doesMeet(statement.body)) ||
      (statement.kind === "if" && (doesMeet(statement.whenTrue) || doesMeet(statement.otherwise))),
  );
}

function set(name: string, value: KernelExpr): KernelStatement {
  return { kind: "set", name, type: "i32", value };
}

function get(name: string): KernelExpr {
  return { kind: "get", name, type: "i32" };
}
