/** How this process runs the references that candidates are checked against. */
import { setFlagsFromString } from "node:v8";

/**
 * A reference is one long call, which V8's baseline compiler would carry to its end: modules that are compiled from here on are optimised
 * at once. Those that the compiler itself is made of have been compiled by then.
 */
export function optimizeReferences(): void {
  setFlagsFromString("--no-liftoff");
}
