/** What expressions in sketches and schedules may be worth, and how mistakes in them pass on: as diagnostics, in `Checked`. */
import type { Index } from "../ir/affine.ts";
import { type Checked, errorDiagnostic, type Span } from "../support/diagnostic.ts";

export type StepValue =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "loop"; readonly name: string }
  | { readonly kind: "loops"; readonly names: readonly string[] }
  | { readonly kind: "tensor"; readonly name: string; readonly indices: readonly Index[] }
  /** An optional axis that this nest does not have. */
  | { readonly kind: "none" };

/** Turns a knob: picks one of the values that a sketch allows. */
export type ChooseKnob = (name: string, options: readonly number[]) => number;

/** The sketch's own preference: the first option. */
export const firstOption: ChooseKnob = (_, options) => options[0] ?? 1;

export function isTrue(value: StepValue): boolean {
  return value.kind === "boolean" && value.value;
}

export function given<T>(value: T): Checked<T> {
  return { value, diagnostics: [] };
}

/** A mistake in a step's text. */
export function mistaken<T>(message: string, span: Span, help?: string): Checked<T> {
  return { diagnostics: [errorDiagnostic("bad-step", message, { span, help })] };
}

/** Goes on with the value, if there is one. */
export function chain<A, B>({ value, diagnostics }: Checked<A>, next: (value: A) => Checked<B>): Checked<B> {
  return value === undefined ? { diagnostics } : next(value);
}

/** All values, or the diagnostics of those that are missing. */
export function all<T>(list: readonly Checked<T>[]): Checked<T[]> {
  const diagnostics = list.flatMap((item) => (item.value === undefined ? item.diagnostics : []));
  return diagnostics.length > 0 ? { diagnostics } : given(list.flatMap(({ value }) => (value === undefined ? [] : [value])));
}

export function number(value: number): Checked<StepValue> {
  return given({ kind: "number", value });
}

export function truth(value: boolean): Checked<StepValue> {
  return given({ kind: "boolean", value });
}

export function numberOf(value: StepValue, span: Span): Checked<number> {
  return value.kind === "number" ? given(value.value) : mistaken("expected a number here", span);
}
