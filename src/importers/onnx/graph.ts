/** An ONNX file as data: decoded, checked for what every graph must hold, and nothing else decided. */
import { attributeTypes, decodeMessage, type Message } from "../../formats/onnx.ts";
import type { Diagnostic } from "../../support/diagnostic.ts";
import { errorDiagnostic } from "../../support/diagnostic.ts";
import type { ForeignFile, ImportedTensor } from "../importer.ts";
import { shownName } from "../limits.ts";
import { readFunctions, writeOutCalls } from "./functions.ts";
import {
  bytesField,
  bytesListField,
  codeField,
  floatField,
  integerField,
  integersField,
  messageField,
  messagesField,
  numbersField,
  textField,
  textsField,
} from "./message.ts";
import type { OnnxAttribute, OnnxNode } from "./node.ts";
import { readTensor } from "./tensor.ts";

/** A dimension is its extent, or the name of one that is open. */
export type OnnxValueInfo = {
  readonly name: string;
  readonly elementType: number;
  readonly dimensions: readonly (number | string)[] | undefined;
};

export type OnnxGraph = {
  readonly producer: string;
  readonly opset: number;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: ReadonlyMap<string, ImportedTensor>;
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
};

export const oldestOpset = 7;
export const newestOpset = 28;

export function readGraph(file: ForeignFile): { readonly graph: OnnxGraph } | { readonly diagnostics: readonly Diagnostic[] } {
  const fail = (message: string, help?: string) => ({ diagnostics: [errorDiagnostic("onnx", `${file.path}: ${message}`, { help })] });
  const decoded = decodeMessage("ModelProto", file.bytes);
  if (!("message" in decoded))
    return fail(`this is no ONNX file, or it is damaged: at byte ${decoded.offset}: ${shownName(decoded.problem)}`);
  const model = decoded.message;
  const graph = messageField(model, "graph");
  if (!graph) return fail("this is no ONNX file, or it is damaged: it holds no graph");
  const opset = messagesField(model, "opsetImport").find((entry) => ["", "ai.onnx"].includes(textField(entry, "domain")));
  if (!opset) return fail("this is no whole ONNX file: it names no operator set");
  const version = codeField(opset, "version");
  if (!(version >= 1)) return fail(`the operator set ${version} is none`);
  const problems: string[] = [];
  const initializers = new Map<string, ImportedTensor>();
  for (const message of messagesField(graph, "initializer")) {
    const name = textField(message, "name");
    const tensor = readTensor(message, (other) => file.neighbour(other));
    if (typeof tensor === "string") problems.push(`the initialiser \`${shownName(name)}\`: ${tensor}`);
    else initializers.set(name, tensor);
  }
  for (const message of messagesField(graph, "sparseInitializer"))
    problems.push(
      `the initialiser \`${shownName(textField(messageField(message, "values") ?? {}, "name"))}\` is sparse, which is not supported`,
    );
  const functions = readFunctions(
    messagesField(model, "functions"),
    (message) => readNode(message, file),
    (messages) => readAttributes(messages, file),
  );
  const nodes = writeOutCalls(
    messagesField(graph, "node").map((node) => readNode(node, file)),
    functions,
    version,
  );
  if (typeof nodes === "string") return fail(nodes);
  if (problems.length > 0) return { diagnostics: problems.map((problem) => errorDiagnostic("onnx", `${file.path}: ${problem}`)) };
  const infos = (field: string) => messagesField(graph, field).map(readValueInfo);
  const producer = [textField(model, "producerName"), textField(model, "producerVersion")].filter((part) => part !== "").join(" ");
  return { graph: { producer, opset: version, nodes, initializers, inputs: infos("input"), outputs: infos("output") } };
}

function readNode(message: Message, file: ForeignFile): OnnxNode {
  const domain = textField(message, "domain");
  const operator = textField(message, "opType");
  const outputs = textsField(message, "output");
  return {
    operator: domain === "" || domain === "ai.onnx" ? operator : `${domain}.${operator}`,
    name: textField(message, "name") || outputs.find((name) => name !== "") || operator,
    inputs: textsField(message, "input"),
    outputs,
    attributes: readAttributes(messagesField(message, "attribute"), file),
  };
}

function readAttributes(messages: readonly Message[], file: ForeignFile): ReadonlyMap<string, OnnxAttribute> {
  return new Map(messages.map((each) => [textField(each, "name"), readAttribute(each, file)] as const));
}

function readAttribute(message: Message, file: ForeignFile): OnnxAttribute {
  const reference = textField(message, "refAttrName");
  if (reference !== "") return { kind: "reference", name: reference };
  const type = codeField(message, "type") || impliedType(message);
  switch (type) {
    case attributeTypes.float:
      return { kind: "number", value: floatField(message, "f") ?? 0 };
    case attributeTypes.int:
      return { kind: "number", value: Number(integerField(message, "i") ?? 0n) };
    case attributeTypes.string:
      return { kind: "text", value: decodeText(bytesField(message, "s")) };
    case attributeTypes.tensor: {
      const tensor = messageField(message, "t");
      const value = tensor ? readTensor(tensor, (other) => file.neighbour(other)) : "it holds no tensor";
      return typeof value === "string" ? { kind: "other", problem: value } : { kind: "tensor", value };
    }
    case attributeTypes.floats:
      return { kind: "numbers", value: numbersField(message, "floats") };
    case attributeTypes.ints:
      return { kind: "numbers", value: integersField(message, "ints").map(Number) };
    case attributeTypes.strings:
      return { kind: "texts", value: bytesListField(message, "strings").map(decodeText) };
    default:
      return { kind: "other", problem: type === attributeTypes.graph ? "it is a graph" : `it is of the kind ${type}` };
  }
}

/** The oldest files do not say an attribute's type: the field that is there says it. */
function impliedType(message: Message): number {
  const { float, int, string, tensor, floats, ints, strings } = attributeTypes;
  const fields: readonly (readonly [string, number])[] = [
    ["f", float],
    ["i", int],
    ["s", string],
    ["t", tensor],
    ["floats", floats],
    ["ints", ints],
    ["strings", strings],
  ];
  return (
    fields.find(([field]) => Object.hasOwn(message, field) && !(Array.isArray(message[field]) && message[field].length === 0))?.[1] ?? 0
  );
}

function decodeText(bytes: Uint8Array = new Uint8Array()): string {
  return new TextDecoder().decode(bytes);
}

function readValueInfo(message: Message): OnnxValueInfo {
  const type = messageField(messageField(message, "type") ?? {}, "tensorType");
  const shape = type && messageField(type, "shape");
  const dimensions =
    shape &&
    messagesField(shape, "dim").map((dim) => {
      const extent = integerField(dim, "dimValue");
      // Some writers say an open dimension as -1 or 0 with a name.
      return extent !== undefined && extent >= 0n && !(extent === 0n && textField(dim, "dimParam") !== "")
        ? Number(extent)
        : textField(dim, "dimParam");
    });
  return { name: textField(message, "name"), elementType: type ? codeField(type, "elemType") : 0, dimensions };
}
