/** Types of attributes: which values fit one, and how types and values are written in messages. */
import type { AttributeType } from "../ir/declaration.ts";
import { isSourceDType } from "../ir/dtype.ts";
import type { AttributeValue } from "../ir/nn.ts";
import { evaluateInteger } from "./compile_time.ts";
import type { Scope } from "./value.ts";

export function fits(attribute: AttributeValue, type: AttributeType, scope: Scope): boolean {
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
      return typeof attribute === "string" && isSourceDType(attribute);
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

export function formatAttributeType(type: AttributeType, scope: Scope): string {
  if (type.kind === "symbol") return `\`${type.name}\``;
  if (type.kind !== "list") return type.kind;
  return `${type.of}[${lengthOf(type, scope) ?? ""}]`;
}

/** A value of the type, to show what is meant. */
export function exampleOf(type: AttributeType | undefined, scope: Scope): string {
  switch (type?.kind) {
    case "int":
      return "1";
    case "float":
      return "0.5";
    case "bool":
      return "true";
    case "dtype":
      return "f32";
    case "symbol":
      return type.name;
    case "list": {
      const length = Math.min(Math.max(lengthOf(type, scope) ?? 2, 0), 8);
      return `[${new Array<string>(length).fill(exampleOf({ kind: type.of }, scope)).join(", ")}]`;
    }
    case "string":
    case undefined:
      return '"..."';
  }
}

export function formatAttribute(attribute: AttributeValue): string {
  return typeof attribute === "object" ? `[${attribute.map(formatAttribute).join(", ")}]` : JSON.stringify(attribute);
}
