/**
 * shareShaders: shaders that are alike but for numbers (strides, extents, bounds of loops) become one text, which reads what differs
 * from a uniform buffer. Layers of a network are so alike, and what takes longest before a first result is to compile.
 */
import type { Shader } from "../../ir/shader.ts";
import { exactJson } from "../../support/exact_json.ts";
import { oneForm } from "./one_form.ts";
import { type Numbers, printCode, printWith } from "./print_wgsl.ts";

export type SharedShaders = {
  readonly texts: readonly string[];
  /** For each shader its text, and the numbers that the text reads, each an i32. */
  readonly uses: readonly { readonly text: number; readonly numbers: readonly number[] }[];
};

export function shareShaders(shaders: readonly Shader[]): SharedShaders {
  const chosen = chooseForms(shaders);
  const alike = alikeBut(chosen);
  const texts: string[] = [];
  const uses = new Map<number, SharedShaders["uses"][number]>();
  for (const { members, numbers } of alike.values()) {
    const { names, columns } = columnsOf(numbers);
    let place = 0;
    const printed: Numbers = { names: columns.map((_, column) => nameOf(column)), next: (value) => names[place++] ?? String(value) };
    const group = members.flatMap((member) => chosen[member] ?? []);
    const text = texts.push(printWith(group, printed)) - 1;
    for (const [row, member] of members.entries()) uses.set(member, { text, numbers: columns.map((column) => column[row] ?? 0) });
  }
  return { texts, uses: shaders.map((_, i) => uses.get(i) ?? { text: 0, numbers: [] }) };
}

type Group = { readonly members: number[]; readonly numbers: number[][] };

/** Shaders that are alike but for numbers, by the text that they have in common. */
function alikeBut(shaders: readonly (Shader | undefined)[]): Map<string, Group> {
  const groups = new Map<string, Group>();
  shaders.forEach((shader, i) => {
    if (!shader) return;
    const found: number[] = [];
    const code = printCode(shader, { names: [], next: (value) => `<${found.push(value)}>` });
    const group = groups.get(code) ?? { members: [], numbers: [] };
    groups.set(code, group);
    group.members.push(i);
    group.numbers.push(found);
  });
  return groups;
}

/** A shader in the form that more of the others have: its own, which is shorter, or the one for any extents. */
function chooseForms(shaders: readonly Shader[]): readonly Shader[] {
  const general = shaders.map(oneForm);
  const sizes = (forms: readonly (Shader | undefined)[]) =>
    new Map([...alikeBut(forms).values()].flatMap(({ members }) => members.map((member): [number, number] => [member, members.length])));
  const [own, common] = [sizes(shaders), sizes(general)];
  return shaders.map((shader, i) => ((common.get(i) ?? 0) > (own.get(i) ?? 0) ? (general[i] ?? shader) : shader));
}

/** Which places of the text differ between the shaders: their names, place by place, and the values of each name, shader by shader. */
function columnsOf(numbers: readonly (readonly number[])[]): {
  readonly names: readonly (string | undefined)[];
  readonly columns: readonly (readonly number[])[];
} {
  const known = new Map<string, number>();
  const columns: (readonly number[])[] = [];
  const names = (numbers[0] ?? []).map((first, place) => {
    const column = numbers.map((row) => row[place] ?? first);
    if (column.every((value) => value === first)) return undefined;
    const key = exactJson(column);
    const index = known.get(key) ?? columns.push(column) - 1;
    known.set(key, index);
    return nameOf(index);
  });
  return { names, columns };
}

function nameOf(column: number): string {
  return `number_${column}`;
}
