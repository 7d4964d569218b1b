/** The lines that tensor and loop programs share: interface, arena and buffers. */
import type { NnOutput } from "./nn.ts";
import { printInitializer, printIntegers, printName, printNumber, printNumbers, printString, printType } from "./print_literal.ts";
import type { Buffer } from "./tensor.ts";

type Shared = {
  readonly name: string;
  readonly buffers: readonly Buffer[];
  readonly inputs: readonly string[];
  readonly outputs: readonly NnOutput[];
  /** Of programs whose memory is planned. */
  readonly arenaBytes?: number;
};

/** The sections that stand before the groups or nests. */
export function printShared(level: "tensor" | "loop", program: Shared): string[] {
  const arena = program.arenaBytes === undefined ? [] : [`arena ${program.arenaBytes}`];
  return [
    [`quern ${level} 1`, `program ${printName(program.name)}`, ...arena],
    printInterface(program.inputs, program.outputs),
    program.buffers.map(printBuffer),
  ]
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"));
}

export function printInterface(inputs: readonly string[], outputs: readonly NnOutput[]): string[] {
  const inputLine = inputs.length === 0 ? [] : [`inputs ${inputs.map(printName).join(", ")}`];
  return [...inputLine, ...outputs.map((output) => `output ${printName(output.name)} = ${printName(output.value)}`)];
}

/** `temporary conv: f32[1, 8, 8, 4] halo before [0, 1, 1, 0] after [0, 1, 1, 0] fill 0 offset 1024` */
export function printBuffer(buffer: Buffer): string {
  const { name, dtype, shape, role, halo, layout, aliasOf, overwrites, offset } = buffer;
  const parts = [`${role.kind} ${printName(name)}: ${printType({ dtype, shape })}`];
  if (role.kind === "weight" && role.path !== name) parts.push(`path ${printString(role.path)}`);
  if (layout) parts.push(`layout ${printIntegers(layout)}`);
  if (halo) parts.push(`halo before ${printIntegers(halo.before)} after ${printIntegers(halo.after)} fill ${printNumber(halo.fill)}`);
  if (aliasOf !== undefined) parts.push(`alias ${printName(aliasOf)}`);
  if (overwrites !== undefined) parts.push(`overwrites ${printName(overwrites)}`);
  if (offset !== undefined) parts.push(`offset ${offset}`);
  if (role.kind === "weight" && role.initializer) parts.push(`= ${printInitializer(role.initializer)}`);
  if (role.kind === "constant") parts.push(`= ${printNumbers(role.data)}`);
  return parts.join(" ");
}
