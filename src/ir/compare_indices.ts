/** compareIndices: a comparison of two indices, where their ranges decide it; undefined where they do not. */
import { type Index, type Ranges, rangeOf, subtract } from "./affine.ts";
import type { ScalarFunction } from "./expr.ts";

export function compareIndices(name: ScalarFunction, left: Index, right: Index, ranges: Ranges): boolean | undefined {
  const { low, high } = rangeOf(subtract(left, right), ranges);
  switch (name) {
    case "lt":
      return high < 0 ? true : low >= 0 ? false : undefined;
    case "le":
      return high <= 0 ? true : low > 0 ? false : undefined;
    case "gt":
      return low > 0 ? true : high <= 0 ? false : undefined;
    case "ge":
      return low >= 0 ? true : high < 0 ? false : undefined;
    case "eq":
      return low === 0 && high === 0 ? true : low > 0 || high < 0 ? false : undefined;
    case "ne":
      return low > 0 || high < 0 ? true : low === 0 && high === 0 ? false : undefined;
    default:
      return undefined;
  }
}
