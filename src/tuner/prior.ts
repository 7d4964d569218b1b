/**
 * The analytic prior: a roofline (Williams, Waterman, Patterson, 2009) whose roofs are arithmetic, loads and the memory behind each cache,
 * with a price for iterations and for vectors that find no register. It ranks before anything is measured.
 */
import type { Counts } from "./features.ts";

/** Instructions, at the pace at which the engine's peak executes multiply-adds. */
const costs = { load: 0.7, splat: 1, store: 1.2, iteration: 2.5, guard: 2, spill: 2.4 } as const;
/** Bytes per second, of a core of some years ago: what matters is how they compare with arithmetic. */
const beyondFirst = 40e9;
const beyondSecond = 12e9;
/** Of the sixteen of SSE and NEON (or more), one is for what an instruction needs by itself. */
const registers = 15;

/** Microseconds. `peak` is in floating-point operations per second. */
export function priorTime(counts: Counts, peak: number): number {
  // One multiply-add on a vector is eight operations.
  const unit = 8 / peak;
  const missing = Math.max(0, counts.registers - registers);
  const spilled = missing === 0 ? 0 : (missing / counts.registers) * counts.operations * costs.spill;
  const arithmetic = counts.operations + spilled;
  const loads = counts.vectorLoads * costs.load + counts.scalarLoads * costs.splat + counts.stores * costs.store + spilled;
  const memory = counts.beyondFirstCache / beyondFirst + counts.beyondSecondCache / beyondSecond;
  const overhead = counts.iterations * costs.iteration + counts.guards * costs.guard;
  const seconds = Math.max(arithmetic * unit, loads * unit, memory) + 0.25 * Math.min(loads, arithmetic) * unit + overhead * unit * 0.5;
  return seconds * 1e6;
}
