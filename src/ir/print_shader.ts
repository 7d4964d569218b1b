/**
 * The kernel level for GPUs as text: arenas, places, dispatches, shaders; after the line `build` comes the text of the kernels
 * that make the weights. Statements are printed as in `print_kernel.ts`.
 */
import type { DType } from "./dtype.ts";
import type { KernelType } from "./kernel.ts";
import { printInterface } from "./print_buffers.ts";
import { printKernel, printParameters, printStatements, printTrace } from "./print_kernel.ts";
import { indent, printName, printString, printType } from "./print_literal.ts";
import {
  type Arena,
  type Dispatch,
  type Extents,
  gridOf,
  type Shader,
  type ShaderArray,
  type ShaderPlacement,
  type ShaderProgram,
} from "./shader.ts";

export function printShader(program: ShaderProgram): string {
  const sections = [
    ["quern shader 1", `program ${printName(program.name)}`],
    program.arenas.map(printArena),
    printInterface(program.inputs, program.outputs),
    program.placements.map(printPlacement),
    program.dispatches.map(printDispatch),
    ...program.shaders.map((shader) => [printShaderBody(shader)]),
    ["build"],
  ];
  const text = sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n");
  return `${text}\n\n${printKernel(program.build)}`;
}

function printArena({ name, bytes }: Arena): string {
  return `arena ${printName(name)} ${bytes}`;
}

function printPlacement({ buffer, dtype, shape, arena, offset, bytes, packs }: ShaderPlacement): string {
  return `place ${printName(buffer)}: ${printType({ dtype, shape })} in ${printName(arena)} at ${offset} bytes ${bytes}${packs ? ` packs [${packs.map(printName).join(", ")}]` : ""}`;
}

function printDispatch({ shader, nest, arguments: given, subgroups }: Dispatch): string {
  const instead = subgroups === undefined ? "" : ` subgroups ${printName(subgroups)}`;
  return `dispatch ${printName(shader)}(${given.map(printName).join(", ")}) nest ${printName(nest)}${instead}`;
}

/** `shader y(b0: f32, b1: f32 writes) workgroup 64, 1, 1 grid 12, 1, 1 { ... }` */
export function printShaderBody(shader: Shader): string {
  const buffers = new Map([...shader.parameters, ...shader.arrays].map(({ name, dtype }): [string, DType] => [name, dtype]));
  const registers = new Map(gridOf(shader).map(({ register }): [string, KernelType] => [register, "i32"]));
  const head = `shader ${printName(shader.name)}(${printParameters(shader)})`;
  const workload = `workload ${printString(shader.workload)}\n`;
  const arrays = shader.arrays.map(printArray).join("");
  const body = printStatements(shader.body, { buffers, registers });
  const size = `workgroup ${printExtents(shader.workgroup)} grid ${printExtents(shader.grid)}`;
  return `${head} ${size} {\n${indent(workload + printTrace(shader) + arrays + body)}}`;
}

function printExtents(extents: Extents): string {
  return extents.join(", ");
}

function printArray({ name, dtype, elements, space }: ShaderArray): string {
  return `array ${printName(name)}: ${printType({ dtype, shape: [elements] })} ${space}\n`;
}
