/** Work with an end: Node interrupts what runs inside of it, WebAssembly too. */
import { runInNewContext } from "node:vm";

/** Milliseconds: the largest networks take a fraction of it to be read. */
const patience = 20_000;

export function limited<T>(work: () => T, timeout = patience): T | undefined {
  let result: { readonly value: T } | undefined;
  const run = () => {
    result = { value: work() };
  };
  try {
    runInNewContext("run()", { run }, { timeout });
  } catch (error) {
    // It is an error of another realm, and so no instance of this one's.
    const isLate = typeof error === "object" && error !== null && "code" in error && error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
    if (!isLate) throw error;
  }
  return result?.value;
}
