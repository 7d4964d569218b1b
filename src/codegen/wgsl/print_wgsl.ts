/** printWgsl: a shader as the text that a device compiles. Its first lines say what it computes, by which schedule, and its hash. */
import type { KernelStatement } from "../../ir/kernel.ts";
import { kernelTypes } from "../../ir/kernel_type.ts";
import type { AccumulateOp } from "../../ir/loop.ts";
import { indent } from "../../ir/print_literal.ts";
import { printShaderBody } from "../../ir/print_shader.ts";
import { gridOf, type Shader } from "../../ir/shader.ts";
import { usesSubgroups } from "../../ir/uniformity.ts";
import { hashText } from "../../support/hash.ts";
import { invariant, unreachable } from "../../support/invariant.ts";
import { callText, conditionText, type ExprContext, elementsOfVector, placeText, valueText } from "./expressions.ts";
import { type Helper, helperNames, helperTexts } from "./helpers.ts";
import { intervalOf } from "./intervals.ts";
import { createNames } from "./names.ts";
import { type Registers, registersOf } from "./registers.ts";
import { typeName } from "./spelling.ts";
import { declareArray, elementName, storagesOf, storeElement } from "./storage.ts";

type Printer = ExprContext & { readonly registers: Registers };

/** Numbers that a shader reads from a uniform buffer, as they come in its text: by name where they have one. */
export type Numbers = {
  readonly names: readonly string[];
  /** How the whole number that comes next stands in the text. */
  next(value: number): string;
};

const literal: Numbers = { names: [], next: String };

export function printWgsl(shader: Shader): string {
  return printWith([shader], literal);
}

/** One text for shaders that are alike but for numbers; the first of them is printed. */
export function printWith(alike: readonly Shader[], numbers: Numbers): string {
  const [shader] = alike;
  invariant(shader, "no shader to print");
  return `${alike.map(printHeader).join("\n")}\n\n${printCode(shader, numbers)}`;
}

/** All that the device sees, without the remarks at its head. */
export function printCode(shader: Shader, numbers: Numbers): string {
  const storages = storagesOf(shader);
  const helpers = new Set<Helper>();
  const names = createNames(helperNames);
  const use = (helper: Helper): string => {
    helpers.add(helper);
    return helper;
  };
  for (const name of numbers.names) names(name);
  for (const { name } of shader.parameters) names(name);
  const coordinates = gridOf(shader).map(({ register, extent }) => ({ register, name: names(register), extent }));
  const intervals = new Map(coordinates.map(({ register, extent }) => [register, { low: 0, high: extent - 1 }]));
  const integer = (value: number) => numbers.next(value);
  const printer: Printer = { names, storages, intervals, use, integer, registers: registersOf(shader.body) };
  const body = printBlock(shader.body, printer);
  const bindings = shader.parameters.map(({ name, writes }, i) => {
    const access = writes ? "read_write" : "read";
    const storage = storages.get(name);
    invariant(storage, `no parameter ${name}`);
    return `@group(0) @binding(${i}) var<storage, ${access}> ${names(name)}: array<${elementName(storage)}>;`;
  });
  const arrays = shader.arrays.map((array) => {
    const storage = storages.get(array.name);
    invariant(storage, `no array ${array.name}`);
    return { space: array.space, text: declareArray(names(array.name), array, storage) };
  });
  const used = coordinates.filter(({ name }) => new RegExp(`\\b${name}\\b`).test(body));
  const lines = used.map(({ register, name }) => `let ${name} = i32(${register.replace("_", "_id.")});\n`).join("");
  const inside = arrays
    .filter(({ space }) => space === "private")
    .map(({ text }) => `${text.replace("var<private>", "var")}\n`)
    .join("");
  const builtins = [
    ...(used.some(({ register }) => register.startsWith("workgroup")) ? ["@builtin(workgroup_id) workgroup_id: vec3u"] : []),
    ...(used.some(({ register }) => register.startsWith("invocation")) ? ["@builtin(local_invocation_id) invocation_id: vec3u"] : []),
  ];
  const uniform = numbers.names.length > 0 ? declareNumbers(numbers.names, shader.parameters.length) : { outside: [], inside: "" };
  const sections = [
    ...(usesSubgroups(shader) ? ["enable subgroups;"] : []),
    [...uniform.outside, ...bindings, ...arrays.filter(({ space }) => space === "workgroup").map(({ text }) => text)].join("\n"),
    ...helperTexts(helpers),
    `@compute @workgroup_size(${shader.workgroup.join(", ")})\nfn main(${builtins.join(", ")}) {\n${indent(inside + uniform.inside + lines + body)}}`,
  ];
  return `${sections.filter((text) => text !== "").join("\n\n")}\n`;
}

function declareNumbers(names: readonly string[], binding: number): { readonly outside: readonly string[]; readonly inside: string } {
  const members = names.map((name) => `${name}: i32`).join(", ");
  return {
    outside: [`struct Numbers { ${members} }`, `@group(0) @binding(${binding}) var<uniform> numbers: Numbers;`],
    inside: names.map((name) => `let ${name} = numbers.${name};\n`).join(""),
  };
}

/** The hash is that of all that the device sees: of parameters, grid, arrays and statements. */
function printHeader(shader: Shader): string {
  const hash = hashText(printShaderBody({ ...shader, name: "", workload: "", trace: [] }));
  const lines = [`${shader.name}: ${shader.workload}`, ...shader.trace.map((step) => `trace ${step}`), `hash ${hash}`];
  return lines.map((line) => `// ${line.replace(/[\n\r\v\f\u0085\u2028\u2029]/g, " ")}`).join("\n");
}

function printBlock(statements: readonly KernelStatement[], printer: Printer): string {
  const declared = printer.registers
    .declaredIn(statements)
    .map(({ name, type }) => `var ${printer.names(name)}: ${typeName(type)};\n`)
    .join("");
  return declared + statements.map((statement) => `${printStatement(statement, printer)}\n`).join("");
}

function printStatement(statement: KernelStatement, printer: Printer): string {
  switch (statement.kind) {
    case "set": {
      const value = valueText(statement.value, printer).text;
      const isLet = printer.registers.isLet(statement.name);
      const interval = isLet ? intervalOf(statement.value, printer.intervals) : undefined;
      if (interval) printer.intervals.set(statement.name, interval);
      return `${isLet ? "let " : ""}${printer.names(statement.name)} = ${value};`;
    }
    case "store":
      return printStore(statement, printer);
    case "for": {
      printer.intervals.set(statement.name, { low: 0, high: statement.extent - 1 });
      const name = printer.names(statement.name);
      return `for (var ${name} = 0; ${name} < ${printer.integer(statement.extent)}; ${name}++) {\n${indent(printBlock(statement.body, printer))}}`;
    }
    case "if": {
      const head = `if (${conditionText(statement.condition, printer).text}) {\n${indent(printBlock(statement.whenTrue, printer))}}`;
      return statement.otherwise.length === 0 ? head : `${head} else {\n${indent(printBlock(statement.otherwise, printer))}}`;
    }
    case "barrier":
      return "workgroupBarrier();";
    case "subgroup": {
      const declaration = printer.registers.isLet(statement.name) ? "let " : "";
      return `${declaration}${printer.names(statement.name)} = ${callText(subgroupFunctions[statement.op], [valueText(statement.value, printer)]).text};`;
    }
    default:
      return unreachable(statement);
  }
}

/** WGSL, 17.13 Subgroup built-in functions. */
const subgroupFunctions: { readonly [op in AccumulateOp]: string } = {
  sum: "subgroupAdd",
  prod: "subgroupMul",
  max: "subgroupMax",
  min: "subgroupMin",
};

function printStore(statement: Extract<KernelStatement, { kind: "store" }>, printer: Printer): string {
  const { names, storages, use } = printer;
  const name = names(statement.buffer);
  const storage = storages.get(statement.buffer);
  invariant(storage, `no buffer ${statement.buffer}`);
  const at = placeText(statement.address, statement.offset, printer);
  const value = valueText(statement.value, printer).text;
  if (kernelTypes[statement.type].lanes === 1) return storeElement(name, at, value, storage, use).join("\n");
  if (storage.kind === "vectors") return `${name}[${at.text}] = ${value};`;
  const stores = elementsOfVector(at).flatMap((place, i) => storeElement(name, place, `stored[${i}]`, storage, use));
  return `{\n${indent(`let stored = ${value};\n${stores.join("\n")}\n`)}}`;
}
