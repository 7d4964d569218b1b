/** Weights: `@scope.name: [shape] = initializer`. */
import type { Syntax } from "../ir/declaration.ts";
import { formatType } from "../ir/dtype.ts";
import type { Initializer } from "../ir/nn.ts";
import { nearest } from "../support/nearest.ts";
import { evaluateType } from "./bind.ts";
import { evaluate, evaluateInteger } from "./compile_time.ts";
import { addWeight } from "./graph_builder.ts";
import { type Environment, poisonTensor, reportIn, scopeOf, type TensorValue } from "./tensor_value.ts";

type Weight = Extract<Syntax, { kind: "weight" }>;

/** `@blocks[i].conv` with the scope parameter `blocks` standing for its path: `encoder.blocks.0.conv`. */
export function pathOf(weight: Weight, environment: Environment): string {
  const steps = weight.path.map((step, position) => {
    if (step.kind === "index") return String(evaluateInteger(step.index, "the number in a weight's path", scopeOf(environment)) ?? "");
    return position === 0 ? (environment.scopes.get(step.name) ?? step.name) : step.name;
  });
  return steps.join(".");
}

export function declareWeight(weight: Weight, environment: Environment): TensorValue {
  const path = pathOf(weight, environment);
  const syntax = weight.type;
  if (!syntax) return { kind: "path", path };
  const typed = evaluateType(syntax, new Map(), scopeOf(environment), `the weight \`@${path}\``, syntax.span);
  if (!typed) return poisonTensor;
  const initializer = weight.initializer && initializerOf(weight.initializer, environment);
  const added = addWeight(environment.builder, path, typed.type, initializer);
  const { weightSpans } = environment.builder;
  if (added && !weightSpans.has(path)) weightSpans.set(path, environment.calls.at(-1)?.span ?? weight.span);
  if (added) return { kind: "tensor", value: { name: added.name, type: added.type } };
  const known = environment.builder.weights.find((other) => other.path === path);
  return reportIn(
    environment,
    "weight-redeclared",
    `the weight \`@${path}\` is ${formatType(typed.type)} here and ${known ? formatType(known.type) : "other"} elsewhere`,
    weight.span,
    "give one of the two another name, or another scope",
    known && { message: `it is ${formatType(known.type)} here`, span: weightSpans.get(path) ?? weight.span },
  );
}

type InitializerRecord = {
  readonly parameters: number;
  build(args: readonly number[]): Initializer;
  /** What is wrong with numbers of the right count, and what to write instead. */
  mistake?(args: readonly number[]): { readonly message: string; readonly help: string } | undefined;
};

const initializers: { readonly [name: string]: InitializerRecord } = {
  zeros: { parameters: 0, build: () => ({ kind: "zeros" }) },
  ones: { parameters: 0, build: () => ({ kind: "ones" }) },
  constant: { parameters: 1, build: ([value = 0]) => ({ kind: "constant", value }) },
  uniform: {
    parameters: 2,
    build: ([low = 0, high = 1]) => ({ kind: "uniform", low, high }),
    mistake: ([low = 0, high = 1]) => {
      const message = `\`uniform\` draws from its first number to its second, and ${low} is above ${high}`;
      return low > high ? { message, help: `write \`uniform(${high}, ${low})\`` } : undefined;
    },
  },
  he_normal: { parameters: 0, build: () => ({ kind: "he_normal" }) },
  glorot_uniform: { parameters: 0, build: () => ({ kind: "glorot_uniform" }) },
};

function initializerOf(syntax: Syntax, environment: Environment): Initializer | undefined {
  if (syntax.kind !== "name" && syntax.kind !== "call") {
    const message = "an initialiser is a name or a call, and this goes on";
    reportIn(environment, "unknown-initializer", message, syntax.span, "put the weight in parentheses: `(@w: [4] = ones) + x`");
    return undefined;
  }
  const name = syntax.kind === "name" ? syntax.name : syntax.callee;
  const record = Object.hasOwn(initializers, name) ? initializers[name] : undefined;
  if (!record) {
    const suggestion = nearest(name, Object.keys(initializers));
    reportIn(
      environment,
      "unknown-initializer",
      `\`${name}\` is not an initialiser: there are ${Object.keys(initializers).join(", ")}`,
      syntax.span,
      suggestion && `did you mean \`${suggestion}\`?`,
    );
    return undefined;
  }
  const args = syntax.kind === "call" ? syntax.arguments.map((argument) => evaluate(argument.value, scopeOf(environment))) : [];
  const numbers = args.flatMap((arg) => (arg.kind === "number" ? [arg.value] : []));
  if (numbers.length === record.parameters && numbers.length === args.length) {
    const mistake = record.mistake?.(numbers);
    if (!mistake) return record.build(numbers);
    reportIn(environment, "initializer-arguments", mistake.message, syntax.span, mistake.help);
    return undefined;
  }
  reportIn(
    environment,
    "initializer-arguments",
    `\`${name}\` takes ${record.parameters === 0 ? "no" : record.parameters} number${record.parameters === 1 ? "" : "s"}, and ${args.length} ${args.length === 1 ? "is" : "are"} given`,
    syntax.span,
    record.parameters === 0 ? `write \`${name}\`` : `write \`${name}(${["-1", "1"].slice(-record.parameters).join(", ")})\``,
  );
  return undefined;
}
