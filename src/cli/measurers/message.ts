/** A request to an agent as bytes, for a page to read: its JSON, with each array of numbers replaced by its place behind it. */

/** `[u32 length of the JSON] JSON`, then the arrays, each where `{array, at, count}` says, counted in bytes from the beginning. */
export function encodeMessage(message: unknown): Uint8Array {
  const arrays: { readonly bytes: Uint8Array; readonly place: { at: number } }[] = [];
  const replace = (value: unknown): unknown => {
    if (value instanceof Uint8Array || value instanceof Float64Array) {
      const place = { array: value.constructor.name, at: 0, count: value.length };
      arrays.push({ bytes: new Uint8Array(value.buffer, value.byteOffset, value.byteLength), place });
      return place;
    }
    if (Array.isArray(value)) return value.map(replace);
    // JSON has no infinity.
    if (value === Infinity) return { array: "Infinity", at: 0, count: 0 };
    if (typeof value === "object" && value !== null)
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, replace(inner)]));
    return value;
  };
  const replaced = replace(message);
  // A place's digits change the length of the JSON: enough room is left for the longest.
  const room = align(4 + JSON.stringify(replaced).length * 3 + arrays.length * 20);
  let end = room;
  for (const { bytes, place } of arrays) {
    place.at = end;
    end = align(end + bytes.byteLength);
  }
  const json = new TextEncoder().encode(JSON.stringify(replaced));
  const encoded = new Uint8Array(end);
  new DataView(encoded.buffer).setUint32(0, json.length, true);
  encoded.set(json, 4);
  for (const { bytes, place } of arrays) encoded.set(bytes, place.at);
  return encoded;
}

/** The function `decodeMessage(buffer)` as a page has it. */
export const decoderText = `
function decodeMessage(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const types = { Uint8Array, Float64Array };
  return JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)), (key, value) => {
    if (value?.array === "Infinity") return Infinity;
    return types[value?.array] ? new types[value.array](buffer, value.at, value.count) : value;
  });
}
`;

function align(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}
