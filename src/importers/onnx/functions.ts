/** Functions of the file's own, written out where they are called: ONNX gives them no other meaning. */
import type { Message } from "../../formats/onnx.ts";
import { shownName } from "../limits.ts";
import { codeField, messagesField, textField, textsField } from "./message.ts";
import type { OnnxAttribute, OnnxNode } from "./node.ts";

export type OnnxFunction = {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly OnnxNode[];
  /** What an attribute is that a call leaves out. */
  readonly defaults: ReadonlyMap<string, OnnxAttribute>;
  /** Of ONNX's own operators within; undefined where it has none. */
  readonly opset: number | undefined;
};

/** Calls within calls, and nodes of the whole graph: functions may call themselves, or each other again and again. */
const deepest = 16;
const mostNodes = 100_000;

/** By their operators' names, as nodes have them. */
export function readFunctions(
  messages: readonly Message[],
  readNode: (message: Message) => OnnxNode,
  readAttributes: (messages: readonly Message[]) => ReadonlyMap<string, OnnxAttribute>,
): ReadonlyMap<string, OnnxFunction> {
  return new Map(
    messages.map((message) => {
      const [domain, name] = [textField(message, "domain"), textField(message, "name")];
      const own = messagesField(message, "opsetImport").find((entry) => ["", "ai.onnx"].includes(textField(entry, "domain")));
      const made: OnnxFunction = {
        inputs: textsField(message, "input"),
        outputs: textsField(message, "output"),
        nodes: messagesField(message, "node").map(readNode),
        defaults: readAttributes(messagesField(message, "attributeProto")),
        opset: own && codeField(own, "version"),
      };
      return [domain === "" || domain === "ai.onnx" ? name : `${domain}.${name}`, made] as const;
    }),
  );
}

/** The nodes with every call of a function replaced by its nodes, whose values take names of their own; a text says what is wrong. */
export function writeOutCalls(
  nodes: readonly OnnxNode[],
  functions: ReadonlyMap<string, OnnxFunction>,
  opset: number,
): readonly OnnxNode[] | string {
  if (functions.size === 0) return nodes;
  const written: OnnxNode[] = [];
  let calls = 0;
  const write = (node: OnnxNode, depth: number): string | undefined => {
    const called = functions.get(node.operator);
    if (written.length >= mostNodes) return `its functions make more than ${mostNodes} nodes`;
    if (!called) {
      written.push(node);
      return undefined;
    }
    const of = `the function \`${shownName(node.operator)}\``;
    if (depth >= deepest || ++calls >= mostNodes) return `${of} calls functions without end`;
    if (called.opset !== undefined && called.opset !== opset)
      return `${of} is of the operator set ${called.opset}, and the graph of ${opset}`;
    const number = calls;
    for (const inner of called.nodes) {
      const problem = write(placed(inner, node, called, number), depth + 1);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
  for (const node of nodes) {
    const problem = write(node, 0);
    if (problem !== undefined) return problem;
  }
  return written;
}

/** A node of a function as it stands in a call: operands and results are the call's, and attributes that refer to its own are those. */
function placed(inner: OnnxNode, call: OnnxNode, { inputs, outputs, defaults }: OnnxFunction, number: number): OnnxNode {
  const renamed = (name: string): string => {
    const [input, output] = [inputs.indexOf(name), outputs.indexOf(name)];
    if (name === "") return "";
    if (input >= 0) return call.inputs[input] ?? "";
    return (output >= 0 && call.outputs[output]) || `${call.name}/${name}#${number}`;
  };
  const attributes = [...inner.attributes].flatMap(([key, attribute]) => {
    const given = attribute.kind === "reference" ? (call.attributes.get(attribute.name) ?? defaults.get(attribute.name)) : attribute;
    return given ? [[key, given] as const] : [];
  });
  return {
    operator: inner.operator,
    name: `${call.name}/${inner.name}`,
    inputs: inner.inputs.map(renamed),
    outputs: inner.outputs.map(renamed),
    attributes: new Map(attributes),
  };
}
