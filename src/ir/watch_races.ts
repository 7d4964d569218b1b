/** Finds where two invocations touch one element of their workgroup's memory, one of them writing, with no barrier between. */
import { invariant } from "../support/invariant.ts";

export type RaceWatch = {
  touch(element: number, invocation: number, writes: boolean): void;
  /** After a barrier, and where a workgroup begins, nothing has been touched. */
  forget(): void;
};

export function watchRaces(array: string): RaceWatch {
  const writer = new Map<number, number>();
  const readers = new Map<number, Set<number>>();
  return {
    touch(element, invocation, writes) {
      const other = [writer.get(element) ?? invocation, ...(writes ? (readers.get(element) ?? []) : [])].find(
        (each) => each !== invocation,
      );
      invariant(other === undefined, `invocations ${other} and ${invocation} both touch ${array}[${element}], with no barrier between`);
      if (writes) writer.set(element, invocation);
      else readers.set(element, (readers.get(element) ?? new Set()).add(invocation));
    },
    forget() {
      writer.clear();
      readers.clear();
    },
  };
}
