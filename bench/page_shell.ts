/** A contender in a page; the driver calls these functions through the browser's debugging channel. */
import { type Assignment, type Contender, createContender, hasRelaxedSimd } from "./contender.ts";

const host = globalThis as unknown as {
  bench: { create(assignment: Assignment): Contender; hasRelaxedSimd(): boolean };
  contender?: Contender;
};

host.bench = {
  hasRelaxedSimd,
  create(assignment) {
    host.contender = createContender(assignment, { read: async (url) => new Uint8Array(await (await fetch(url)).arrayBuffer()) });
    return host.contender;
  },
};
