/**
 * The nn level as text: one line per value, then the declarations that the calls mean, as Quern source.
 * A weight's path is written where it is not the value's name.
 */
import type { AttributeValue, NnNode, NnProgram, NnValue, NnWeight } from "./nn.ts";
import { printDeclaration } from "./print_declaration.ts";
import { isPlainName, printInitializer, printName, printNumber, printNumbers, printString, printType } from "./print_literal.ts";

export function printNn(program: NnProgram): string {
  const { inputs, weights, constants, nodes, outputs, definitions, operators } = program;
  const sections = [
    ["quern nn 1", `program ${printName(program.name)}`],
    inputs.map((input) => `input ${printValue(input)}`),
    weights.map(printWeight),
    constants.map((constant) => `constant ${printValue(constant)} = ${printNumbers(constant.data)}`),
    nodes.map(printNode),
    outputs.map((output) => `output ${printName(output.name)} = %${printName(output.value)}`),
  ];
  const head = sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n"));
  const declarations = [...definitions.values(), ...operators.values()].map((declaration) => printDeclaration(declaration).trim());
  const tail = declarations.length > 0 ? ["declarations", ...declarations] : [];
  return `${[...head, ...tail].join("\n\n")}\n`;
}

function printValue(value: NnValue): string {
  return `%${printName(value.name)}: ${printType(value.type)}`;
}

function printWeight(weight: NnWeight): string {
  const path = weight.path === weight.name ? "" : ` path ${printString(weight.path)}`;
  const initializer = weight.initializer ? ` = ${printInitializer(weight.initializer)}` : "";
  return `weight ${printValue(weight)}${path}${initializer}`;
}

/** `%conv2d = conv2d(%image, %conv2d.kernel; stride: [1, 1]) : f32[1, 32, 32, 16]`; a call that gives nothing is `() = ... : ()`. */
function printNode({ results, operator, operands, attributes }: NnNode): string {
  const names = results.map((result) => `%${printName(result.name)}`).join(", ") || "()";
  const given = Object.entries(attributes).map(([name, value]) => `${printName(name)}: ${printAttribute(value)}`);
  const list = `${operands.map((name) => `%${printName(name)}`).join(", ")}${given.length > 0 ? `; ${given.join(", ")}` : ""}`;
  return `${names} = ${printName(operator)}(${list}) : ${results.map((result) => printType(result.type)).join(", ") || "()"}`;
}

/** A word stands for itself, like `same`; other strings are quoted. */
function printAttribute(value: AttributeValue): string {
  if (typeof value === "number") return printNumber(value);
  if (typeof value === "boolean") return String(value);
  if (typeof value === "string") return isPlainName(value) ? value : printString(value);
  return `[${value.map(printAttribute).join(", ")}]`;
}
