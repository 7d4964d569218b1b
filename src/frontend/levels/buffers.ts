/** What the texts of several levels begin with: header, interface, arena, buffers; types and initialisers. */
import type { TensorType } from "../../ir/dtype.ts";
import type { Initializer, NnOutput } from "../../ir/nn.ts";
import type { Buffer, BufferRole, Halo } from "../../ir/tensor.ts";
import { nearest } from "../../support/nearest.ts";
import { takeDType } from "./expr.ts";
import {
  at,
  type Cursor,
  eat,
  fail,
  failAt,
  peek,
  recover,
  type Token,
  take,
  takeInteger,
  takeList,
  takeName,
  takeNames,
  takeNumber,
  takeString,
  takeWord,
} from "./tokens.ts";

export const levels = ["nn", "tensor", "loop", "kernel", "shader"] as const;
export type Level = (typeof levels)[number];

/** `quern nn 1`: which level a text is; undefined after a mistake. */
export function takeHeader(cursor: Cursor, wanted?: Level): Level | undefined {
  return recover(cursor, () => {
    take(cursor, "quern");
    const token = peek(cursor);
    const level = levels.find((name) => name === token.text);
    if (!level) {
      const suggestion = nearest(token.text, levels);
      const help = suggestion ? `did you mean \`${suggestion}\`?` : `the levels are ${levels.join(", ")}`;
      return failAt(cursor, "unknown-level", `\`${token.text}\` is no level`, token, help);
    }
    take(cursor, level);
    if (wanted && level !== wanted)
      failAt(cursor, "wrong-level", `this is a text of the ${level} level, and one of the ${wanted} level is needed`, token);
    const { start } = peek(cursor);
    const version = takeInteger(cursor, 0, "a version");
    if (version !== 1)
      failAt(
        cursor,
        "unknown-version",
        `version ${version} of the ${level} level's text is not known: this compiler reads version 1`,
        start,
      );
    return level;
  });
}

export type Items = { readonly [word: string]: () => void };

/** Items until the text ends; the word or symbol that each begins with says how it is read, and is read already but for symbols. */
export function takeItems(cursor: Cursor, items: Items): void {
  const isItem = (token: Token) => (token.kind === "name" || token.kind === "symbol") && Object.hasOwn(items, token.text);
  while (peek(cursor).kind !== "end") {
    recover(
      cursor,
      () => {
        const token = peek(cursor);
        const read = isItem(token) ? items[token.text] : undefined;
        if (!read) return fail(cursor, `an item: ${Object.keys(items).join(", ")}`);
        if (token.kind === "name") cursor.position++;
        return read();
      },
      isItem,
    );
  }
}

export function takeType(cursor: Cursor): TensorType {
  const dtype = takeDType(cursor);
  return { dtype, shape: takeShape(cursor) };
}

function takeShape(cursor: Cursor): number[] {
  return takeList(cursor, "[", "]", () => takeInteger(cursor, 0, "an extent"));
}

export function takeNumbers(cursor: Cursor): number[] {
  return takeList(cursor, "[", "]", () => takeNumber(cursor));
}

export function takePath(cursor: Cursor, name: string): string {
  return eat(cursor, "path") ? takeString(cursor) : name;
}

/** `= he_normal`, if it is there. */
export function takeInitializer(cursor: Cursor): { initializer?: Initializer } {
  if (!eat(cursor, "=")) return {};
  const kind = takeWord(cursor, ["zeros", "ones", "constant", "uniform", "he_normal", "glorot_uniform"]);
  if (kind !== "constant" && kind !== "uniform") return { initializer: { kind } };
  take(cursor, "(");
  const first = takeNumber(cursor);
  if (kind === "constant") {
    take(cursor, ")");
    return { initializer: { kind, value: first } };
  }
  take(cursor, ",");
  const high = takeNumber(cursor);
  take(cursor, ")");
  return { initializer: { kind, low: first, high } };
}

/** What tensor and loop programs share, filled in while the text is read. */
export type Shared = {
  name: string | undefined;
  readonly inputs: string[];
  readonly outputs: NnOutput[];
  readonly buffers: Buffer[];
};

export function createShared(): Shared {
  return { name: undefined, inputs: [], outputs: [], buffers: [] };
}

export function interfaceItems(cursor: Cursor, shared: Pick<Shared, "name" | "inputs" | "outputs">): Items {
  return {
    program: () => {
      shared.name = takeName(cursor);
    },
    inputs: () => {
      shared.inputs.push(...takeNames(cursor));
    },
    output: () => {
      const name = takeName(cursor);
      take(cursor, "=");
      shared.outputs.push({ name, value: takeName(cursor) });
    },
  };
}

export function sharedItems(cursor: Cursor, shared: Shared): Items {
  const buffer = (kind: BufferRole["kind"]) => () => {
    shared.buffers.push(takeBuffer(cursor, kind));
  };
  return {
    ...interfaceItems(cursor, shared),
    input: buffer("input"),
    weight: buffer("weight"),
    constant: buffer("constant"),
    derived: buffer("derived"),
    temporary: buffer("temporary"),
  };
}

/** The program's name, which every text gives. */
export function requireName(cursor: Cursor, name: string | undefined): string {
  return name ?? failAt(cursor, "missing-name", "the text does not name its program", 0, "write `program name` after the first line");
}

function takeBuffer(cursor: Cursor, kind: BufferRole["kind"]): Buffer {
  const name = takeName(cursor);
  take(cursor, ":");
  const type = takeType(cursor);
  const path = kind === "weight" ? takePath(cursor, name) : name;
  const layout = eat(cursor, "layout") ? takeList(cursor, "[", "]", () => takeInteger(cursor, 0, "the number of a dimension")) : undefined;
  const halo = eat(cursor, "halo") ? takeHalo(cursor) : undefined;
  const aliasOf = eat(cursor, "alias") ? takeName(cursor) : undefined;
  const overwrites = eat(cursor, "overwrites") ? takeName(cursor) : undefined;
  const offset = eat(cursor, "offset") ? takeInteger(cursor, 0, "an offset") : undefined;
  return {
    name,
    ...type,
    role: takeRole(cursor, kind, path),
    ...(layout ? { layout } : {}),
    ...(halo ? { halo } : {}),
    ...(aliasOf !== undefined ? { aliasOf } : {}),
    ...(overwrites !== undefined ? { overwrites } : {}),
    ...(offset !== undefined ? { offset } : {}),
  };
}

/** What a role adds stands at the end of the line. */
function takeRole(cursor: Cursor, kind: BufferRole["kind"], path: string): BufferRole {
  if (kind === "weight") return { kind, path, ...takeInitializer(cursor) };
  if (kind !== "constant") return { kind };
  take(cursor, "=");
  return { kind, data: takeNumbers(cursor) };
}

function takeHalo(cursor: Cursor): Halo {
  const border = () => takeList(cursor, "[", "]", () => takeInteger(cursor, 0, "the width of a border"));
  take(cursor, "before");
  const before = border();
  take(cursor, "after");
  const after = border();
  take(cursor, "fill");
  return { before, after, fill: takeNumber(cursor) };
}

export function takePhase(cursor: Cursor): "build" | "run" {
  return takeWord(cursor, ["build", "run"]);
}

/** What is read between braces. */
export function takeBraced(cursor: Cursor, item: () => void): void {
  take(cursor, "{");
  while (!at(cursor, "}")) {
    if (peek(cursor).kind === "end") fail(cursor, "`}`");
    item();
  }
  take(cursor, "}");
}

export function takeTrace(cursor: Cursor): string[] {
  const trace: string[] = [];
  while (eat(cursor, "trace")) trace.push(takeString(cursor));
  return trace;
}
