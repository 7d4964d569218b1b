/** Fields of a decoded message, by the types that the schema gives them; one that the file leaves out is undefined or empty. */
import type { Message, MessageField } from "../../formats/onnx.ts";

export function textField(message: Message, field: string): string {
  const value = own(message, field);
  return typeof value === "string" ? value : "";
}

export function integerField(message: Message, field: string): bigint | undefined {
  const value = own(message, field);
  return typeof value === "bigint" ? value : typeof value === "number" ? BigInt(value) : undefined;
}

/** A number that is no extent or size: codes and versions. */
export function codeField(message: Message, field: string): number {
  return Number(integerField(message, field) ?? 0n);
}

export function floatField(message: Message, field: string): number | undefined {
  const value = own(message, field);
  return typeof value === "number" ? value : undefined;
}

export function bytesField(message: Message, field: string): Uint8Array | undefined {
  const value = own(message, field);
  return value instanceof Uint8Array ? value : undefined;
}

export function messageField(message: Message, field: string): Message | undefined {
  const value = own(message, field);
  return value !== undefined && isMessage(value) ? value : undefined;
}

export function messagesField(message: Message, field: string): readonly Message[] {
  return listOf(message, field).filter(isMessage);
}

export function textsField(message: Message, field: string): readonly string[] {
  return listOf(message, field).filter((value) => typeof value === "string");
}

export function bytesListField(message: Message, field: string): readonly Uint8Array[] {
  return listOf(message, field).filter((value) => value instanceof Uint8Array);
}

export function integersField(message: Message, field: string): readonly bigint[] {
  return listOf(message, field).filter((value) => typeof value === "bigint");
}

export function numbersField(message: Message, field: string): readonly number[] {
  return listOf(message, field).filter((value) => typeof value === "number");
}

function own(message: Message, field: string): MessageField | undefined {
  return Object.hasOwn(message, field) ? message[field] : undefined;
}

function listOf(message: Message, field: string): readonly MessageField[] {
  const value = own(message, field);
  return isList(value) ? value : [];
}

function isList(value: MessageField | undefined): value is readonly MessageField[] {
  return Array.isArray(value);
}

function isMessage(value: MessageField): value is Message {
  return typeof value === "object" && !(value instanceof Uint8Array) && !isList(value);
}
