/** parseKernel: the kernel level's text; see `src/ir/print_kernel.ts`. */
import type { DType } from "../../ir/dtype.ts";
import type { ScalarFunction } from "../../ir/expr.ts";
import type {
  Kernel,
  KernelCall,
  KernelExpr,
  KernelProgram,
  KernelStatement,
  KernelType,
  Placement,
  WeightSource,
} from "../../ir/kernel.ts";
import { isKernelType, kernelTypes, splatType, typeOfKernel } from "../../ir/kernel_type.ts";
import { accumulateOps } from "../../ir/loop.ts";
import type { NnOutput } from "../../ir/nn.ts";
import { strengths } from "../../ir/print_expr.ts";
import { isScalarFunction } from "../../ir/scalar_functions.ts";
import type { Checked } from "../../support/diagnostic.ts";
import { nearest } from "../../support/nearest.ts";
import {
  interfaceItems,
  requireName,
  takeBraced,
  takeHeader,
  takeInitializer,
  takeItems,
  takeNumbers,
  takePath,
  takePhase,
  takeTrace,
  takeType,
} from "./buffers.ts";
import { takeDType } from "./expr.ts";
import { type OperatorGrammar, parseOperators, takeArguments } from "./operators.ts";
import {
  at,
  type Cursor,
  createCursor,
  eat,
  fail,
  failAt,
  finish,
  isNameToken,
  nested,
  peek,
  recover,
  type Token,
  take,
  takeInteger,
  takeList,
  takeName,
  takeWord,
} from "./tokens.ts";

export function parseKernel(text: string, file: string): Checked<KernelProgram> {
  const cursor = createCursor(text, file);
  if (!takeHeader(cursor, "kernel")) return { diagnostics: cursor.diagnostics };
  const shared: { name: string | undefined; inputs: string[]; outputs: NnOutput[] } = { name: undefined, inputs: [], outputs: [] };
  let memory: Pick<KernelProgram, "weightBytes" | "runBytes" | "buildBytes"> | undefined;
  const placements: Placement[] = [];
  const sources: KernelProgram["sources"][number][] = [];
  const calls: KernelCall[] = [];
  const kernels: Kernel[] = [];
  takeItems(cursor, {
    ...interfaceItems(cursor, shared),
    memory: () => {
      memory = {
        weightBytes: takeBytes(cursor, "weights"),
        runBytes: takeBytes(cursor, "run"),
        buildBytes: takeBytes(cursor, "build"),
      };
    },
    place: () => {
      placements.push(takePlacement(cursor));
    },
    source: () => {
      const buffer = takeName(cursor);
      sources.push({ buffer, source: takeSource(cursor, buffer) });
    },
    call: () => {
      calls.push(takeCall(cursor));
    },
    kernel: () => {
      kernels.push(takeKernel(cursor));
    },
  });
  const program = recover(cursor, () => {
    const name = requireName(cursor, shared.name);
    const { inputs, outputs } = shared;
    if (!memory)
      return failAt(
        cursor,
        "missing-memory",
        "the text does not say how much memory is needed",
        0,
        "write `memory weights 0 run 0 build 0`",
      );
    return { name, kernels, calls, placements, sources, ...memory, inputs, outputs };
  });
  return finish(cursor, program);
}

export function takeBytes(cursor: Cursor, word: string): number {
  take(cursor, word);
  return takeInteger(cursor, 0, "a number of bytes");
}

function takePlacement(cursor: Cursor): Placement {
  const buffer = takeName(cursor);
  take(cursor, ":");
  const type = takeType(cursor);
  return { buffer, ...type, offset: takeBytes(cursor, "at"), bytes: takeBytes(cursor, "bytes") };
}

function takeSource(cursor: Cursor, buffer: string): WeightSource {
  const kind = takeWord(cursor, ["weight", "constant"]);
  if (kind === "weight") return { kind, path: takePath(cursor, buffer), ...takeInitializer(cursor) };
  take(cursor, "=");
  return { kind, data: takeNumbers(cursor) };
}

function takeCall(cursor: Cursor): KernelCall {
  const phase = takePhase(cursor);
  const kernel = takeName(cursor, "a kernel");
  const given = takeList(cursor, "(", ")", () => takeName(cursor));
  take(cursor, "nest");
  return { kernel, nest: takeName(cursor), phase, arguments: given };
}

/** `registers` grows as statements are read: a name has the type of the assignment above it. */
export type KernelScope = { readonly buffers: ReadonlyMap<string, DType>; readonly registers: Map<string, KernelType> };
type Scope = KernelScope;

export function takeParameters(cursor: Cursor): Kernel["parameters"] {
  return takeList(cursor, "(", ")", () => {
    const parameter = takeName(cursor, "a parameter");
    take(cursor, ":");
    const dtype = takeDType(cursor);
    return { name: parameter, dtype, writes: eat(cursor, "writes") };
  });
}

function takeKernel(cursor: Cursor): Kernel {
  const name = takeName(cursor);
  const parameters = takeParameters(cursor);
  const scope: Scope = { buffers: new Map(parameters.map((parameter) => [parameter.name, parameter.dtype])), registers: new Map() };
  let trace: string[] | undefined;
  const body: KernelStatement[] = [];
  takeBraced(cursor, () => {
    trace ??= takeTrace(cursor);
    if (!at(cursor, "}")) body.push(takeStatement(cursor, scope));
  });
  return { name, trace: trace ?? [], parameters, body };
}

function takeStatements(cursor: Cursor, scope: Scope): KernelStatement[] {
  const statements: KernelStatement[] = [];
  takeBraced(cursor, () => {
    statements.push(nested(cursor, () => takeStatement(cursor, scope)));
  });
  return statements;
}

export function takeStatement(cursor: Cursor, scope: Scope): KernelStatement {
  if (eat(cursor, "barrier")) return { kind: "barrier" };
  if (eat(cursor, "for")) {
    const name = takeName(cursor, "a loop's name");
    take(cursor, "in");
    const extent = takeInteger(cursor, 0, "an extent");
    scope.registers.set(name, "i32");
    return { kind: "for", name, extent, body: takeStatements(cursor, scope) };
  }
  if (eat(cursor, "if")) {
    const condition = parseKernelExpr(cursor, scope, strengths.or);
    const whenTrue = takeStatements(cursor, scope);
    return { kind: "if", condition, whenTrue, otherwise: eat(cursor, "else") ? takeStatements(cursor, scope) : [] };
  }
  if (eat(cursor, "store")) {
    const type = takeKernelType(cursor);
    const place = takePlace(cursor, scope);
    take(cursor, "=");
    return { kind: "store", type, ...place, value: parseKernelExpr(cursor, scope) };
  }
  const token = peek(cursor);
  const name = takeName(cursor, "a statement");
  const declared = eat(cursor, ":") ? takeKernelType(cursor) : scope.registers.get(name);
  if (!declared)
    return failAt(cursor, "unknown-register", `\`${name}\` has no type yet`, token, `write \`${name}: f32 = ...\` where it is set first`);
  take(cursor, "=");
  const op = eat(cursor, "subgroup") ? takeWord(cursor, accumulateOps) : undefined;
  const value = parseKernelExpr(cursor, scope);
  scope.registers.set(name, declared);
  return op ? { kind: "subgroup", op, name, type: declared, value } : { kind: "set", name, type: declared, value };
}

function takeKernelType(cursor: Cursor): KernelType {
  const { text, kind } = peek(cursor);
  if (kind !== "name" || !isKernelType(text)) return fail(cursor, `one of ${Object.keys(kernelTypes).join(", ")}`);
  cursor.position++;
  return text;
}

function parseKernelExpr(cursor: Cursor, scope: Scope, least: number = strengths.select): KernelExpr {
  const grammar: OperatorGrammar<KernelExpr> = {
    number: (value, suffix, text) => {
      const type = suffix ?? (/^\d+$/.test(text) ? "i32" : "f32");
      return isKernelType(type)
        ? { kind: "constant", type, value }
        : fail(cursor, `a number of type ${Object.keys(kernelTypes).join(", ")}`);
    },
    apply: (name, args) => application(name, args, undefined),
    select: (condition, whenTrue, otherwise) => ({ kind: "select", type: typeOfKernel(whenTrue), condition, whenTrue, otherwise }),
    primary: () => parsePrimary(cursor, scope),
  };
  return parseOperators(cursor, grammar, least);
}

function application(name: ScalarFunction, args: readonly KernelExpr[], explicit: KernelType | undefined): KernelExpr {
  const [first] = args;
  return { kind: "apply", function: name, on: explicit ?? (first ? typeOfKernel(first) : "f32"), args };
}

function parsePrimary(cursor: Cursor, scope: Scope): KernelExpr {
  if (eat(cursor, "&")) return { kind: "base", buffer: takeName(cursor, "a buffer") };
  if (eat(cursor, "load")) {
    const type = takeKernelType(cursor);
    const splat = eat(cursor, "splat");
    return { kind: "load", type, ...takePlace(cursor, scope), ...(splat ? { splat } : {}) };
  }
  if (eat(cursor, "host")) {
    const callee = peek(cursor);
    const name = takeName(cursor, "a function");
    if (!isScalarFunction(name)) return failAt(cursor, "unknown-function", `\`${name}\` is no function`, callee);
    return { kind: "host", function: name, args: takeArguments(cursor, name, () => parseKernelExpr(cursor, scope)) };
  }
  const token = peek(cursor);
  if (!isNameToken(token)) return fail(cursor, "a value");
  const name = takeName(cursor);
  if (token.kind === "name" && (at(cursor, "(") || (at(cursor, ":") && at(cursor, "(", 2)))) return parseCall(cursor, scope, name, token);
  const type = eat(cursor, ":") ? takeKernelType(cursor) : scope.registers.get(name);
  if (type) return { kind: "get", name, type };
  const suggestion = nearest(name, scope.registers.keys());
  return failAt(cursor, "unknown-register", `\`${name}\` is not set before`, token, suggestion && `did you mean \`${suggestion}\`?`);
}

function parseCall(cursor: Cursor, scope: Scope, name: string, callee: Token): KernelExpr {
  const go = () => parseKernelExpr(cursor, scope);
  if (name === "wrap") {
    take(cursor, ":");
    const dtype = takeDType(cursor);
    return { kind: "wrap", dtype, value: between(cursor, go) };
  }
  const explicit = eat(cursor, ":") ? takeKernelType(cursor) : undefined;
  if (isScalarFunction(name)) return application(name, takeArguments(cursor, name, go), explicit);
  if (isKernelType(name) && !explicit) return parseConversion(cursor, name, go);
  switch (name) {
    case "multiply_add": {
      const [a, b, c] = [nextArgument(cursor, "(", go), nextArgument(cursor, ",", go), nextArgument(cursor, ",", go)];
      take(cursor, ")");
      return { kind: "multiply_add", on: explicit ?? typeOfKernel(a), args: [a, b, c] };
    }
    case "select": {
      const [condition, whenTrue, otherwise] = [
        nextArgument(cursor, "(", go),
        nextArgument(cursor, ",", go),
        nextArgument(cursor, ",", go),
      ];
      take(cursor, ")");
      return { kind: "select", type: explicit ?? typeOfKernel(whenTrue), condition, whenTrue, otherwise };
    }
    case "splat": {
      const value = between(cursor, go);
      const type = explicit ?? splatType(typeOfKernel(value));
      return type ? { kind: "splat", type, value } : failAt(cursor, "splat-type", `there is no vector of ${typeOfKernel(value)}`, callee);
    }
    case "extract": {
      const value = nextArgument(cursor, "(", go);
      const lane = nextArgument(cursor, ",", () => takeInteger(cursor, 0, "a lane"));
      take(cursor, ")");
      return { kind: "extract", type: explicit ?? kernelTypes[typeOfKernel(value)].element, value, lane };
    }
    case "replace": {
      const vector = nextArgument(cursor, "(", go);
      const lane = nextArgument(cursor, ",", () => takeInteger(cursor, 0, "a lane"));
      const value = nextArgument(cursor, ",", go);
      take(cursor, ")");
      return { kind: "replace", type: explicit ?? typeOfKernel(vector), vector, lane, value };
    }
    default:
      return failAt(cursor, "unknown-function", `\`${name}\` is no function`, callee);
  }
}

/** `f32(x)`, `f32(x from f64)` */
function parseConversion(cursor: Cursor, type: KernelType, go: () => KernelExpr): KernelExpr {
  take(cursor, "(");
  const value = go();
  const from = eat(cursor, "from") ? takeKernelType(cursor) : typeOfKernel(value);
  take(cursor, ")");
  return { kind: "convert", from, type, value };
}

function nextArgument<T>(cursor: Cursor, before: string, read: () => T): T {
  take(cursor, before);
  return read();
}

function between<T>(cursor: Cursor, read: () => T): T {
  take(cursor, "(");
  const value = read();
  take(cursor, ")");
  return value;
}

/** `x[&x + i*4; 16]` */
function takePlace(cursor: Cursor, scope: Scope): { dtype: DType; buffer: string; address: KernelExpr; offset: number } {
  const token = peek(cursor);
  const buffer = takeName(cursor, "a buffer");
  const dtype = eat(cursor, ":") ? takeDType(cursor) : scope.buffers.get(buffer);
  if (!dtype) {
    const suggestion = nearest(buffer, scope.buffers.keys());
    return failAt(
      cursor,
      "unknown-buffer",
      `\`${buffer}\` is no parameter of this kernel`,
      token,
      suggestion && `did you mean \`${suggestion}\`?`,
    );
  }
  take(cursor, "[");
  const address = parseKernelExpr(cursor, scope);
  const offset = eat(cursor, ";") ? takeInteger(cursor, 0, "an offset") : 0;
  take(cursor, "]");
  return { dtype, buffer, address, offset };
}
