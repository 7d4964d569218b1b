/** Whether integers of one tensor are integers of the other, so that they can be moved without computing. */

import { stepsOf } from "../net.ts";
import type { TfliteTensor } from "../read.ts";

export function sameScale(a: TfliteTensor, b: TfliteTensor): boolean {
  const [first, second] = [stepsOf(a), stepsOf(b)];
  if (!first || !second) return first === second && a.type === b.type;
  return a.type === b.type && first.scales.join() === second.scales.join() && first.zeros.join() === second.zeros.join();
}
