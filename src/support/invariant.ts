/** Stops on a bug of the compiler's own; a user's mistake is a `Diagnostic`, never this. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`internal error: ${message}`);
}

/** Closes a switch over a discriminated union: a new member becomes a type error at every switch. */
export function unreachable(value: never): never {
  throw new Error(`internal error: unexpected ${JSON.stringify(value)}`);
}
