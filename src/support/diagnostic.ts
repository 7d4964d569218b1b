/**
 * Diagnostics are data: parsing and checking return them beside a value and never throw.
 * `renderDiagnostic` turns one into the text a person reads.
 */

/** A half-open range of character offsets in one source text. */
export type Span = { readonly file: string; readonly start: number; readonly end: number };

export type Severity = "error" | "warning";

export type Note = { readonly message: string; readonly span?: Span };

export type Diagnostic = {
  /** Stable kebab-case name of the kind of mistake, e.g. `unknown-name`. */
  readonly code: string;
  readonly severity: Severity;
  /** One lower-case sentence that says what is wrong and names the dimension or operand. */
  readonly message: string;
  readonly span?: Span;
  readonly notes: readonly Note[];
  /** What to write instead. */
  readonly help?: string;
};

/** A value with whatever was found on the way; `value` is absent when the input is too broken to give one. */
export type Checked<T> = { readonly value?: T; readonly diagnostics: readonly Diagnostic[] };

type Extra = { readonly span?: Span | undefined; readonly notes?: readonly Note[]; readonly help?: string | undefined };

export function errorDiagnostic(code: string, message: string, extra: Extra = {}): Diagnostic {
  return build("error", code, message, extra);
}

export function warningDiagnostic(code: string, message: string, extra: Extra = {}): Diagnostic {
  return build("warning", code, message, extra);
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((diagnostic) => diagnostic.severity === "error");
}

function build(severity: Severity, code: string, message: string, extra: Extra): Diagnostic {
  return {
    code,
    severity,
    message,
    notes: extra.notes ?? [],
    ...(extra.span ? { span: extra.span } : {}),
    ...(extra.help ? { help: extra.help } : {}),
  };
}

/** Where an offset lies, both counted from 1. */
export function positionOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  return { line, column: offset - before.lastIndexOf("\n") };
}

/**
 * `error[code]: message`, then `--> file:line:column`, the source line, a caret under the span, notes and help.
 * `sources` maps a span's file to its text; a span whose file is missing prints without its line.
 */
export function renderDiagnostic(diagnostic: Diagnostic, sources: ReadonlyMap<string, string>): string {
  const lines = [`${diagnostic.severity}[${diagnostic.code}]: ${diagnostic.message}`];
  if (diagnostic.span) lines.push(...excerpt(diagnostic.span, sources));
  for (const note of diagnostic.notes) {
    lines.push(`  note: ${note.message}`);
    if (note.span) lines.push(...excerpt(note.span, sources));
  }
  if (diagnostic.help) lines.push(`  help: ${diagnostic.help}`);
  return lines.join("\n");
}

function excerpt(span: Span, sources: ReadonlyMap<string, string>): string[] {
  const text = sources.get(span.file);
  if (text === undefined) return [`  --> ${span.file}`];
  const { line, column } = positionOf(text, span.start);
  const source = (text.split("\n")[line - 1] ?? "").replace(/\r$/, "");
  const width = Math.max(1, Math.min(span.end - span.start, source.length - column + 1));
  const gutter = String(line).length;
  const pad = " ".repeat(gutter);
  return [
    `${pad}--> ${span.file}:${line}:${column}`,
    `${pad} |`,
    `${line} | ${source}`,
    `${pad} | ${blanksFor(source.slice(0, column - 1))}${"^".repeat(width)}`,
  ];
}

/** As wide as a text, whatever the width of a tab. */
function blanksFor(text: string): string {
  return text.replace(/[^\t]/g, " ");
}
