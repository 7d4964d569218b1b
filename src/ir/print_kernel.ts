/**
 * The kernel level as text: memory, calls, and kernels as typed statements. A register is declared by its first
 * assignment (`sum: f32x4 = ...`). A whole number is an i32, one with a point or an exponent an f32; other constants
 * carry their type (`0.5_f64`). `&x` is the address where the buffer x begins.
 */
import type { DType } from "./dtype.ts";
import type { Kernel, KernelCall, KernelExpr, KernelProgram, KernelStatement, KernelType, Placement } from "./kernel.ts";
import { kernelTypes, splatType, typeOfKernel } from "./kernel_type.ts";
import { printInterface } from "./print_buffers.ts";
import { call, enclose, primary, type Spelled, spellApplication, spellSelect, strengths } from "./print_expr.ts";
import {
  indent,
  printAssignment,
  printInitializer,
  printName,
  printNumber,
  printNumbers,
  printString,
  printType,
} from "./print_literal.ts";

export function printKernel(program: KernelProgram): string {
  const { weightBytes, runBytes, buildBytes } = program;
  const sections = [
    ["quern kernel 1", `program ${printName(program.name)}`, `memory weights ${weightBytes} run ${runBytes} build ${buildBytes}`],
    printInterface(program.inputs, program.outputs),
    program.placements.map(printPlacement),
    program.sources.map(printSource),
    program.calls.map(printCall),
    ...program.kernels.map((kernel) => [printKernelBody(kernel)]),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

function printPlacement({ buffer, dtype, shape, offset, bytes }: Placement): string {
  return `place ${printName(buffer)}: ${printType({ dtype, shape })} at ${offset} bytes ${bytes}`;
}

function printSource({ buffer, source }: KernelProgram["sources"][number]): string {
  if (source.kind === "constant") return `source ${printName(buffer)} constant = ${printNumbers(source.data)}`;
  const path = source.path === buffer ? "" : ` path ${printString(source.path)}`;
  return `source ${printName(buffer)} weight${path}${source.initializer ? ` = ${printInitializer(source.initializer)}` : ""}`;
}

/** `call run conv_2(image, kernel, y) nest features` */
function printCall({ kernel, nest, phase, arguments: given }: KernelCall): string {
  return `call ${phase} ${printName(kernel)}(${given.map(printName).join(", ")}) nest ${printName(nest)}`;
}

function printKernelBody(kernel: Kernel): string {
  const buffers = new Map(kernel.parameters.map((parameter) => [parameter.name, parameter.dtype]));
  const body = printStatements(kernel.body, { buffers, registers: new Map() });
  return `kernel ${printName(kernel.name)}(${printParameters(kernel)}) {\n${indent(printTrace(kernel) + body)}}`;
}

export function printParameters({ parameters }: Pick<Kernel, "parameters">): string {
  return parameters.map(({ name, dtype, writes }) => `${printName(name)}: ${dtype}${writes ? " writes" : ""}`).join(", ");
}

export function printTrace({ trace }: Pick<Kernel, "trace">): string {
  return trace.map((step) => `trace ${printString(step)}\n`).join("");
}

/** `registers` grows as statements are printed: a name has the type of the assignment above it. */
export type KernelScope = { readonly buffers: ReadonlyMap<string, DType>; readonly registers: Map<string, KernelType> };
type Scope = KernelScope;

export function printStatements(statements: readonly KernelStatement[], scope: Scope): string {
  return statements.map((statement) => `${printStatement(statement, scope)}\n`).join("");
}

function printStatement(statement: KernelStatement, scope: Scope): string {
  switch (statement.kind) {
    case "set": {
      const value = spell(statement.value, scope).text;
      return printAssignment(declare(statement, scope), value);
    }
    case "store": {
      const place = printPlace(statement.buffer, statement.dtype, statement.address, statement.offset, scope);
      return printAssignment(`store ${statement.type} ${place} =`, spell(statement.value, scope).text);
    }
    case "for":
      scope.registers.set(statement.name, "i32");
      return `for ${printName(statement.name)} in ${statement.extent} {\n${indent(printStatements(statement.body, scope))}}`;
    case "if": {
      const head = `if ${enclose(spell(statement.condition, scope), strengths.or)} {\n`;
      const whenTrue = `${head}${indent(printStatements(statement.whenTrue, scope))}}`;
      if (statement.otherwise.length === 0) return whenTrue;
      return `${whenTrue} else {\n${indent(printStatements(statement.otherwise, scope))}}`;
    }
    case "barrier":
      return "barrier";
    case "subgroup": {
      const value = spell(statement.value, scope).text;
      return printAssignment(`${declare(statement, scope)} subgroup ${statement.op}`, value);
    }
  }
}

/** `sum: f32x4 =`, or `sum =` where the type is known. */
function declare({ name, type }: { readonly name: string; readonly type: KernelType }, { registers }: Scope): string {
  const isKnown = registers.get(name) === type;
  registers.set(name, type);
  return `${printName(name)}${isKnown ? "" : `: ${type}`} =`;
}

function spell(expr: KernelExpr, scope: Scope): Spelled {
  const go = (inner: KernelExpr) => spell(inner, scope);
  /** The type, where it is not the one that the text would be read with. */
  const unless = (derived: KernelType | undefined, actual: KernelType) => (derived === actual ? undefined : actual);
  switch (expr.kind) {
    case "constant":
      return primary(printConstant(expr.type, expr.value));
    case "get": {
      const explicit = unless(scope.registers.get(expr.name), expr.type);
      return primary(`${printName(expr.name)}${explicit ? `:${explicit}` : ""}`);
    }
    case "base":
      return primary(`&${printName(expr.buffer)}`);
    case "load": {
      const place = printPlace(expr.buffer, expr.dtype, expr.address, expr.offset, scope);
      return primary(`load ${expr.type}${expr.splat ? " splat" : ""} ${place}`);
    }
    case "apply": {
      const [first] = expr.args;
      return spellApplication(expr.function, expr.args.map(go), unless(first && typeOfKernel(first), expr.on));
    }
    case "multiply_add":
      return call("multiply_add", unless(typeOfKernel(expr.args[0]), expr.on), expr.args.map(go));
    case "select": {
      const explicit = unless(typeOfKernel(expr.whenTrue), expr.type);
      const parts = [go(expr.condition), go(expr.whenTrue), go(expr.otherwise)] as const;
      return explicit ? call("select", explicit, parts) : spellSelect(...parts);
    }
    case "splat":
      return call("splat", unless(splatType(typeOfKernel(expr.value)), expr.type), [go(expr.value)]);
    case "extract": {
      const explicit = unless(kernelTypes[typeOfKernel(expr.value)].element, expr.type);
      return call("extract", explicit, [go(expr.value), primary(String(expr.lane))]);
    }
    case "replace": {
      const explicit = unless(typeOfKernel(expr.vector), expr.type);
      return call("replace", explicit, [go(expr.vector), primary(String(expr.lane)), go(expr.value)]);
    }
    case "convert": {
      const from = unless(typeOfKernel(expr.value), expr.from);
      const value = go(expr.value);
      return call(expr.type, undefined, [from ? primary(`${value.text} from ${from}`) : value]);
    }
    case "wrap":
      return call("wrap", expr.dtype, [go(expr.value)]);
    case "host":
      return primary(`host ${call(expr.function, undefined, expr.args.map(go)).text}`);
  }
}

/** `x[&x + i*4; 16]`: an address and a constant offset; the dtype where it is not the parameter's. */
function printPlace(buffer: string, dtype: DType, address: KernelExpr, offset: number, scope: Scope): string {
  const explicit = scope.buffers.get(buffer) === dtype ? "" : `:${dtype}`;
  return `${printName(buffer)}${explicit}[${spell(address, scope).text}${offset === 0 ? "" : `; ${offset}`}]`;
}

function printConstant(type: KernelType, value: number): string {
  const text = printNumber(value);
  const whole = /^-?\d+$/.test(text);
  if (type === "i32") return whole ? text : `${text}_i32`;
  // What is not a whole number reads as an f32 already; a whole one gets its point.
  if (type === "f32") return whole ? `${text}.0` : text;
  return `${text}_${type}`;
}
