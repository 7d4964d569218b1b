/** Inside one kernel: types, registers set before they are read, accesses that can be told to leave their buffer. */
import { dtypes } from "./dtype.ts";
import type { Kernel, KernelExpr, KernelStatement, KernelType } from "./kernel.ts";
import { addressRange, advancedBy, type Linear, type LinearScope, linearOf, stepOf } from "./kernel_addresses.ts";
import { applicationType, holds, kernelTypes, splatType, withElement } from "./kernel_type.ts";
import { printNumber } from "./print_literal.ts";
import { type ScalarRecord, scalarFunctions } from "./scalar_functions.ts";
import { isVarying, varyingRegisters } from "./uniformity.ts";
import { isShape, type Report, requireUnique } from "./verify_report.ts";

/** What is looked at; a shader's arrays count as parameters, and `grid` has its coordinates. */
type Checkable = Pick<Kernel, "name" | "parameters" | "body"> & {
  readonly grid?: readonly { readonly register: string; readonly extent: number }[];
};

type Body = {
  readonly kernel: Checkable;
  readonly report: Report;
  /** Bytes that every call gives a parameter. */
  readonly sizes: ReadonlyMap<string, number>;
  /** The type that a register's first assignment gave it, and the counters of loops. */
  readonly types: Map<string, KernelType>;
  readonly counters: Set<string>;
  /** Registers that are assigned once and hold an address, and the loops around. */
  readonly linear: LinearScope;
  /** Registers that may differ between the invocations of a workgroup, and how many branches on such are around. */
  readonly varying: ReadonlySet<string>;
  apart: number;
  /** Registers in `linear.known`, in the order in which they became known. */
  readonly learned: string[];
};

/** The lanes of each register that surely hold a value: 15 is all four, or a scalar. */
type Assigned = Map<string, number>;

const everyLane = 15;

export function checkKernelBody(kernel: Checkable, sizes: ReadonlyMap<string, number>, report: Report): void {
  requireUnique(
    kernel.parameters.map((parameter) => parameter.name),
    "parameter-twice",
    `\`${kernel.name}\`: the parameter`,
    report,
  );
  const coordinates = (kernel.grid ?? []).map(({ register, extent }) => [register, extent] as const);
  const linear: LinearScope = { loops: new Map(coordinates), known: new Map(), assignments: countAssignments(kernel.body) };
  const registers = coordinates.map(([register]) => register);
  const varying = varyingRegisters(
    kernel.body,
    registers.filter((register) => register.startsWith("invocation")),
  );
  const counters = new Set(registers);
  const body: Body = { kernel, report, sizes, types: new Map(), counters, linear, varying, apart: 0, learned: [] };
  checkStatements(kernel.body, new Map(registers.map((register) => [register, everyLane])), body, false);
}

function countAssignments(statements: readonly KernelStatement[], counts = new Map<string, number>()): Map<string, number> {
  for (const statement of statements) {
    if (statement.kind === "set" || statement.kind === "subgroup") counts.set(statement.name, (counts.get(statement.name) ?? 0) + 1);
    else if (statement.kind === "for") countAssignments(statement.body, counts);
    else if (statement.kind === "if") countAssignments([...statement.whenTrue, ...statement.otherwise], counts);
  }
  return counts;
}

function complain(body: Body, code: string, message: string): void {
  body.report.add(code, `\`${body.kernel.name}\`: ${message}`);
}

function checkStatements(statements: readonly KernelStatement[], assigned: Assigned, body: Body, guarded: boolean): void {
  /** Addresses that registers begin with in this block, for the loops in it that advance them. */
  const begun = new Map<string, Linear>();
  for (const statement of statements) {
    checkStatement(statement, assigned, body, guarded, begun);
    const linear = statement.kind === "set" ? linearOf(statement.value, body.linear) : undefined;
    if (statement.kind === "set" && linear) begun.set(statement.name, linear);
  }
}

function checkStatement(
  statement: KernelStatement,
  assigned: Assigned,
  body: Body,
  guarded: boolean,
  begun: ReadonlyMap<string, Linear>,
): void {
  switch (statement.kind) {
    case "set":
      checkSet(statement, assigned, body, guarded);
      return;
    case "store": {
      const { type, value } = statement;
      checkAccess(statement, assigned, body, guarded, true);
      const actual = check(value, assigned, body, guarded);
      if (actual !== type) complain(body, "store-type", `a store of ${type} is given ${actual}`);
      return;
    }
    case "for":
      checkFor(statement, assigned, body, guarded, begun);
      return;
    case "if": {
      const condition = check(statement.condition, assigned, body, guarded);
      if (condition !== "i32") complain(body, "condition-type", `a branch is taken by ${condition}, and i32 is needed`);
      const [yes, no] = [new Map(assigned), new Map(assigned)];
      const isApart = isVarying(statement.condition, body.varying);
      if (isApart) body.apart++;
      checkStatements(statement.whenTrue, yes, body, true);
      checkStatements(statement.otherwise, no, body, true);
      if (isApart) body.apart--;
      for (const [name, lanes] of yes) assigned.set(name, (assigned.get(name) ?? 0) | (lanes & (no.get(name) ?? 0)));
      return;
    }
    case "barrier":
      if (!body.kernel.grid) complain(body, "barrier-place", "a barrier is for the invocations of a shader");
      if (body.apart > 0) complain(body, "barrier-place", "a barrier stands behind a branch, where not every invocation may get");
      return;
    case "subgroup":
      if (!body.kernel.grid) complain(body, "subgroup-place", `\`${statement.name}\` is for the invocations of a shader`);
      if (body.apart > 0)
        complain(body, "subgroup-place", `\`${statement.name}\` stands behind a branch, where not every invocation may get`);
      checkSet(statement, assigned, body, guarded);
      return;
  }
}

function checkFor(
  statement: Extract<KernelStatement, { kind: "for" }>,
  assigned: Assigned,
  body: Body,
  guarded: boolean,
  begun: ReadonlyMap<string, Linear>,
): void {
  const { name, extent } = statement;
  const { loops, known, assignments } = body.linear;
  if (!isShape([extent]) || extent < 1) complain(body, "loop-extent", `the loop \`${name}\` makes ${extent} iterations: at least 1`);
  if (loops.has(name) || assignments.has(name)) complain(body, "loop-name", `the loop \`${name}\` has the name of another value in scope`);
  const outer = loops.get(name);
  const outside = body.learned.length;
  loops.set(name, extent);
  body.counters.add(name);
  // A register set before the loop and advanced in it, and nowhere else, is where it began and a step for each iteration.
  for (const inner of statement.body) {
    const step = stepOf(inner);
    const begin = step && begun.get(step.register);
    if (begin && assignments.get(step.register) === 2) learn(step.register, advancedBy(begin, name, step.bytes), body);
  }
  // The body runs at least once, so what it sets is set afterwards; its counter is not.
  assigned.set(name, everyLane);
  checkStatements(statement.body, assigned, body, guarded);
  assigned.delete(name);
  for (const register of body.learned.splice(outside)) known.delete(register);
  if (outer === undefined) loops.delete(name);
  else loops.set(name, outer);
}

/** What holds of a register from here to the end of the loop around. */
function learn(register: string, linear: Linear, body: Body): void {
  body.linear.known.set(register, linear);
  body.learned.push(register);
}

function checkSet(
  statement: Extract<KernelStatement, { kind: "set" | "subgroup" }>,
  assigned: Assigned,
  body: Body,
  guarded: boolean,
): void {
  const { name, type, value } = statement;
  const before = assigned.get(name) ?? 0;
  // `v = replace(v, lane, x)` fills a register lane by lane: the lanes of v that are not set yet are not read.
  const { root, lanes } = replacedLanes(value);
  const fills = root.kind === "get" && root.name === name && value !== root;
  if (fills) assigned.set(name, everyLane);
  const actual = check(value, assigned, body, guarded);
  if (actual !== type) complain(body, "set-type", `\`${name}\` is ${type} and is set to ${actual}`);
  const declared = body.types.get(name);
  if (declared !== undefined && declared !== type) complain(body, "set-type", `\`${name}\` is ${declared} and is set as ${type}`);
  if (body.counters.has(name)) complain(body, "loop-name", `\`${name}\` counts a loop and is set`);
  body.types.set(name, declared ?? type);
  assigned.set(name, fills ? before | lanes : everyLane);
  const isOwn = statement.kind === "set" && body.linear.assignments.get(name) === 1;
  const linear = isOwn ? linearOf(value, body.linear) : undefined;
  if (linear) learn(name, linear, body);
  else body.linear.known.delete(name);
}

/** What a chain of lane replacements begins with, and the lanes that it replaces. */
function replacedLanes(expr: KernelExpr): { root: KernelExpr; lanes: number } {
  let root = expr;
  let lanes = 0;
  while (root.kind === "replace") {
    lanes |= 1 << root.lane;
    root = root.vector;
  }
  return { root, lanes };
}

/** The type of an expression, with everything wrong inside it reported. */
function check(expr: KernelExpr, assigned: Assigned, body: Body, guarded: boolean): KernelType {
  const go = (inner: KernelExpr, lazily = false) => check(inner, assigned, body, guarded || lazily);
  switch (expr.kind) {
    case "constant":
      if (kernelTypes[expr.type].element === "i32" && !Number.isInteger(expr.value))
        complain(body, "constant-value", `${printNumber(expr.value)} is no value of ${expr.type}`);
      return expr.type;
    case "get":
      checkGet(expr.name, expr.type, everyLane, assigned, body);
      return expr.type;
    case "base":
      if (body.kernel.grid) complain(body, "shader-form", "an address in a shader counts from where its buffer begins, and has no base");
      if (!body.kernel.parameters.some((parameter) => parameter.name === expr.buffer))
        complain(body, "unknown-buffer", `\`${expr.buffer}\` is no parameter`);
      return "i32";
    case "load":
      checkAccess(expr, assigned, body, guarded, false);
      return expr.type;
    case "apply":
      checkApplication(
        expr,
        expr.args.map((arg) => go(arg)),
        body,
      );
      return applicationType(expr.function, expr.on);
    case "multiply_add":
      for (const arg of expr.args) requireType(go(arg), expr.on, "multiply_add", body);
      return expr.on;
    case "select": {
      const wanted = withElement(expr.type, "i32") ?? "i32";
      const condition = go(expr.condition);
      if (condition !== wanted)
        complain(body, "condition-type", `a choice of ${expr.type} is made by ${condition}, and ${wanted} is needed`);
      // Both sides are evaluated; that they may be is what whoever wrote the select has proved.
      requireType(go(expr.whenTrue), expr.type, "a choice", body);
      requireType(go(expr.otherwise), expr.type, "a choice", body);
      return expr.type;
    }
    case "splat": {
      const element = go(expr.value);
      if (splatType(element) !== expr.type) complain(body, "splat-type", `${element} in every lane is no ${expr.type}`);
      return expr.type;
    }
    case "extract": {
      const { value } = expr;
      const vector = value.kind === "get" ? value.type : go(value);
      if (value.kind === "get") checkGet(value.name, value.type, 1 << expr.lane, assigned, body);
      requireLane(vector, expr.lane, expr.type, body);
      return expr.type;
    }
    case "replace":
      requireType(go(expr.vector), expr.type, "replace", body);
      requireLane(expr.type, expr.lane, go(expr.value), body);
      return expr.type;
    case "convert":
      checkConversion(expr.from, expr.type, go(expr.value), body);
      return expr.type;
    case "wrap": {
      const type = go(expr.value);
      if (kernelTypes[type].element !== "i32") complain(body, "wrap-type", `${type} cannot wrap to ${expr.dtype}`);
      if (dtypes[expr.dtype].kind !== "integer" || dtypes[expr.dtype].bytes >= 4)
        complain(body, "wrap-type", `nothing wraps to ${expr.dtype}: i8 and u8 are narrow`);
      return type;
    }
    case "host":
      if (body.kernel.grid) complain(body, "shader-form", `\`host ${expr.function}\` is not on the device`);
      for (const arg of expr.args) requireType(go(arg), "f64", `host ${expr.function}`, body);
      return "f64";
  }
}

function checkGet(name: string, type: KernelType, lanes: number, assigned: Assigned, body: Body): void {
  const declared = body.counters.has(name) ? "i32" : body.types.get(name);
  if (((assigned.get(name) ?? 0) & lanes) !== lanes) complain(body, "get-before-set", `\`${name}\` is read before it is set`);
  else if (declared !== undefined && declared !== type) complain(body, "get-type", `\`${name}\` is ${declared} and is read as ${type}`);
}

function requireType(actual: KernelType, wanted: KernelType, what: string, body: Body): void {
  if (actual !== wanted) complain(body, "operand-type", `${what} of ${wanted} is given ${actual}`);
}

function requireLane(vector: KernelType, lane: number, element: KernelType, body: Body): void {
  const { lanes, element: wanted } = kernelTypes[vector];
  if (lanes === 1 || element !== wanted) complain(body, "lane-type", `a lane of ${vector} is no ${element}`);
  else if (!(lane >= 0 && lane < lanes)) complain(body, "lane-number", `${vector} has no lane ${lane}`);
}

function checkApplication(expr: Extract<KernelExpr, { kind: "apply" }>, args: readonly KernelType[], body: Body): void {
  const { arity, takes, wasm }: ScalarRecord = scalarFunctions[expr.function];
  if (args.length !== arity)
    complain(body, "argument-count", `\`${expr.function}\` takes ${arity} arguments, and ${args.length} are given`);
  for (const type of args) requireType(type, expr.on, `\`${expr.function}\``, body);
  if (wasm !== "instruction") complain(body, "no-instruction", `\`${expr.function}\` has no instruction and is not expanded`);
  const integer = kernelTypes[expr.on].element === "i32";
  // A bool is an i32 or a lane mask here.
  if ((takes === "float" && integer) || ((takes === "integer" || takes === "bool") && !integer))
    complain(body, "operand-type", `\`${expr.function}\` does not take ${expr.on}`);
}

function checkConversion(from: KernelType, to: KernelType, actual: KernelType, body: Body): void {
  requireType(actual, from, "a conversion", body);
  if (from === to || kernelTypes[from].lanes !== kernelTypes[to].lanes) complain(body, "convert-type", `nothing converts ${from} to ${to}`);
}

type Access = Extract<KernelExpr, { kind: "load" }> | Extract<KernelStatement, { kind: "store" }>;

function checkAccess(access: Access, assigned: Assigned, body: Body, guarded: boolean, writes: boolean): void {
  const { buffer, dtype, type, address, offset } = access;
  const what = writes ? "store to" : "load from";
  const addressType = check(address, assigned, body, guarded);
  if (addressType !== "i32") complain(body, "address-type", `the address of a ${what} \`${buffer}\` is ${addressType}, and i32 is needed`);
  if (!isShape([offset])) complain(body, "offset-value", `a ${what} \`${buffer}\` has the offset ${offset}`);
  if (!holds(type, dtype)) complain(body, "access-type", `${dtype} in memory is no ${type} in a register`);
  const isSplat = access.kind === "load" && access.splat === true;
  if (isSplat && kernelTypes[type].lanes === 1) complain(body, "splat-type", `${type} has no lanes to fill`);
  const parameter = body.kernel.parameters.find(({ name }) => name === buffer);
  if (!parameter) {
    complain(body, "unknown-buffer", `\`${buffer}\` is no parameter`);
    return;
  }
  if (parameter.dtype !== dtype) complain(body, "access-dtype", `\`${buffer}\` holds ${parameter.dtype} and is accessed as ${dtype}`);
  if (writes && !parameter.writes) complain(body, "read-only", `\`${buffer}\` is written and not marked so`);
  const linear: Linear | undefined = guarded ? undefined : linearOf(address, body.linear);
  const size = body.sizes.get(buffer) ?? Infinity;
  const touched = dtypes[dtype].bytes * (isSplat ? 1 : kernelTypes[type].lanes);
  // A shader's addresses count what they access, from where the buffer begins.
  const unit = body.kernel.grid ? touched : 1;
  const fromBegin = linear && body.kernel.grid ? { ...linear, bases: new Map([[buffer, 1]]) } : linear;
  const range = fromBegin && addressRange(fromBegin, buffer, body.linear);
  const [low, high] = range ? [(range.low + offset) * unit, (range.high + offset) * unit + touched] : [0, 0];
  if (range && (low < 0 || high > size))
    complain(body, "out-of-range", `a ${what} \`${buffer}\` reaches bytes ${low} .. ${high} of its ${size}`);
}
