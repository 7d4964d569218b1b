/** What a built module says of itself; the compiler fills it in, `net.ts` reads it. */

export type ElementType = "f32" | "f64" | "f16" | "i8" | "u8" | "i32" | "i64" | "bool";

/** An input or output: `at` is its byte offset in the module's memory. */
export type Slot = { readonly name: string; readonly shape: readonly number[]; readonly dtype: ElementType; readonly at: number };

export type Target = "relaxed" | "simd";

export type Manifest = {
  readonly inputs: readonly Slot[];
  readonly outputs: readonly Slot[];
  /** Length in bytes of each file, by its name: a page that answers in a file's place is found out. */
  readonly bytes: { readonly [file: string]: number };
};
