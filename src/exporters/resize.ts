/**
 * Whether a resizing is one that a format has. Formats name their ways to map places differently, so the places themselves
 * are compared: for every output row and column, which input is read, and with what weight.
 */
import type { Call, ExportGraph } from "./exporter.ts";
import { numbersOf, spatial } from "./windows.ts";

/** A format's way to find the place in the input of output `o`, for extents `n` and `m`. */
export type Places = (o: number, n: number, m: number) => number;

/** TensorFlow's three, as TensorFlow Lite, TensorFlow.js and (under other names) ONNX have them. */
export const places = {
  halfPixel: (o, n, m) => ((o + 0.5) * n) / m - 0.5,
  alignCorners: (o, n, m) => (m === 1 ? 0 : (o * (n - 1)) / (m - 1)),
  asymmetric: (o, n, m) => (o * n) / m,
} as const satisfies { readonly [name: string]: Places };

export type PlacesName = keyof typeof places;

/** Which of TensorFlow's ways to interpolate linearly gives what the call gives. */
export function linearPlaces(call: Call, graph: ExportGraph): PlacesName | undefined {
  if (call.attributes.antialias === true) return undefined;
  return names().find((name) =>
    agree(call, graph, (own, n, m) => (o) => Math.abs(limit(own(o), n) - limit(places[name](o, n, m), n)) < 1e-6),
  );
}

/** Which of TensorFlow's ways to take the nearest element gives what the call gives, and how the place is rounded there. */
export function nearestPlaces(call: Call, graph: ExportGraph): PlacesName | undefined {
  const { rounding } = call.attributes;
  const round = roundings[String(rounding)];
  if (!round) return undefined;
  return names().find((name) =>
    agree(call, graph, (own, n, m) => (o) => limit(round(own(o)), n) === limit(tensorflowRounding[name](places[name](o, n, m)), n)),
  );
}

const tensorflowRounding: { readonly [name in PlacesName]: (place: number) => number } = {
  halfPixel: (place) => Math.floor(place + 0.5),
  alignCorners: (place) => Math.round(place),
  asymmetric: (place) => Math.floor(place),
};

const roundings: { readonly [name: string]: (place: number) => number } = {
  round_half_down: (place) => Math.ceil(place - 0.5),
  round_half_up: (place) => Math.floor(place + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

type Test = (own: (o: number) => number, n: number, m: number) => (o: number) => boolean;

function agree(call: Call, graph: ExportGraph, test: Test): boolean {
  const input = spatial(graph.types.get(call.operands[0] ?? "")?.shape);
  const size = numbersOf(call, "size");
  const scale = numbersOf(call, "scale");
  return size.every((m, d) => {
    const n = input[d] ?? 0;
    const own = ownPlaces(String(call.attributes.coordinates), n, m, scale[d] ?? 1);
    if (!own) return false;
    const check = test(own, n, m);
    return Array.from({ length: m }, (_, o) => o).every(check);
  });
}

/** The library's own meaning of `coordinates`; undefined for those that no format here has. */
function ownPlaces(coordinates: string, n: number, m: number, scale: number): ((o: number) => number) | undefined {
  switch (coordinates) {
    case "half_pixel":
      return (o) => (o + 0.5) / scale - 0.5;
    case "pytorch_half_pixel":
      return (o) => (m === 1 ? 0 : (o + 0.5) / scale - 0.5);
    case "tf_half_pixel":
      return (o) => (o + 0.5) / scale;
    case "asymmetric":
      return (o) => o / scale;
    case "align_corners":
      return Math.abs(n * scale - m) < 1e-6 ? (o) => (m === 1 ? 0 : (o * (n - 1)) / (m - 1)) : undefined;
    default:
      return undefined;
  }
}

function names(): PlacesName[] {
  return Object.keys(places) as PlacesName[];
}

function limit(place: number, n: number): number {
  return Math.max(0, Math.min(place, n - 1));
}
