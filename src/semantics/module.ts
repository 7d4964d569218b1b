/** All declarations of a program: the library's and the user's, by kind and name. */

import type {
  Declaration,
  DefDeclaration,
  FnDeclaration,
  ModelDeclaration,
  OpDeclaration,
  RuleDeclaration,
  ScheduleDeclaration,
  SketchDeclaration,
  SourceFile,
} from "../ir/declaration.ts";
import type { ParsedFile } from "../ir/parsed_file.ts";
import { type Checked, type Diagnostic, errorDiagnostic } from "../support/diagnostic.ts";
import type { Library } from "./instantiate.ts";

export type Module = Library & {
  readonly operators: ReadonlyMap<string, OpDeclaration>;
  readonly definitions: ReadonlyMap<string, DefDeclaration>;
  readonly functions: ReadonlyMap<string, FnDeclaration>;
  readonly models: readonly ModelDeclaration[];
  readonly rules: readonly RuleDeclaration[];
  /** The user's before the library's: the first that matches is the default. */
  readonly sketches: readonly SketchDeclaration[];
  readonly schedules: readonly ScheduleDeclaration[];
};

/** Joins source files, later ones after earlier: the library first, then the user's. A name is declared once. */
export function linkModule(library: readonly SourceFile[], user: readonly ParsedFile[]): Checked<Module> {
  const diagnostics: Diagnostic[] = [];
  const all = [...library, ...user].flatMap((file) => file.declarations);
  const byName = new Map<string, Declaration>();
  for (const declaration of all) {
    const key = `${nameSpace(declaration)} ${declaration.name}`;
    const known = byName.get(key);
    if (known) {
      diagnostics.push(
        errorDiagnostic("declared-twice", `\`${declaration.name}\` is already declared`, {
          span: declaration.nameSpan,
          notes: [
            {
              message: known.span.file === declaration.span.file ? "the first declaration" : "declared by the library",
              span: known.nameSpan,
            },
          ],
          help: "give it another name",
        }),
      );
    } else byName.set(key, declaration);
  }
  const unique = [...byName.values()];
  const ofKind = <K extends Declaration["kind"]>(kind: K) =>
    unique.filter((declaration): declaration is Extract<Declaration, { kind: K }> => declaration.kind === kind);
  const operators = ofKind("op");
  const isUsers = (declaration: Declaration) => user.some((file) => file.file === declaration.span.file);
  const sketches = ofKind("sketch");
  return {
    value: {
      operators: new Map(operators.map((operator) => [operator.name, operator])),
      definitions: new Map(ofKind("def").map((definition) => [definition.name, definition])),
      functions: new Map(ofKind("fn").map((fn) => [fn.name, fn])),
      models: ofKind("model"),
      rules: ofKind("rule"),
      sketches: [...sketches.filter(isUsers), ...sketches.filter((sketch) => !isUsers(sketch))],
      schedules: ofKind("schedule"),
      broken: new Set(user.flatMap((file) => file.broken ?? [])),
    },
    diagnostics,
  };
}

/** Operators and functions are called alike, so they share one name space. */
function nameSpace(declaration: Declaration): string {
  return declaration.kind === "op" || declaration.kind === "fn" ? "call" : declaration.kind;
}

/** Notations such as `+` and `-prefix`, to the names of the operators that declare them. */
export function notationsOf(operators: ReadonlyMap<string, OpDeclaration>): Map<string, string> {
  const notations = new Map<string, string>();
  for (const { name, notation } of operators.values())
    if (notation) notations.set(notation.fixity === "prefix" && notation.symbol === "-" ? "-prefix" : notation.symbol, name);
  return notations;
}
