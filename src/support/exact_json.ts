/** Values as text for comparing: unlike plain JSON, infinities, NaN and -0 stay apart from null and 0. */

export function exactJson(value: unknown): string {
  // A replacer is asked of every value, which takes several times as long; few values need one.
  if (isExact(value)) return JSON.stringify(value);
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "number" && !isExact(inner) ? { number: Object.is(inner, -0) ? "-0" : String(inner) } : inner,
  );
}

/** Whether plain JSON keeps every number apart from all others. */
function isExact(value: unknown): boolean {
  if (typeof value === "number") return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== "object" || value === null) return true;
  return Array.isArray(value) ? value.every(isExact) : Object.values(value).every(isExact);
}
