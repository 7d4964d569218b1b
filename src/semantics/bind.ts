/**
 * Binding a call: tensor types against parameter patterns, attribute values against attribute types.
 * The outcome is a scope in which the declaration's body is evaluated.
 */

import type { AttributeParameter, DimensionSyntax, TensorParameter, TypeSyntax } from "../ir/declaration.ts";
import { type DType, formatType, gibibytes, isSourceDType, memoryLimit, type TensorType, typeBytes } from "../ir/dtype.ts";
import type { Attributes, AttributeValue } from "../ir/nn.ts";
import { printSyntax, printType } from "../ir/print_declaration.ts";
import { errorDiagnostic, type Note, type Span } from "../support/diagnostic.ts";
import { exactJson } from "../support/exact_json.ts";
import { nearest } from "../support/nearest.ts";
import { exampleOf, fits, formatAttribute, formatAttributeType } from "./attribute_type.ts";
import { evaluate, evaluateInteger, evaluateIntegers } from "./compile_time.ts";
import { extendScope, listValue, numberValue, poison, report, type Scope, type Value } from "./value.ts";

/** What type variables stand for; the dtype of types that name none has the key "". */
export type DTypes = Map<string, DType>;

/** Where the arguments of a call stand, for mistakes about one of them. */
export type Places = { readonly operands: readonly Span[]; readonly attributes: ReadonlyMap<string, Span> };

export type BoundOperands = { readonly scope: Scope; readonly names: readonly string[]; readonly dtypes: DTypes };

/** Binds operand types to parameters: names of dimensions, packs, dtypes and the operands themselves. */
export function bindOperands(
  callee: string,
  parameters: readonly TensorParameter[],
  operands: readonly TensorType[],
  scope: Scope,
  span: Span,
  places?: Places,
): BoundOperands | undefined {
  const variadic = parameters.at(-1)?.variadic ?? false;
  const fixed = variadic ? parameters.length - 1 : parameters.length;
  if (operands.length < fixed || (!variadic && operands.length > fixed)) {
    const wanted = parameters.map((parameter) => (parameter.variadic ? `${parameter.name}...` : parameter.name)).join(", ");
    report(
      scope,
      "operand-count",
      `\`${callee}\` takes ${variadic ? "at least " : ""}${fixed} tensor${fixed === 1 ? "" : "s"} (${wanted}), and ${operands.length} ${operands.length === 1 ? "is" : "are"} given`,
      span,
      `write \`${callee}(${wanted})\``,
    );
    return undefined;
  }
  const binder: Binder = { callee, dtypes: new Map(), owners: new Map(), dimensions: new Map(), deferred: [], scope };
  const names: string[] = [];
  const values: [string, Value][] = [];
  parameters.forEach((parameter, i) => {
    const given = parameter.variadic ? operands.slice(i) : operands.slice(i, i + 1);
    const bound = given.map((type, k): Value => {
      const name = parameter.variadic ? `${parameter.name}.${k}` : parameter.name;
      names.push(name);
      const operand = { parameter, name, type, span: places?.operands[i + k] ?? span };
      bindDType(operand, binder);
      if (k === 0) bindDimensions(operand, binder);
      return { kind: "operand", name, type };
    });
    values.push([parameter.name, parameter.variadic ? listValue(bound) : (bound[0] as Value)]);
  });
  const bound = extendScope(scope, [...[...binder.dimensions].map(([name, { value }]) => [name, value] as const), ...values]);
  const fine = binder.deferred
    .map(({ dimension, extent, operand }) => checkDimension(dimension, extent, operand, bound, binder))
    .every(Boolean);
  return fine && !binder.failed ? { scope: bound, names, dtypes: binder.dtypes } : undefined;
}

/** Binds attributes: those given are checked, the others take their defaults, in order of declaration. */
export function bindAttributes(
  callee: string,
  parameters: readonly AttributeParameter[],
  given: ReadonlyMap<string, Value>,
  scope: Scope,
  span: Span,
  places?: Places,
): { scope: Scope; attributes: Attributes } | undefined {
  let fine = true;
  const placeOf = (name: string) => places?.attributes.get(name) ?? span;
  for (const name of given.keys()) {
    if (parameters.some((parameter) => parameter.name === name)) continue;
    const suggestion = nearest(
      name,
      parameters.map((parameter) => parameter.name),
    );
    const known = parameters.length ? `its attributes are ${parameters.map((parameter) => parameter.name).join(", ")}` : "it takes none";
    report(
      scope,
      "unknown-attribute",
      `\`${callee}\` has no attribute \`${name}\`: ${known}`,
      placeOf(name),
      suggestion ? `did you mean \`${suggestion}\`?` : "leave it out",
    );
    fine = false;
  }
  const attributes: { [name: string]: AttributeValue } = {};
  let inner = scope;
  for (const parameter of parameters) {
    const value = given.get(parameter.name) ?? defaultOf(callee, parameter, inner, span);
    const checked = value && value.kind !== "poison" ? checkAttribute(callee, parameter, value, inner, placeOf(parameter.name)) : undefined;
    if (checked === undefined) {
      fine = false;
      // What refers to it is no mistake of its own.
      inner = extendScope(inner, [[parameter.name, poison]]);
    } else {
      attributes[parameter.name] = checked;
      inner = extendScope(inner, [[parameter.name, valueOfAttribute(checked)]]);
    }
  }
  return fine ? { scope: inner, attributes } : undefined;
}

export function valueOfAttribute(attribute: AttributeValue): Value {
  if (typeof attribute === "number") return numberValue(attribute);
  if (typeof attribute === "boolean") return { kind: "boolean", value: attribute };
  if (typeof attribute === "string") return { kind: "symbol", name: attribute };
  return listValue(attribute.map(valueOfAttribute));
}

export function valuesOfAttributes(attributes: Attributes): Map<string, Value> {
  return new Map(Object.entries(attributes).map(([name, value]) => [name, valueOfAttribute(value)]));
}

export function attributeOfValue(value: Value): AttributeValue | undefined {
  switch (value.kind) {
    case "number":
    case "boolean":
      return value.value;
    case "symbol":
      return value.name;
    case "list": {
      const items = value.items.map(attributeOfValue);
      return items.every((item) => item !== undefined) ? (items as AttributeValue[]) : undefined;
    }
    default:
      return undefined;
  }
}

/** The concrete type that a type pattern denotes in a scope; names given with `name = e` are bound on the way. */
export function evaluateType(
  syntax: TypeSyntax,
  dtypes: DTypes,
  scope: Scope,
  what: string,
  span: Span,
): { type: TensorType; scope: Scope } | undefined {
  const dtype = evaluateDType(syntax, dtypes, scope, span);
  const shape: number[] = [];
  let inner = scope;
  let fine = dtype !== undefined;
  for (const dimension of syntax.dimensions) {
    const extents = evaluateDimension(dimension, inner);
    if (!extents) fine = false;
    for (const extent of extents ?? []) {
      if (extent < 0) {
        report(
          inner,
          "negative-extent",
          `${what} would have extent ${extent} in dimension ${shape.length}: the input is smaller than what is taken from it`,
          span,
          "give a larger input, or a smaller part to take from it",
        );
        fine = false;
      }
      shape.push(extent);
    }
    if (dimension.name && dimension.value && extents?.length === 1)
      inner = extendScope(inner, [[dimension.name, numberValue(extents[0] as number)]]);
  }
  if (!fine || !dtype) return undefined;
  const bytes = typeBytes({ dtype, shape });
  if (bytes > memoryLimit) {
    const help = "make it smaller, or take a part of it at a time";
    report(inner, "too-large", `${what} would take ${gibibytes(bytes)}, and WebAssembly addresses ${gibibytes(memoryLimit)}`, span, help);
    return undefined;
  }
  return { type: { dtype, shape }, scope: inner };
}

type Operand = { readonly parameter: TensorParameter; readonly name: string; readonly type: TensorType; readonly span: Span };

type Binder = {
  readonly callee: string;
  readonly dtypes: DTypes;
  /** The operand that first gave a type variable its meaning. */
  readonly owners: Map<string, Operand>;
  readonly dimensions: Map<string, { readonly value: Value; readonly operand: Operand }>;
  readonly deferred: { readonly dimension: DimensionSyntax; readonly extent: number | readonly number[]; readonly operand: Operand }[];
  readonly scope: Scope;
  failed?: true;
};

function fail(binder: Binder, code: string, message: string, span: Span, help?: string, notes: readonly Note[] = []): void {
  binder.failed = true;
  // Two operands of one place need no note that points from one to the other.
  const elsewhere = notes.filter((note) => note.span?.start !== span.start || note.span?.end !== span.end);
  binder.scope.staging.report(errorDiagnostic(code, message, { span, help, notes: elsewhere }));
}

function bindDType(operand: Operand, binder: Binder): void {
  const { parameter, name, type, span } = operand;
  const { dtype } = parameter.type;
  if (dtype !== undefined && isSourceDType(dtype)) {
    if (dtype === type.dtype) return;
    const message = `\`${binder.callee}\` takes ${dtype} for \`${name}\`, and this is ${formatType(type)}`;
    fail(binder, "type-mismatch", message, span, `convert it: cast(..., to: ${dtype})`);
    return;
  }
  const variable = dtype ?? "";
  const known = binder.dtypes.get(variable);
  const owner = binder.owners.get(variable);
  if (known === undefined) {
    binder.dtypes.set(variable, type.dtype);
    binder.owners.set(variable, operand);
  } else if (known !== type.dtype) {
    const message = `\`${binder.callee}\`: \`${owner?.name}\` holds ${known} and \`${name}\` ${type.dtype}, and both must hold the same`;
    const notes = owner ? [{ message: `\`${owner.name}\` is ${formatType(owner.type)}`, span: owner.span }] : [];
    fail(binder, "type-mismatch", message, span, `convert one: cast(..., to: ${known})`, notes);
  }
}

function bindDimensions(operand: Operand, binder: Binder): void {
  const { parameter, type } = operand;
  const { dimensions } = parameter.type;
  const spread = dimensions.findIndex((dimension) => dimension.spread);
  const plain = dimensions.length - (spread >= 0 ? 1 : 0);
  if (type.shape.length < plain || (spread < 0 && type.shape.length > plain)) {
    const wanted = spread < 0 ? `${plain} dimension${plain === 1 ? "" : "s"}` : `at least ${plain} dimension${plain === 1 ? "" : "s"}`;
    const message = `\`${binder.callee}\` takes \`${operand.name}\` with ${wanted}, ${printType(parameter.type)}, and ${formatType(type)} has ${type.shape.length}`;
    fail(binder, "rank-mismatch", message, operand.span, `give it the shape ${printType(parameter.type)}`);
    return;
  }
  const taken = type.shape.length - plain;
  let position = 0;
  for (const dimension of dimensions) {
    const length = dimension.spread ? taken : 1;
    const extents = type.shape.slice(position, position + length);
    position += length;
    const extent = dimension.spread ? extents : (extents[0] as number);
    if (dimension.name && !dimension.value) bindDimension(dimension.name, extent, operand, binder);
    else binder.deferred.push({ dimension, extent, operand });
  }
}

function bindDimension(name: string, extent: number | readonly number[], operand: Operand, binder: Binder): void {
  const known = binder.dimensions.get(name);
  const value = typeof extent === "number" ? numberValue(extent) : listValue(extent.map(numberValue));
  if (!known) {
    binder.dimensions.set(name, { value, operand });
    return;
  }
  if (exactJson(known.value) === exactJson(value)) return;
  const [first, second] = [formatExtent(extentOf(known.value)), formatExtent(extent)];
  const earlier = known.operand;
  const message = `\`${binder.callee}\`: dimension \`${name}\` is ${first} in \`${earlier.name}\` (${formatType(earlier.type)}) and ${second} in \`${operand.name}\` (${formatType(operand.type)})`;
  fail(binder, "shape-mismatch", message, operand.span, `make \`${name}\` ${first} in both, or ${second}`, [
    { message: `\`${name}\` is ${first} here`, span: earlier.span },
  ]);
}

function extentOf(value: Value): number | readonly number[] {
  if (value.kind === "number") return value.value;
  return value.kind === "list" ? value.items.map((item) => (item.kind === "number" ? item.value : Number.NaN)) : [];
}

function formatExtent(extent: number | readonly number[]): string {
  return typeof extent === "number" ? String(extent) : `[${extent.join(", ")}]`;
}

function checkDimension(
  dimension: DimensionSyntax,
  extent: number | readonly number[],
  operand: Operand,
  scope: Scope,
  binder: Binder,
): boolean {
  const wanted = evaluateDimension(dimension, scope);
  if (!wanted) return false;
  const actual = typeof extent === "number" ? [extent] : extent;
  if (wanted.length === actual.length && wanted.every((value, i) => value === actual[i])) return true;
  const [is, must] = dimension.spread ? [formatExtent(actual), formatExtent(wanted)] : [actual.join(), wanted.join()];
  const syntax = dimension.value ? printSyntax(dimension.value) : `${dimension.name}`;
  const needed = /^\d+$/.test(syntax) ? must : `${must} (\`${syntax}\`)`;
  const message = `\`${binder.callee}\`: \`${operand.name}\` (${formatType(operand.type)}) has ${is} where ${needed} is needed`;
  fail(binder, "shape-mismatch", message, operand.span, `make it ${must}`);
  return false;
}

function evaluateDimension(dimension: DimensionSyntax, scope: Scope): readonly number[] | undefined {
  const syntax = dimension.value ?? { kind: "name" as const, name: dimension.name ?? "", span: dimension.span };
  if (dimension.spread) return evaluateIntegers(syntax, "a pack of dimensions", scope);
  const extent = evaluateInteger(syntax, "an extent", scope);
  return extent === undefined ? undefined : [extent];
}

function evaluateDType(syntax: TypeSyntax, dtypes: DTypes, scope: Scope, span: Span): DType | undefined {
  if (syntax.dtype === undefined) return dtypes.get("") ?? "f32";
  if (isSourceDType(syntax.dtype)) return syntax.dtype;
  const bound = dtypes.get(syntax.dtype);
  if (bound) return bound;
  const attribute = scope.values.get(syntax.dtype);
  if (attribute?.kind === "symbol" && isSourceDType(attribute.name)) return attribute.name;
  report(
    scope,
    "unknown-dtype",
    `\`${syntax.dtype}\` is not an element type`,
    span,
    "the element types are f32, f16, i8, u8, i32, i64 and bool",
  );
  return undefined;
}

function defaultOf(callee: string, parameter: AttributeParameter, scope: Scope, span: Span): Value | undefined {
  if (parameter.default) {
    const symbol = parameter.default.kind === "name" && symbolsOf(parameter).includes(parameter.default.name);
    return symbol && parameter.default.kind === "name"
      ? { kind: "symbol", name: parameter.default.name }
      : evaluate(parameter.default, scope);
  }
  report(
    scope,
    "missing-attribute",
    `\`${callee}\` needs its attribute \`${parameter.name}\``,
    span,
    `write \`${callee}(..., ${parameter.name}: ...)\``,
  );
  return undefined;
}

export function symbolsOf(parameter: AttributeParameter): string[] {
  return parameter.types.flatMap((type) => (type.kind === "symbol" ? [type.name] : []));
}

function checkAttribute(callee: string, parameter: AttributeParameter, value: Value, scope: Scope, span: Span): AttributeValue | undefined {
  const attribute = attributeOfValue(value);
  if (attribute !== undefined && parameter.types.some((type) => fits(attribute, type, scope))) return attribute;
  const shown = attribute === undefined ? "not known at compile time" : formatAttribute(attribute);
  const types = parameter.types.map((type) => formatAttributeType(type, scope));
  const wanted = types.length === 1 ? types.join() : `${types.slice(0, -1).join(", ")} or ${types.at(-1)}`;
  report(
    scope,
    "attribute-type",
    `\`${callee}\`: attribute \`${parameter.name}\` is ${wanted}, and ${shown} is given`,
    span,
    `write, for example, \`${parameter.name}: ${exampleOf(parameter.types[0], scope)}\``,
  );
  return undefined;
}
