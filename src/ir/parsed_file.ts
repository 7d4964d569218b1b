/** What a parser gives: the declarations of a file, and the names of those that it had to leave out. */
import type { SourceFile } from "./declaration.ts";

/** `broken` is there with mistakes in the text only: what uses such a declaration is not reported too. */
export type ParsedFile = SourceFile & { readonly broken?: readonly string[] };
