/**
 * Text with places where a line may break (Wadler, "A prettier printer"). A group stands on one line where it fits;
 * otherwise all of its own lines break. Building a layout is pure; `renderLayout` decides.
 */
import { unreachable } from "./invariant.ts";

export type Layout =
  | string
  | readonly Layout[]
  /** A line break, or `flat` where its group stands on one line. A hard one always breaks. */
  | { readonly kind: "line"; readonly flat: string; readonly hard: boolean }
  | { readonly kind: "indent"; readonly content: Layout }
  | { readonly kind: "group"; readonly content: Layout; readonly broken: boolean }
  /** Items separated by blanks, as many on a line as fit. */
  | { readonly kind: "fill"; readonly items: readonly Layout[] }
  /** Text for a broken group only. */
  | { readonly kind: "if-broken"; readonly text: string };

export const line: Layout = { kind: "line", flat: " ", hard: false };
export const softLine: Layout = { kind: "line", flat: "", hard: false };
export const hardLine: Layout = { kind: "line", flat: "", hard: true };

export function indented(content: Layout): Layout {
  return { kind: "indent", content };
}

/** `broken` forces the group's lines to break. */
export function group(content: Layout, broken = false): Layout {
  return { kind: "group", content, broken };
}

export function fill(items: readonly Layout[]): Layout {
  return { kind: "fill", items };
}

export function ifBroken(text: string): Layout {
  return { kind: "if-broken", text };
}

export function joined(items: readonly Layout[], separator: Layout): Layout {
  return items.flatMap((item, i) => (i === 0 ? [item] : [separator, item]));
}

type Command = { readonly indent: number; readonly broken: boolean; readonly layout: Layout };

const step = 2;

export function renderLayout(layout: Layout, width: number): string {
  const out: string[] = [];
  let column = 0;
  const commands: Command[] = [{ indent: 0, broken: true, layout }];
  const write = (text: string) => {
    out.push(text);
    column += text.length;
  };
  for (let next = commands.pop(); next; next = commands.pop()) {
    const { indent, broken, layout: item } = next;
    if (typeof item === "string") write(item);
    else if (isSequence(item)) push(commands, item, indent, broken);
    else if (item.kind === "indent") commands.push({ indent: indent + step, broken, layout: item.content });
    else if (item.kind === "if-broken") write(broken ? item.text : "");
    else if (item.kind === "group") {
      const flat = { indent, broken: false, layout: item.content };
      const isFlat = !item.broken && fits(flat, commands, width - column);
      commands.push(isFlat ? flat : { ...flat, broken: true });
    } else if (item.kind === "fill") fillLine(item.items, next, commands, width - column);
    else if (!broken && !item.hard) write(item.flat);
    else {
      // An empty line holds no blanks.
      if (out.at(-1)?.startsWith("\n")) out.push((out.pop() ?? "").trimEnd() || "\n");
      out.push(`\n${" ".repeat(indent)}`);
      column = indent;
    }
  }
  return out.join("");
}

/** The first item, then a line that breaks only where the second does not fit, then the rest likewise. */
function fillLine(items: readonly Layout[], command: Command, commands: Command[], space: number): void {
  const [first, second, ...rest] = items;
  if (first === undefined) return;
  const { indent, broken } = command;
  if (second !== undefined) {
    commands.push({ indent, broken, layout: fill([second, ...rest]) });
    const pair: Command = { indent, broken: false, layout: [first, line, second] };
    commands.push({ indent, broken: broken && !fits(pair, [], space), layout: line });
  }
  commands.push({ indent, broken: false, layout: first });
}

/** Whether a command, and what follows it up to the next line that breaks, takes at most `space` characters. */
function fits(command: Command, following: readonly Command[], space: number): boolean {
  const waiting: Command[] = [command];
  let left = space;
  let rest = following.length;
  while (left >= 0) {
    const next = waiting.pop() ?? following[--rest];
    if (!next) return true;
    const { indent, broken, layout: item } = next;
    if (typeof item === "string") left -= item.length;
    else if (isSequence(item)) push(waiting, item, indent, broken);
    else {
      switch (item.kind) {
        case "indent":
          waiting.push({ indent, broken, layout: item.content });
          break;
        case "if-broken":
          left -= broken ? item.text.length : 0;
          break;
        case "group":
          if (item.broken && !broken) return false;
          waiting.push({ indent, broken: item.broken || broken, layout: item.content });
          break;
        case "fill":
          push(waiting, [joined(item.items, line)], indent, broken);
          break;
        case "line":
          if (item.hard || broken) return true;
          left -= item.flat.length;
          break;
        default:
          unreachable(item);
      }
    }
  }
  return false;
}

function push(commands: Command[], items: readonly Layout[], indent: number, broken: boolean): void {
  for (let i = items.length - 1; i >= 0; i--) commands.push({ indent, broken, layout: items[i] as Layout });
}

function isSequence(layout: Layout): layout is readonly Layout[] {
  return Array.isArray(layout);
}
