/** What a command may say: results on stdout, messages on stderr, colour only where a person looks. */
import { type Diagnostic, positionOf, renderDiagnostic, type Span } from "../support/diagnostic.ts";

export type Terminal = {
  out(text: string): void;
  err(text: string): void;
  /** Without an end of the line: for a line that is rewritten. */
  errRaw(text: string): void;
  readonly colorErr: boolean;
  /** Whether messages go to a terminal that can rewrite a line, and how wide it is. */
  readonly isLive: boolean;
  readonly columns: number;
};

export type ExitCode = 0 | 1 | 2;

export function processTerminal(): Terminal {
  const { stdout, stderr, env } = process;
  const isPlain = (env.NO_COLOR ?? "") !== "" || env.TERM === "dumb";
  return {
    out: (text) => void stdout.write(`${text}\n`),
    err: (text) => void stderr.write(`${text}\n`),
    errRaw: (text) => void stderr.write(text),
    colorErr: stderr.isTTY === true && !isPlain,
    isLive: stderr.isTTY === true && env.TERM !== "dumb",
    columns: stderr.columns ?? 80,
  };
}

/** What was said already is not said again: for a command that compiles the same files more than once. */
export function sayOnce(terminal: Terminal): Terminal {
  const said = new Set<string>();
  return {
    ...terminal,
    err(text) {
      if (!said.has(text)) terminal.err(text);
      said.add(text);
    },
  };
}

/** Texts by file name, for the lines that diagnostics show. */
export type Texts = ReadonlyMap<string, string>;

export function report(terminal: Terminal, diagnostics: readonly Diagnostic[], texts: Texts = new Map()): void {
  for (const diagnostic of diagnostics) {
    const text = visible(renderDiagnostic(diagnostic, texts));
    terminal.err(terminal.colorErr ? colour(text) : text);
  }
}

/** What a file holds must not steer the terminal that shows it: control characters become pictures, of one column as carets expect. */
function visible(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this is about
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? "\u2421" : "\ufffd";
  });
}

/** One JSON text on stdout; numbers that JSON lacks become their names. */
export function printJson(terminal: Terminal, value: unknown): void {
  const finite = (_key: string, item: unknown) => (typeof item === "number" && !Number.isFinite(item) ? String(item) : item);
  terminal.out(JSON.stringify(value, finite, 2));
}

/** A diagnostic with its place as lines and columns, counted from 1. */
export function diagnosticJson(diagnostic: Diagnostic, texts: Texts = new Map()): unknown {
  const { code, severity, message, span, notes, help } = diagnostic;
  const place = (at: Span | undefined) => (at ? placeOf(at, texts) : {});
  return {
    severity,
    code,
    message,
    ...place(span),
    notes: notes.map((note) => ({ message: note.message, ...place(note.span) })),
    ...(help === undefined ? {} : { help }),
  };
}

function placeOf(span: Span, texts: Texts): object {
  const text = texts.get(span.file);
  if (text === undefined) return { file: span.file };
  const end = positionOf(text, span.end);
  return { file: span.file, ...positionOf(text, span.start), endLine: end.line, endColumn: end.column };
}

const start = "\u001b[";
const styles = { red: 31, yellow: 33, blue: 34, bold: 1 };

function paint(text: string, ...names: (keyof typeof styles)[]): string {
  return `${start}${names.map((name) => styles[name]).join(";")}m${text}${start}0m`;
}

/** The rendered text with its severity, its gutter and its carets coloured. */
function colour(text: string): string {
  return text
    .replace(/^(error|warning)(\[[^\]]*\])?: (.*)$/gm, (_line, severity: string, code: string | undefined, message: string) => {
      return `${paint(`${severity}${code ?? ""}`, severity === "error" ? "red" : "yellow", "bold")}: ${paint(message, "bold")}`;
    })
    .replace(/^( *)(-->.*)$/gm, (_line, indent: string, place: string) => `${indent}${paint(place, "blue")}`)
    .replace(/^( *\| *)(\^+)$/gm, (_line, indent: string, carets: string) => `${indent}${paint(carets, "red", "bold")}`)
    .replace(/^( {2})(note|help):/gm, (_line, indent: string, word: string) => `${indent}${paint(word, "blue", "bold")}:`);
}
