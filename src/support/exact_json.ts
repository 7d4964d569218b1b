/** Values as text for comparing: unlike plain JSON, infinities, NaN and -0 stay apart from null and 0. */

export function exactJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    const isLost = typeof inner === "number" && (!Number.isFinite(inner) || Object.is(inner, -0));
    return isLost ? { number: Object.is(inner, -0) ? "-0" : String(inner) } : inner;
  });
}
