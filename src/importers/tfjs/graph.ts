/** A TensorFlow graph as JSON: nodes, and their attributes as the protobuf's JSON spells them. */
import { isRecord } from "../keras/config.ts";
import { shownName } from "../limits.ts";

/** A result of a node; most have one. */
export type Reference = { readonly node: string; readonly place: number };

export type GraphNode = {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly Reference[];
  number(key: string, otherwise?: number): number;
  flag(key: string): boolean;
  text(key: string): string;
  numbers(key: string): readonly number[];
  texts(key: string): readonly string[];
  type(key: string): string;
  /** The extents of an attribute that is a shape, -1 where they are open. */
  shape(key: string): readonly number[] | undefined;
};

/** The nodes in an order where each follows its operands; or what is wrong. */
export function readNodes(topology: unknown): readonly GraphNode[] | string {
  const listed = isRecord(topology) ? topology.node : undefined;
  if (!Array.isArray(listed)) return "its topology lists no nodes";
  const nodes = new Map<string, GraphNode>();
  for (const entry of listed) {
    if (!isRecord(entry) || typeof entry.name !== "string" || typeof entry.op !== "string") return "an entry of its topology is no node";
    if (nodes.has(entry.name)) return `two nodes have the name \`${shownName(entry.name)}\``;
    nodes.set(entry.name, createNode(entry.name, entry.op, entry.input, isRecord(entry.attr) ? entry.attr : {}));
  }
  return ordered(nodes);
}

function createNode(name: string, op: string, input: unknown, attributes: { readonly [key: string]: unknown }): GraphNode {
  const texts = Array.isArray(input) ? input.filter((item) => typeof item === "string") : [];
  // What begins with ^ only says what runs first.
  const inputs = texts.filter((text) => !text.startsWith("^")).map(referenceOf);
  const field = (key: string, kind: string): unknown => {
    const attribute = Object.hasOwn(attributes, key) ? attributes[key] : undefined;
    return isRecord(attribute) ? attribute[kind] : undefined;
  };
  const list = (key: string, kind: string): readonly unknown[] => {
    const value = field(key, "list");
    const items = isRecord(value) ? value[kind] : undefined;
    return Array.isArray(items) ? items : [];
  };
  return {
    name,
    op,
    inputs,
    number(key, otherwise = 0) {
      const value = field(key, "f") ?? field(key, "i");
      return value === undefined || !Number.isFinite(Number(value)) ? otherwise : Number(value);
    },
    flag: (key) => field(key, "b") === true,
    text: (key) => decoded(field(key, "s")),
    numbers: (key) => list(key, "i").map(Number),
    texts: (key) => list(key, "s").map(decoded),
    type: (key) => String(field(key, "type") ?? ""),
    shape(key) {
      const shape = field(key, "shape");
      const dim = isRecord(shape) ? shape.dim : undefined;
      if (!isRecord(shape) || shape.unknownRank === true) return undefined;
      return Array.isArray(dim) ? dim.map((extent) => Number(isRecord(extent) ? (extent.size ?? 0) : Number.NaN)) : [];
    },
  };
}

export function referenceOf(text: string): Reference {
  const [, node = text, place = "0"] = /^(.*):(\d+)$/s.exec(text) ?? [];
  return { node, place: Number(place) };
}

/** Texts are base64, and in some files plain. */
function decoded(value: unknown): string {
  if (Array.isArray(value)) return String.fromCharCode(...value.slice(0, 1000).map(Number));
  if (typeof value !== "string") return "";
  try {
    const plain = atob(value);
    return /^[\x20-\x7e]*$/.test(plain) ? plain : value;
  } catch {
    return value;
  }
}

/** Operands before their readers, without recursion: a stranger's graph may be deep. */
function ordered(nodes: ReadonlyMap<string, GraphNode>): readonly GraphNode[] | string {
  const sorted: GraphNode[] = [];
  const state = new Map<string, "open" | "done">();
  for (const root of nodes.values()) {
    const stack: { readonly node: GraphNode; next: number }[] = [{ node: root, next: 0 }];
    while (stack.length > 0) {
      const top = stack.at(-1) as (typeof stack)[number];
      if (state.get(top.node.name) === "done") {
        stack.pop();
        continue;
      }
      state.set(top.node.name, "open");
      const reference = top.node.inputs[top.next++];
      if (!reference) {
        state.set(top.node.name, "done");
        sorted.push(top.node);
        stack.pop();
        continue;
      }
      const operand = nodes.get(reference.node);
      if (!operand) return `the node \`${shownName(top.node.name)}\` reads \`${shownName(reference.node)}\`, which is not there`;
      if (state.get(operand.name) === "open") return `the node \`${shownName(operand.name)}\` depends on itself`;
      if (!state.has(operand.name)) stack.push({ node: operand, next: 0 });
    }
  }
  return sorted;
}
