/**
 * The loop level as text: buffers, then nests of named loops. A block that holds exactly one statement is that
 * statement; one that holds none or several is a sequence; a sequence in any other place is written out.
 */

import type { DType } from "./dtype.ts";
import type { AccumulateOp, LoopProgram, Nest, Reduce, Statement } from "./loop.ts";
import { printShared } from "./print_buffers.ts";
import { type DeclaredDTypes, printExpr, printIndex, strengths } from "./print_expr.ts";
import { indent, printAssignment, printName, printString, printType } from "./print_literal.ts";

export function printLoop(program: LoopProgram): string {
  const dtypes = new Map(program.buffers.map((buffer) => [buffer.name, buffer.dtype]));
  const nests = program.nests.map((nest) => printNest(nest, (name) => dtypes.get(name)));
  return `${[...printShared("loop", program), ...nests].join("\n\n")}\n`;
}

/** The loops of a nest, without its head and trace. */
export function printBody({ body }: Nest, declared: DeclaredDTypes): string {
  return printBlock(body, declared).trimEnd();
}

/** `y[i] += v`, `y[i] max= v` */
export const accumulateOperators: { readonly [op in AccumulateOp]: string } = { sum: "+=", prod: "*=", max: "max=", min: "min=" };

export function printNest(nest: Nest, declared: DeclaredDTypes): string {
  const head = `nest ${printName(nest.name)} ${nest.phase} -> ${printName(nest.result)}`;
  const trace = nest.trace.map((step) => `trace ${printString(step)}\n`).join("");
  return `${head} {\n${indent(trace + printBlock(nest.body, declared))}}`;
}

export function printStatement(statement: Statement, declared: DeclaredDTypes): string {
  switch (statement.kind) {
    case "for": {
      const mode = statement.mode === "serial" ? "" : ` ${statement.mode}`;
      return `for ${printName(statement.name)} in ${statement.extent}${mode} ${braced(printBlock(statement.body, declared))}`;
    }
    case "sequence":
      return `sequence ${braced(statement.statements.map((inner) => `${printStatement(inner, declared)}\n`).join(""))}`;
    case "store":
      return printAssignment(`${printTarget(statement)} =`, printExpr(statement.value, declared));
    case "reduce":
      return printReduce(statement, declared);
    case "accumulate": {
      const where = statement.where ? ` where ${printExpr(statement.where, declared, strengths.or)}` : "";
      const value = printExpr(statement.value, declared, strengths.or);
      return printAssignment(`${printTarget(statement)} ${accumulateOperators[statement.op]}`, `${value}${where}`);
    }
    case "if":
      return `if ${printExpr(statement.condition, declared, strengths.or)} ${braced(printBlock(statement.body, declared))}`;
    case "local": {
      const inner = withName(declared, statement.name, statement.dtype);
      const head = `local ${printName(statement.name)}: ${printType(statement)} ${statement.scope}`;
      return `${head} ${braced(printBlock(statement.body, inner))}`;
    }
  }
}

function printBlock(body: Statement, declared: DeclaredDTypes): string {
  const statements = body.kind === "sequence" && body.statements.length !== 1 ? body.statements : [body];
  return statements.map((statement) => `${printStatement(statement, declared)}\n`).join("");
}

/**
 * y[n, f] = reduce sum over c into acc: f32 {
 *   value x[n, c] * k[c, f]
 *   finish max(acc, 0)
 * }
 */
function printReduce(statement: Reduce, declared: DeclaredDTypes): string {
  const over = statement.over.length === 0 ? "" : ` over ${statement.over.map(printName).join(", ")}`;
  const head = `reduce ${statement.op}${over} into ${printName(statement.accumulator)}: ${statement.dtype}`;
  const finish = printExpr(statement.finish, withName(declared, statement.accumulator, statement.dtype));
  const lines = [
    printAssignment("value", printExpr(statement.value, declared)),
    ...(statement.where ? [printAssignment("where", printExpr(statement.where, declared))] : []),
    printAssignment("finish", finish),
  ];
  return `${printTarget(statement)} = ${head} ${braced(`${lines.join("\n")}\n`)}`;
}

function printTarget({ buffer, indices }: Pick<Reduce, "buffer" | "indices">): string {
  return `${printName(buffer)}[${indices.map(printIndex).join(", ")}]`;
}

function withName(declared: DeclaredDTypes, name: string, dtype: DType): DeclaredDTypes {
  return (asked) => (asked === name ? dtype : declared(asked));
}

function braced(lines: string): string {
  return `{\n${indent(lines)}}`;
}
