/**
 * shareCode: kernels as functions, and what several of them have in common as functions of its own. Code that differs only in the
 * extents of its loops and the constants of its addresses is common: those numbers become parameters.
 * An engine runs a function in its baseline tier, some five times slower, until it has run long enough to be compiled again, and a
 * call that began in that tier ends in it. Layers that share their code share its compilation, and with a call for each tile of
 * rows the second tier takes over in the middle of a layer; which is why a long layer that is like no other is taken apart, too.
 * What is apart can also be called before there is work, with nothing to do, so that the second tier is at it while weights arrive.
 */
import type { Kernel, KernelExpr, KernelStatement, KernelType } from "../../ir/kernel.ts";
import { childrenOfKernel, registersSet } from "../../ir/kernel_parts.ts";
import { exactJson } from "../../support/exact_json.ts";
import { unreachable } from "../../support/invariant.ts";
import { i32, integer } from "../addresses.ts";
import {
  type Call,
  countedLoop,
  hasLoop,
  kernelFunction,
  type Register,
  type Rewriting,
  rewriteStatements,
  type WasmFunction,
  type WasmStatement,
} from "./function.ts";
import { oneThread } from "./one_thread.ts";
import { type Separated, separatePointers } from "./separate_pointers.ts";

type List = readonly KernelStatement[];

/** Statements that a call executes at least, for what the call costs to be a percent or two of them. */
const worthwhile = 3000;
/** Statements that a kernel executes in a stretch at least, for it to be a function although no other has the like. */
const long = 200_000;
/** A few arguments are passed in registers, and the rest go through memory. */
const mostParameters = 40;
/**
 * Loops of one iteration around what is shared. V8 unrolls an innermost loop the more often the deeper it lies (up to 12.4; its
 * LoopUnrollingAnalyzer), and does not see that the number of iterations, a parameter, is always one.
 */
const nesting = 3;
/** V8 counts the bytes of baseline code that loops go back over, and compiles at 13 million: 12,000 rounds of the 1 to 4 kB that these functions have. */
const warmUpRounds = 12_000;

/** Statements side by side that could be a function. `text` is equal where only `numbers` differ. */
type Region = {
  readonly kernel: Kernel;
  /** As they stand in the kernel. */
  readonly statements: List;
  /** Statements that one run of the kernel executes in it. */
  readonly executed: number;
  /** With the pointers of the function: one for each row, or as they are. */
  readonly body: List;
  readonly text: string;
  readonly numbers: readonly number[];
  /** Values from outside, in the order in which they are met. */
  readonly given: readonly { readonly register: Register; readonly argument: KernelExpr }[];
};

export type SharingOptions = {
  /**
   * Each row of a tile has a pointer of its own, so that code is common however far apart rows are. Engines that do not fuse multiplication
   * and addition have twice the arithmetic to issue, and each addition to a pointer beside it takes time: there, pointers stay as they are.
   */
  readonly separate: boolean;
  /** Statements that a call executes at least; Infinity shares nothing. */
  readonly least?: number | undefined;
};

export type SharedCode = {
  readonly functions: readonly WasmFunction[];
  /** Calls that compute nothing: made beforehand, they have the engine's optimising tier compile the functions on its own threads. */
  readonly warmUp: readonly Call[];
};

export function shareCode(
  kernels: readonly Kernel[],
  nameOf: (kernel: string) => string,
  { separate, least = worthwhile }: SharingOptions,
): SharedCode {
  const groups = new Map<string, Region[]>();
  for (const kernel of kernels)
    for (const { statements, executed } of regionsIn(kernel.body, kernel, least, 1)) {
      const region = describe(statements, executed, kernel, separate ? separatePointers(statements) : asTheyAre(statements));
      const known = groups.get(region.text);
      if (known) known.push(region);
      else groups.set(region.text, [region]);
    }
  const shared: WasmFunction[] = [];
  const calls = new Map<KernelStatement, { readonly call: Call; readonly count: number }>();
  for (const alike of groups.values()) {
    const [only] = alike.length === 1 ? alike : [];
    if (only && only.executed < long) continue;
    // What no other is like keeps its pointers as they are.
    const regions = only ? [describe(only.statements, only.executed, only.kernel, asTheyAre(only.statements))] : alike;
    const made = makeFunction(regions, `shared ${shared.length}`, separate);
    if (made.function.parameters.length > mostParameters) continue;
    shared.push(made.function);
    regions.forEach(({ statements }, i) => {
      const call: Call = { kind: "call", function: made.function.name, arguments: made.arguments[i] ?? [] };
      calls.set(statements[0] as KernelStatement, { call, count: statements.length });
    });
  }
  const entries = kernels.map((kernel) => kernelFunction(kernel, nameOf(kernel.name), (statement) => calls.get(statement)));
  return { functions: [...shared, ...entries], warmUp: shared.map(warmUpCall) };
}

/** The innermost stretches of statements with work enough. Integers set at either end are left outside: they are where addresses differ. */
function regionsIn(list: List, kernel: Kernel, least: number, times: number): { statements: List; executed: number }[] {
  const inside = list.map((statement) =>
    statement.kind === "for" ? regionsIn(statement.body, kernel, least, times * statement.extent) : [],
  );
  const runs: KernelStatement[][] = [[]];
  list.forEach((statement, i) => {
    const isInteger = statement.kind === "set" && statement.type === "i32";
    if (isInteger || inside[i]?.length) runs.push([]);
    else runs.at(-1)?.push(statement);
  });
  const own = runs.filter((run) => hasLoop(run) && work(run) >= least && canMove(run, list, kernel));
  return [...inside.flat(), ...own.map((statements) => ({ statements, executed: times * work(statements) }))];
}

/** Statements executed; a branch counts as taken. */
function work(list: List): number {
  return list.reduce((sum, statement) => {
    if (statement.kind === "for") return sum + statement.extent * work(statement.body);
    return sum + (statement.kind === "if" ? Math.max(work(statement.whenTrue), work(statement.otherwise)) : 1);
  }, 0);
}

/** Whether no register that the run sets is read elsewhere, or carries a value from one time to the next. */
function canMove(run: readonly KernelStatement[], list: List, kernel: Kernel): boolean {
  const own = new Set<KernelStatement>(run);
  const begin = list.indexOf(run[0] as KernelStatement);
  const setBefore = registersSet(list.slice(0, begin));
  const outside = usesOf(kernel.body, own);
  return [...registersSet(run)].every((name) => !outside.read.has(name) && (!outside.set.has(name) || setBefore.has(name)));
}

type Uses = { readonly read: Set<string>; readonly set: Set<string> };

/** Registers that statements other than those to skip read and set. */
function usesOf(list: List, skip: ReadonlySet<KernelStatement>, uses: Uses = { read: new Set(), set: new Set() }): Uses {
  const read = (expr: KernelExpr): void => {
    if (expr.kind === "get") uses.read.add(expr.name);
    for (const child of childrenOfKernel(expr)) read(child);
  };
  for (const statement of list) {
    if (skip.has(statement)) continue;
    switch (statement.kind) {
      case "set":
        read(statement.value);
        uses.set.add(statement.name);
        break;
      case "store":
        read(statement.address);
        read(statement.value);
        break;
      case "for":
        uses.set.add(statement.name);
        usesOf(statement.body, skip, uses);
        break;
      case "if":
        read(statement.condition);
        usesOf([...statement.whenTrue, ...statement.otherwise], skip, uses);
        break;
      case "barrier":
      case "subgroup":
        return oneThread();
      default:
        unreachable(statement);
    }
  }
  return uses;
}

function asTheyAre(statements: List): Separated {
  return { statements, derived: new Map() };
}

function describe(statements: List, executed: number, kernel: Kernel, { statements: separated, derived }: Separated): Region {
  const numbers: number[] = [];
  const given: Region["given"][number][] = [];
  const outside = usesOf(kernel.body, new Set(statements)).set;
  const number = (value: number) => {
    numbers.push(value);
    return i32(0);
  };
  const body = rewriteStatements(separated, {
    ...renaming((register, argument) => {
      const begin = argument.kind === "get" ? derived.get(argument.name) : undefined;
      const name = begin?.register ?? (argument.kind === "get" ? argument.name : "");
      if (argument.kind === "get" && !outside.has(name)) return;
      given.push({ register, argument: begin ? integer("add", { kind: "get", name, type: "i32" }, i32(begin.bytes)) : argument });
    }),
    extent: number,
    term: number,
    offset: (value, isInner) => {
      // In an innermost loop another addition for each access would cost more than the sharing gives.
      if (isInner) return { offset: value };
      numbers.push(value);
      return { offset: 0 };
    },
  });
  return { kernel, statements, executed, body: separated, text: exactJson(body), numbers, given };
}

/** Registers, and the addresses where buffers begin, under names that depend only on where they are met. */
function renaming(meet: (register: Register, argument: KernelExpr) => void): Pick<Rewriting, "register" | "buffer" | "base"> {
  const registers = new Map<string, string>();
  const buffers = new Map<string, string>();
  const bases = new Map<string, Register>();
  return {
    register: (name, type) => {
      const known = registers.get(name);
      if (known !== undefined) return known;
      const renamed = `r${registers.size}`;
      registers.set(name, renamed);
      meet({ name: renamed, type }, { kind: "get", name, type });
      return renamed;
    },
    buffer: (name) => {
      const renamed = buffers.get(name) ?? `b${buffers.size}`;
      buffers.set(name, renamed);
      return renamed;
    },
    base: (buffer) => {
      const known = bases.get(buffer);
      if (known) return { kind: "get", ...known };
      const register: Register = { name: `base${bases.size}`, type: "i32" };
      bases.set(buffer, register);
      meet(register, { kind: "base", buffer });
      return { kind: "get", ...register };
    },
  };
}

/** A call that goes round the outermost loop and past all that is in it, so often that the engine compiles the function again. */
function warmUpCall({ name, parameters }: WasmFunction): Call {
  const zeros = parameters.slice(0, -1).map(({ type }): KernelExpr => ({ kind: "constant", type, value: 0 }));
  return { kind: "call", function: name, arguments: [...zeros, i32(warmUpRounds)] };
}

type Parameter = Register & { readonly values: readonly number[] };

/** One function for all of the regions, and the arguments with which it is each of them. */
function makeFunction(
  regions: readonly Region[],
  name: string,
  separate: boolean,
): { readonly function: WasmFunction; readonly arguments: KernelExpr[][] } {
  const [first] = regions as [Region];
  const parameters: Parameter[] = [];
  const parameterFor = (values: readonly number[], mayDiffer: boolean): { readonly parameter: Parameter; readonly less: number } => {
    for (const parameter of parameters) {
      const less = (values[0] ?? 0) - (parameter.values[0] ?? 0);
      const isShifted = values.every((value, i) => value - (parameter.values[i] ?? 0) === less);
      if (isShifted && (less === 0 || (mayDiffer && less > 0))) return { parameter, less };
    }
    const parameter: Parameter = { name: `n${parameters.length}`, type: "i32", values };
    parameters.push(parameter);
    return { parameter, less: 0 };
  };
  let slot = 0;
  const next = (): readonly number[] | undefined => {
    const values = regions.map(({ numbers }) => numbers[slot] ?? 0);
    slot++;
    return values.some((value) => value !== values[0]) ? values : undefined;
  };
  const number = (value: number): KernelExpr => {
    const values = next();
    return values ? getOf(parameterFor(values, false).parameter) : i32(value);
  };
  const body: WasmStatement[] = rewriteStatements(first.body, {
    ...renaming(() => {}),
    extent: number,
    term: number,
    offset: (value, isInner) => {
      const values = isInner ? undefined : next();
      if (!values) return { offset: value };
      const { parameter, less } = parameterFor(values, true);
      return { added: getOf(parameter), offset: less };
    },
  });
  const once: Parameter = { name: "once", type: "i32", values: regions.map(() => 1) };
  const loopOnce = (inner: readonly WasmStatement[], depth: number) => countedLoop(`once${depth}`, getOf(once), inner);
  const nested = Array.from({ length: nesting - 1 }, (_, depth) => depth).reduce(loopOnce, body);
  const isOnce: KernelExpr = { kind: "apply", function: "eq", on: "i32", args: [getOf(once), i32(1)] };
  parameters.push(once);
  const given = first.given.map(({ register }) => register);
  const begin = separate ? [] : given.filter(({ type }) => type === "i32").map((register) => asSum(register, once));
  const values = regions.map((_, i) => parameters.map((parameter) => i32(parameter.values[i] ?? 0)));
  return {
    function: {
      name,
      parameters: [...given, ...parameters],
      body: loopOnce([{ kind: "if", condition: isOnce, whenTrue: [...begin, ...nested], otherwise: [] }], nesting - 1),
    },
    arguments: regions.map(({ given }, i) => [...given.map(({ argument }) => argument), ...(values[i] ?? [])]),
  };
}

/**
 * The register plus `once` - 1, which is zero. V8 (11.3) takes the upper half of a parameter's register for unknown and clears it at every
 * load, in the innermost loop too, which costs an instruction for each pointer; of a sum it knows that it is clear.
 */
function asSum(register: Register, once: Register): WasmStatement {
  const zero = integer("add", getOf(once), i32(-1));
  return { kind: "set", name: register.name, type: register.type, value: integer("add", getOf(register), zero) };
}

function getOf({ name, type }: { readonly name: string; readonly type: KernelType }): KernelExpr {
  return { kind: "get", name, type };
}
