/** How a file is damaged: bytes anywhere, and in JSON values, keys and the wires of a graph. */
import type { Random } from "../../src/support/random.ts";
import type { CaseFile } from "./cases/case.ts";

/** One mutation, seldom more: after many a file is refused at its first byte. What lies beside a file is damaged now and then. */
export function mutatedFile({ path, bytes, neighbours = new Map() }: CaseFile, random: Random): CaseFile {
  const beside = [...neighbours];
  let main: Uint8Array = Uint8Array.from(bytes);
  for (let i = random.integer(0, 3) === 0 ? 3 : 1; i > 0; i--) {
    const other = beside.length > 0 && random.integer(0, 3) === 0 ? random.integer(0, beside.length - 1) : -1;
    const [name = "", content = main] = beside[other] ?? [];
    if (other >= 0) beside[other] = [name, mutated(Uint8Array.from(content), random)];
    else if (path.endsWith(".json") && random.integer(0, 3) > 0) main = mutatedJson(main, random) ?? main;
    else main = mutated(main, random);
  }
  return { path, bytes: main, neighbours: new Map(beside) };
}

type Mutation = (bytes: Uint8Array, random: Random) => Uint8Array;

function mutated(bytes: Uint8Array, random: Random): Uint8Array {
  return bytes.length === 0 ? bytes : random.pick(mutations)(bytes, random);
}

function place(bytes: Uint8Array, random: Random): number {
  // Headers and counts lie at the beginning: half of the mutations go there.
  const end = random.integer(0, 1) === 0 ? Math.min(bytes.length, 256) : bytes.length;
  return random.integer(0, end - 1);
}

const interesting = [0, 1, 0x7f, 0x80, 0xff];

const mutations: readonly Mutation[] = [
  // A bit the other way.
  (bytes, random) => {
    const at = place(bytes, random);
    bytes[at] = (bytes[at] as number) ^ (1 << random.integer(0, 7));
    return bytes;
  },
  // Another byte.
  (bytes, random) => {
    bytes[place(bytes, random)] = random.integer(0, 255);
    return bytes;
  },
  // A run of bytes that counts and sizes like to trip over.
  (bytes, random) => {
    const at = place(bytes, random);
    bytes.fill(random.pick(interesting), at, Math.min(bytes.length, at + random.integer(1, 9)));
    return bytes;
  },
  // The end is missing.
  (bytes, random) => bytes.slice(0, place(bytes, random)),
  // A piece is missing.
  (bytes, random) => {
    const at = place(bytes, random);
    return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + random.integer(1, 32))]);
  },
  // A piece stands twice.
  (bytes, random) => {
    const at = place(bytes, random);
    return Uint8Array.from([...bytes.subarray(0, at + random.integer(1, 64)), ...bytes.subarray(at)]);
  },
  // A piece lies elsewhere too.
  (bytes, random) => {
    const from = place(bytes, random);
    bytes.copyWithin(place(bytes, random), from, from + random.integer(1, 64));
    return bytes;
  },
];

/** A value within a JSON document, by what holds it. */
type Spot = { readonly holder: { [key: string]: unknown }; readonly key: string };

/** Undefined where the text is no JSON, as after an earlier mutation. */
function mutatedJson(bytes: Uint8Array, random: Random): Uint8Array | undefined {
  const root: { [key: string]: unknown } = {};
  try {
    root.document = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
  const spots = spotsIn(root);
  random.pick(jsonMutations)(random.pick(spots), spots, random);
  return new TextEncoder().encode(JSON.stringify(root.document) ?? "");
}

function spotsIn(root: { [key: string]: unknown }): Spot[] {
  const found: Spot[] = [];
  const open: unknown[] = [root];
  while (open.length > 0) {
    const holder = open.pop() as { [key: string]: unknown };
    for (const key of Object.keys(holder)) {
      found.push({ holder, key });
      if (typeof holder[key] === "object" && holder[key] !== null) open.push(holder[key]);
    }
  }
  return found;
}

/** Deeper than a reader that calls itself can go. */
function nested(depth: number): unknown {
  let value: unknown = [];
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { class_name: "Sequential", config: value };
  return value;
}

const values: readonly (() => unknown)[] = [
  ...[null, true, -1, 0, 1, 0.5, 2 ** 31, 2 ** 53, 1e308, -1e308, "", "x", "-1", "9999999999", "y", "x0", "^y"].map((value) => () => value),
  () => [],
  () => ({}),
  () => Array(1000).fill(1),
  () => nested(2000),
];

const jsonMutations: readonly ((spot: Spot, all: readonly Spot[], random: Random) => void)[] = [
  // Another value.
  ({ holder, key }, _, random) => {
    holder[key] = random.pick(values)();
  },
  // A number near by, or far.
  (_, all, random) => {
    const numbers = all.filter(({ holder, key }) => typeof holder[key] === "number");
    if (numbers.length === 0) return;
    const { holder, key } = random.pick(numbers);
    const value = holder[key] as number;
    holder[key] = random.pick([value + 1, value - 1, -value, value * 1024, value * 2 ** 40, value / 3]);
  },
  // What stands elsewhere.
  ({ holder, key }, all, random) => {
    const other = random.pick(all);
    holder[key] = structuredClone(other.holder[other.key]);
  },
  // Nothing.
  ({ holder, key }) => {
    if (Array.isArray(holder)) holder.splice(Number(key), 1);
    else delete holder[key];
  },
  // Twice.
  ({ holder, key }, _, random) => {
    if (Array.isArray(holder)) holder.splice(random.integer(0, holder.length), 0, structuredClone(holder[Number(key)]));
    else holder[`${key}2`] = structuredClone(holder[key]);
  },
  // An operand from anywhere in the graph, itself too.
  (_, all, random) => {
    const names = all.flatMap(({ holder, key }) => (key === "name" && typeof holder[key] === "string" ? [holder[key]] : []));
    const wires = all.filter(({ holder, key }) => typeof holder[key] === "string" && (Array.isArray(holder) || key === "input"));
    if (names.length === 0 || wires.length === 0) return;
    const { holder, key } = random.pick(wires);
    holder[key] = random.pick(names);
  },
];
