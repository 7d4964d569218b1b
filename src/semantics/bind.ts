/**
 * Binding a call: tensor types against parameter patterns, attribute values against attribute types.
 * The outcome is a scope in which the declaration's body is evaluated.
 */

import type { AttributeParameter, AttributeType, DimensionSyntax, TensorParameter, TypeSyntax } from "../ir/declaration.ts";
import { type DType, formatType, isDType, type TensorType } from "../ir/dtype.ts";
import type { Attributes, AttributeValue } from "../ir/nn.ts";
import type { Span } from "../support/diagnostic.ts";
import { nearest } from "../support/nearest.ts";
import { evaluate, evaluateInteger, evaluateIntegers } from "./compile_time.ts";
import { extendScope, listValue, numberValue, report, type Scope, type Value } from "./value.ts";

/** What type variables stand for; the dtype of types that name none has the key "". */
export type DTypes = Map<string, DType>;

export type BoundOperands = { readonly scope: Scope; readonly names: readonly string[]; readonly dtypes: DTypes };

/** Binds operand types to parameters: names of dimensions, packs, dtypes and the operands themselves. */
export function bindOperands(
  callee: string,
  parameters: readonly TensorParameter[],
  operands: readonly TensorType[],
  scope: Scope,
  span: Span,
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
    );
    return undefined;
  }
  const binder: Binder = { callee, span, dtypes: new Map(), dimensions: new Map(), deferred: [], scope };
  const names: string[] = [];
  const values: [string, Value][] = [];
  parameters.forEach((parameter, i) => {
    const given = parameter.variadic ? operands.slice(i) : operands.slice(i, i + 1);
    const bound = given.map((type, k): Value => {
      const name = parameter.variadic ? `${parameter.name}.${k}` : parameter.name;
      names.push(name);
      bindDType(parameter, type, binder);
      if (k === 0) bindDimensions(parameter, type, binder);
      return { kind: "operand", name, type };
    });
    values.push([parameter.name, parameter.variadic ? listValue(bound) : (bound[0] as Value)]);
  });
  const bound = extendScope(scope, [...[...binder.dimensions].map(([name, { value }]) => [name, value] as const), ...values]);
  const fine = binder.deferred
    .map(({ dimension, extent, parameter }) => checkDimension(dimension, extent, parameter, bound, binder))
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
): { scope: Scope; attributes: Attributes } | undefined {
  let fine = true;
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
      span,
      suggestion ? `did you mean \`${suggestion}\`?` : undefined,
    );
    fine = false;
  }
  const attributes: { [name: string]: AttributeValue } = {};
  let inner = scope;
  for (const parameter of parameters) {
    const value = given.get(parameter.name) ?? defaultOf(callee, parameter, inner, span);
    const checked = value && value.kind !== "poison" ? checkAttribute(callee, parameter, value, inner, span) : undefined;
    if (checked === undefined) fine = false;
    else {
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
        );
        fine = false;
      }
      shape.push(extent);
    }
    if (dimension.name && dimension.value && extents?.length === 1)
      inner = extendScope(inner, [[dimension.name, numberValue(extents[0] as number)]]);
  }
  return fine && dtype ? { type: { dtype, shape }, scope: inner } : undefined;
}

type Binder = {
  readonly callee: string;
  readonly span: Span;
  readonly dtypes: DTypes;
  readonly dimensions: Map<string, { readonly value: Value; readonly parameter: string; readonly type: TensorType }>;
  readonly deferred: { readonly dimension: DimensionSyntax; readonly extent: number | readonly number[]; readonly parameter: string }[];
  readonly scope: Scope;
  failed?: true;
};

function fail(binder: Binder, code: string, message: string, help?: string): void {
  binder.failed = true;
  report(binder.scope, code, message, binder.span, help);
}

function bindDType(parameter: TensorParameter, type: TensorType, binder: Binder): void {
  const { dtype } = parameter.type;
  if (dtype !== undefined && isDType(dtype)) {
    if (dtype !== type.dtype)
      fail(
        binder,
        "type-mismatch",
        `\`${binder.callee}\` takes ${dtype} for \`${parameter.name}\`, and this is ${formatType(type)}`,
        `convert it: cast(..., to: ${dtype})`,
      );
    return;
  }
  const variable = dtype ?? "";
  const known = binder.dtypes.get(variable);
  if (known === undefined) binder.dtypes.set(variable, type.dtype);
  else if (known !== type.dtype)
    fail(
      binder,
      "type-mismatch",
      `\`${binder.callee}\`: \`${parameter.name}\` holds ${type.dtype} and an operand before it ${known}; both must be alike`,
    );
}

function bindDimensions(parameter: TensorParameter, type: TensorType, binder: Binder): void {
  const { dimensions } = parameter.type;
  const spread = dimensions.findIndex((dimension) => dimension.spread);
  const plain = dimensions.length - (spread >= 0 ? 1 : 0);
  if (type.shape.length < plain || (spread < 0 && type.shape.length > plain)) {
    const wanted = spread < 0 ? `${plain} dimension${plain === 1 ? "" : "s"}` : `at least ${plain} dimensions`;
    fail(
      binder,
      "rank-mismatch",
      `\`${binder.callee}\` takes \`${parameter.name}\` with ${wanted}, and ${formatType(type)} has ${type.shape.length}`,
    );
    return;
  }
  const taken = type.shape.length - plain;
  let position = 0;
  for (const dimension of dimensions) {
    const length = dimension.spread ? taken : 1;
    const extents = type.shape.slice(position, position + length);
    position += length;
    const extent = dimension.spread ? extents : (extents[0] as number);
    if (dimension.name && !dimension.value) bindDimension(dimension.name, extent, parameter, type, binder);
    else binder.deferred.push({ dimension, extent, parameter: `\`${parameter.name}\` (${formatType(type)})` });
  }
}

function bindDimension(
  name: string,
  extent: number | readonly number[],
  parameter: TensorParameter,
  type: TensorType,
  binder: Binder,
): void {
  const known = binder.dimensions.get(name);
  const value = typeof extent === "number" ? numberValue(extent) : listValue(extent.map(numberValue));
  if (!known) binder.dimensions.set(name, { value, parameter: parameter.name, type });
  else if (JSON.stringify(known.value) !== JSON.stringify(value)) {
    const earlier = known.value.kind === "number" ? known.value.value : `[${known.type.shape.join(", ")}]`;
    fail(
      binder,
      "shape-mismatch",
      `\`${binder.callee}\`: dimension \`${name}\` is ${earlier} in \`${known.parameter}\` (${formatType(known.type)}) and ${typeof extent === "number" ? extent : `[${extent.join(", ")}]`} in \`${parameter.name}\` (${formatType(type)})`,
    );
  }
}

function checkDimension(
  dimension: DimensionSyntax,
  extent: number | readonly number[],
  parameter: string,
  scope: Scope,
  binder: Binder,
): boolean {
  const wanted = evaluateDimension(dimension, scope);
  if (!wanted) return false;
  const actual = typeof extent === "number" ? [extent] : extent;
  if (wanted.length === actual.length && wanted.every((value, i) => value === actual[i])) return true;
  fail(binder, "shape-mismatch", `\`${binder.callee}\`: ${parameter} has [${actual.join(", ")}] where [${wanted.join(", ")}] is needed`);
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
  if (isDType(syntax.dtype)) return syntax.dtype;
  const bound = dtypes.get(syntax.dtype);
  if (bound) return bound;
  const attribute = scope.values.get(syntax.dtype);
  if (attribute?.kind === "symbol" && isDType(attribute.name)) return attribute.name;
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
  const shown = attribute === undefined ? "not known at compile time" : JSON.stringify(attribute);
  report(
    scope,
    "attribute-type",
    `\`${callee}\`: attribute \`${parameter.name}\` is ${parameter.types.map((type) => formatAttributeType(type, scope)).join(" or ")}, and ${shown} is given`,
    span,
  );
  return undefined;
}

function fits(attribute: AttributeValue, type: AttributeType, scope: Scope): boolean {
  switch (type.kind) {
    case "int":
      return typeof attribute === "number" && Number.isInteger(attribute);
    case "float":
      return typeof attribute === "number";
    case "bool":
      return typeof attribute === "boolean";
    case "string":
      return typeof attribute === "string";
    case "dtype":
      return typeof attribute === "string" && isDType(attribute);
    case "symbol":
      return attribute === type.name;
    case "list": {
      const length = lengthOf(type, scope);
      return (
        typeof attribute === "object" &&
        (length === undefined || attribute.length === length) &&
        attribute.every((item) => fits(item, { kind: type.of }, scope))
      );
    }
  }
}

function lengthOf(type: Extract<AttributeType, { kind: "list" }>, scope: Scope): number | undefined {
  return type.length && evaluateInteger(type.length, "the length of a list", scope);
}

function formatAttributeType(type: AttributeType, scope: Scope): string {
  if (type.kind === "symbol") return `\`${type.name}\``;
  if (type.kind !== "list") return type.kind;
  return `${type.of}[${lengthOf(type, scope) ?? ""}]`;
}
