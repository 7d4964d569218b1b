/**
 * What can be said of declarations without running a model: names given twice, operators that compute nothing, rules
 * and schedules that can never apply, and unknown names wherever no model comes by to report them.
 */
import type { Declaration, FnDeclaration, OpDeclaration, SourceFile, StatementSyntax } from "../ir/declaration.ts";
import { isSourceDType } from "../ir/dtype.ts";
import { scalarFunctions } from "../ir/scalar_functions.ts";
import { type Diagnostic, errorDiagnostic, type Span } from "../support/diagnostic.ts";
import { nearest } from "../support/nearest.ts";
import { symbolsOf } from "./bind.ts";
import { checkRule } from "./check_rule.ts";
import { builtins, undeclaredFunction } from "./compile_time.ts";
import { isExpansion } from "./instantiate.ts";
import type { Module } from "./module.ts";
import { bind, type Use, usesIn, usesInBody, usesInType } from "./names_used.ts";
import { reachedFrom } from "./reached.ts";

export const targets = ["wasm", "webgpu", "reference"] as const;

export function checkDeclarations(files: readonly SourceFile[], module: Module): Diagnostic[] {
  const reached = reachedFrom(module.models, module);
  return files.flatMap(({ declarations }) =>
    declarations.flatMap((declaration) => [
      ...checkNames(declaration),
      ...checkMeaning(declaration, module),
      ...(reached.has(declaration) ? [] : checkUnreached(declaration, module)),
    ]),
  );
}

function checkMeaning(declaration: Declaration, module: Module): Diagnostic[] {
  switch (declaration.kind) {
    case "op":
      return [...checkOperator(declaration), ...functionsIn(declaration, module)];
    case "rule":
      return [
        ...(declaration.target === undefined ? [] : checkTarget(declaration.target, declaration.nameSpan)),
        ...checkRule(declaration, module),
      ];
    case "sketch":
    case "schedule":
      return checkTarget(declaration.target, declaration.nameSpan);
    case "def":
    case "fn":
    case "model":
      return [];
  }
}

type Named = { readonly name: string; readonly span: Span };

function checkNames(declaration: Declaration): Diagnostic[] {
  const whose = `\`${declaration.name}\``;
  const lets = "body" in declaration && declaration.kind !== "def" ? repeatedLets(declaration.body) : [];
  switch (declaration.kind) {
    case "def": {
      const parameters = declaration.parameters.map((name) => ({ name, span: declaration.nameSpan }));
      return repeated(parameters, (name) => `${whose} has two parameters \`${name}\``);
    }
    case "op": {
      const parameters = [...declaration.operands, ...declaration.attributes];
      const twice = repeated(parameters, (name) => `${whose} has two parameters \`${name}\``);
      return [...twice, ...repeatedResults([...parameters, ...declaration.results], parameters.length, whose), ...lets];
    }
    case "fn": {
      const { operands, attributes, scopes, results } = declaration;
      const twice = repeated([...operands, ...attributes], (name) => `${whose} has two parameters \`${name}\``);
      return [
        ...twice,
        ...repeated(scopes, (name) => `${whose} has two weight scopes \`@${name}\``),
        ...repeatedResults(results, 0, whose),
        ...lets,
      ];
    }
    case "model": {
      const twice = repeated(declaration.inputs, (name) => `${whose} has two inputs \`${name}\``);
      return [...twice, ...repeatedResults(declaration.results, 0, whose), ...lets];
    }
    case "rule":
      return repeated([...declaration.operands, ...declaration.attributes], (name) => `${whose} has two parameters \`${name}\``);
    case "sketch":
      return repeated(declaration.axes, (name) => `${whose} has two axes \`${name}\``);
    case "schedule":
      return [];
  }
}

function repeated(items: readonly Named[], say: (name: string) => string, help = "give one of them another name"): Diagnostic[] {
  const first = new Map<string, Named>();
  return items.flatMap((item) => {
    const known = first.get(item.name);
    if (!known) first.set(item.name, item);
    if (!known || item.name === "_") return [];
    const notes = known.span === item.span ? [] : [{ message: "the first stands here", span: known.span }];
    return [errorDiagnostic("duplicate-name", say(item.name), { span: item.span, notes, help })];
  });
}

/** Results that have the name of one another, or of one of the parameters before them. */
function repeatedResults(items: readonly Named[], parameters: number, whose: string): Diagnostic[] {
  const leading = new Set(items.slice(0, parameters).map(({ name }) => name));
  const results = items.slice(parameters);
  const taken = results.filter(({ name }) => leading.has(name));
  const help = "give one of them another name";
  return [
    ...taken.map(({ name, span }) =>
      errorDiagnostic("duplicate-name", `${whose} has a parameter and a result \`${name}\``, { span, help }),
    ),
    ...repeated(results, (name) => `${whose} has two results \`${name}\``),
  ];
}

/** A second `let` of a name in one block; in a block within it may stand for something else. */
function repeatedLets(body: readonly StatementSyntax[]): Diagnostic[] {
  const named = body.flatMap((statement) =>
    statement.kind === "let" ? statement.pattern.names.map((name) => ({ name, span: statement.pattern.span })) : [],
  );
  const inner = body.flatMap((statement) => {
    if (statement.kind === "for") return repeatedLets(statement.body);
    return statement.kind === "when" ? [...repeatedLets(statement.whenTrue), ...repeatedLets(statement.otherwise)] : [];
  });
  const help = "give it another name, or leave out `let` to give the first a new value";
  return [...repeated(named, (name) => `\`${name}\` is defined twice in one block`, help), ...inner];
}

function checkTarget(target: string, span: Span): Diagnostic[] {
  if (targets.some((known) => known === target)) return [];
  const suggestion = nearest(target, targets);
  return [
    errorDiagnostic("unknown-target", `there is no target \`${target}\``, {
      span,
      help: suggestion ? `did you mean \`${suggestion}\`?` : `the targets are ${targets.join(", ")}`,
    }),
  ];
}

/** An operator computes its results, by equations or by an expansion. */
function checkOperator(operator: OpDeclaration): Diagnostic[] {
  const { name, nameSpan, results, body } = operator;
  const shown = results[0]?.name ?? "y";
  if (results.length === 0)
    return [
      errorDiagnostic("no-result", `the operator \`${name}\` has no result`, {
        span: nameSpan,
        help: "write `-> y: [...]` after its parameters",
      }),
    ];
  const given = givenIn(body);
  if (!given.hasValue && given.names.length === 0)
    return [
      errorDiagnostic("empty-operator", `the operator \`${name}\` has neither an equation nor an expansion`, {
        span: nameSpan,
        help: `write \`${shown}[i, j] = ...\` for its elements, or \`${shown} = ...\` with other operators`,
      }),
    ];
  const known = results.map((result) => result.name);
  const unknown = body.flatMap((statement) => {
    if (statement.kind !== "equation" || known.includes(statement.result)) return [];
    const suggestion = nearest(statement.result, known);
    const help = suggestion ? `did you mean \`${suggestion}\`?` : `its results are ${known.join(", ")}`;
    return [errorDiagnostic("unknown-result", `\`${name}\` has no result \`${statement.result}\``, { span: statement.span, help })];
  });
  const missing = isExpansion(operator) && !given.hasValue ? results.filter((result) => !given.names.includes(result.name)) : [];
  return [
    ...unknown,
    ...missing.map((result) =>
      errorDiagnostic("missing-result", `the expansion \`${name}\` does not say what its result \`${result.name}\` is`, {
        span: result.span,
        help: `write \`${result.name} = ...\``,
      }),
    ),
  ];
}

/** The names a body gives a value with an equation or `=`, in its blocks too, and whether a line is a value. */
function givenIn(body: readonly StatementSyntax[]): { names: string[]; hasValue: boolean } {
  const names: string[] = [];
  let hasValue = false;
  for (const statement of body) {
    if (statement.kind === "equation") names.push(statement.result);
    if (statement.kind === "assign") names.push(statement.name);
    if (statement.kind === "value") hasValue = true;
    const blocks = statement.kind === "for" ? [statement.body] : statement.kind === "when" ? [statement.whenTrue, statement.otherwise] : [];
    for (const inner of blocks.map(givenIn)) {
      names.push(...inner.names);
      hasValue ||= inner.hasValue;
    }
  }
  return { names, hasValue };
}

/** Functions are gone once a model is elaborated, and expansions are run after that. */
function functionsIn(operator: OpDeclaration, module: Module): Diagnostic[] {
  if (!isExpansion(operator)) return [];
  return usesInBody(operator.body, new Set())
    .filter((use) => use.kind === "call" && module.functions.has(use.name))
    .map(({ name, span }) =>
      errorDiagnostic(
        "function-in-operator",
        `the operator \`${operator.name}\` calls the function \`${name}\`, and an operator calls only operators`,
        {
          span,
          help: `declare \`${name}\` with \`op\`, or \`${operator.name}\` with \`fn\``,
        },
      ),
    );
}

/** Unknown names in what no model calls; what one calls is reported when it is elaborated. */
function checkUnreached(declaration: Declaration, module: Module): Diagnostic[] {
  switch (declaration.kind) {
    case "def":
      return unknown(usesIn(declaration.body, new Set(declaration.parameters)), module, "plain");
    case "op":
    case "fn":
      return checkCallable(declaration, module);
    default:
      return [];
  }
}

function checkCallable(declaration: OpDeclaration | FnDeclaration, module: Module): Diagnostic[] {
  const { operands, attributes, results, body } = declaration;
  const dimensions = operands.flatMap(({ type }) => type.dimensions.flatMap(({ name }) => (name === undefined ? [] : [name])));
  const parameters = [...dimensions, ...attributes.flatMap((attribute) => [attribute.name, ...symbolsOf(attribute)])];
  const outer = bind(
    new Set(parameters),
    operands.map(({ name }) => name),
  );
  const defaults = attributes.flatMap((attribute) => (attribute.default ? usesIn(attribute.default, outer) : []));
  const types = operands.flatMap(({ type }) => usesInType(type, outer));
  const inner = bind(outer, [
    ...letsOf(body),
    ...results.flatMap(({ name, type }) => [name, ...(type?.dimensions ?? []).flatMap(({ name }) => name ?? [])]),
  ]);
  const isPlain = declaration.kind === "op" && !isExpansion(declaration);
  const resultTypes = declaration.kind === "op" ? results.flatMap(({ type }) => (type ? usesInType(type, inner) : [])) : [];
  return [
    ...unknown([...types, ...defaults, ...resultTypes], module, "plain"),
    ...unknown(
      usesInBody(
        body,
        bind(
          outer,
          results.map(({ name }) => name),
        ),
      ),
      module,
      isPlain ? "plain" : "tensor",
    ),
  ];
}

function letsOf(body: readonly StatementSyntax[]): string[] {
  return body.flatMap((statement) => (statement.kind === "let" ? statement.pattern.names : []));
}

/** Diagnostics for the uses that mean nothing, among plain values or among tensors. */
function unknown(uses: readonly Use[], module: Module, among: "plain" | "tensor"): Diagnostic[] {
  const plain = [...module.definitions.keys(), ...Object.keys(scalarFunctions), ...builtins];
  const callees = among === "plain" ? plain : [...module.functions.keys(), ...module.operators.keys(), ...plain];
  return uses.flatMap((use) => {
    if (module.broken?.has(use.name) || isSourceDType(use.name)) return [];
    if (use.kind === "name") {
      if (use.argumentOf !== undefined && wordsOf(use.argumentOf, module).includes(use.name)) return [];
      const message = `\`${use.name}\` is not defined here`;
      const suggestion = nearest(use.name, use.inScope);
      return [
        errorDiagnostic("unknown-name", message, {
          span: use.span,
          help: suggestion ? `did you mean \`${suggestion}\`?` : `define it before: \`let ${use.name} = ...\``,
        }),
      ];
    }
    if (callees.includes(use.name)) return [];
    const suggestion = nearest(use.name, callees);
    const declared = among === "plain" ? undeclaredFunction(use.name, module.operators.has(use.name)) : "declare it with `op` or `fn`";
    const help = suggestion ? `did you mean \`${suggestion}\`?` : declared;
    return among === "plain"
      ? [errorDiagnostic("unknown-function", `\`${use.name}\` is not a scalar function or a definition`, { span: use.span, help })]
      : [errorDiagnostic("unknown-operator", `there is no operator or function \`${use.name}\``, { span: use.span, help })];
  });
}

/** Bare words that a callee's attributes take. */
function wordsOf(callee: string, module: Module): string[] {
  const declaration = module.functions.get(callee) ?? module.operators.get(callee);
  return declaration?.attributes.flatMap(symbolsOf) ?? [];
}
