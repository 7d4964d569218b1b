/**
 * The code that ships inside a built `model.js`: picks a variant, reads its files, runs them.
 * scripts/runtime.mjs writes it, without its types, into `text.ts`; that is why it stands alone.
 */
import type { ElementType, Manifest, Slot, WasmTarget as Target } from "./interface.ts";

type Elements = Float32Array | Float64Array | Uint16Array | Int8Array | Uint8Array | Uint8ClampedArray | Int32Array | BigInt64Array;
type Tensors = { [name: string]: Elements };
type Bytes = ArrayBuffer | ArrayBufferView<ArrayBuffer>;
type LoadOptions = { readonly target?: Target; readonly files?: { readonly [name: string]: Bytes } };

const arrays = {
  f32: Float32Array,
  f64: Float64Array,
  f16: Uint16Array,
  i8: Int8Array,
  u8: Uint8Array,
  i32: Int32Array,
  i64: BigInt64Array,
  bool: Uint8Array,
};

/** An i64 computes as i32, and lies in memory so. */
const stored = { ...arrays, i64: Int32Array };

/** What is used here of the engine, whose own types are the browser's or Node's. */
const { WebAssembly: engine } = globalThis as unknown as {
  readonly WebAssembly: {
    validate(bytes: Uint8Array): boolean;
    instantiate(bytes: Bytes): Promise<{ readonly instance: { readonly exports: unknown } }>;
  };
};

const weightsFile = "model.weights.bin";

/** A function of no parameters whose body leaves a vector that `instruction` makes of three. */
const supports = (...instruction: number[]) => {
  const zero = [65, 0, 253, 15];
  const body = [0, ...zero, ...zero, ...zero, ...instruction, 11];
  const code = [10, body.length + 2, 1, body.length, ...body];
  return engine.validate(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, ...code]));
};

/** `urls` has the place of each file; it is written as the bundlers look for it. */
export async function loadNet(manifest: Manifest, urls: { readonly [file: string]: () => URL }, options: LoadOptions = {}) {
  const { inputs, outputs } = manifest;
  const files = options.files ?? {};
  const { target, reason } = pickTarget(options.target, files);
  const read = async (file: string) => {
    const bytes = files[file] ?? (await readFile(file, (urls[file] as () => URL)()));
    const wanted = manifest.bytes[file];
    if (bytes.byteLength !== wanted)
      throw new Error(`${file} has ${bytes.byteLength} bytes and should have ${wanted}: it is not of this build`);
    return bytes;
  };
  const [wasm, weights] = await Promise.all([read(`model.${target}.wasm`), read(weightsFile)]);
  const { instance } = await engine.instantiate(wasm);
  const started = instance.exports as { readonly memory: { readonly buffer: ArrayBuffer }; run(): void };
  let live: typeof started | undefined = started;
  const view = (slot: Slot, { memory }: typeof started) => new stored[slot.dtype](memory.buffer, slot.at, countOf(slot)) as Float32Array;
  new Uint8Array(started.memory.buffer).set(bytesOf(weights));

  const describe = (slots: readonly Slot[]) => slots.map(({ name, shape, dtype }) => ({ name, shape, dtype }));
  return {
    inputs: describe(inputs),
    outputs: describe(outputs),
    target,
    reason,
    /** Runs to its end within the call, so that overlapping calls follow each other in the order they were made. */
    async run(given: Tensors, { into = {} }: { readonly into?: Tensors } = {}) {
      const net = live;
      if (!net) throw new Error("the net is disposed");
      checkNames("input", given, inputs);
      checkNames("output", into, outputs);
      const values = inputs.map((slot) => narrow(checkArray("input", own(given, slot), slot), slot));
      const results = outputs.map((slot) => (own(into, slot) === undefined ? undefined : checkArray("output", own(into, slot), slot)));
      inputs.forEach((slot, i) => {
        view(slot, net).set(values[i] as ArrayLike<number>);
      });
      net.run();
      return Object.fromEntries(
        outputs.map((slot, i) => {
          const result = results[i] ?? (new arrays[slot.dtype](countOf(slot)) as Float32Array);
          result.set(slot.dtype === "i64" ? (Array.from(view(slot, net), BigInt) as never) : view(slot, net));
          return [slot.name, result];
        }),
      );
    },
    dispose() {
      live = undefined;
    },
  };
}

/** A tensor may be called `toString` or `constructor`, and every object inherits something of that name. */
function own(tensors: Tensors, { name }: Slot): Tensors[string] | undefined {
  return Object.hasOwn(tensors, name) ? tensors[name] : undefined;
}

function pickTarget(
  asked: Target | undefined,
  files: { readonly [name: string]: Bytes },
): { readonly target: Target; readonly reason: string } {
  const relaxed = supports(253, 133, 2);
  const given = (["relaxed", "simd"] as const).filter((name) => files[`model.${name}.wasm`]);
  const only = given.length === 1 ? given[0] : undefined;
  const target = asked ?? only ?? (relaxed ? "relaxed" : "simd");
  if (target !== "relaxed" && target !== "simd") throw new Error(`there is no target "${target}": choose "relaxed" or "simd"`);
  if (!supports(253, 81, 253, 81)) throw new Error("this engine has no WebAssembly SIMD");
  if (target === "relaxed" && !relaxed) throw new Error('this engine has no relaxed SIMD: use the target "simd"');
  if (asked) return { target, reason: "asked for" };
  if (only) return { target, reason: "its file was given" };
  return { target, reason: `this engine has ${relaxed ? "" : "no "}relaxed SIMD` };
}

async function readFile(file: string, url: URL): Promise<Bytes> {
  try {
    const { process } = globalThis as {
      process?: { getBuiltinModule?(name: string): { promises: { readFile(url: URL): Promise<Bytes> } } };
    };
    if (url.protocol === "file:" && process?.getBuiltinModule) return await process.getBuiltinModule("node:fs").promises.readFile(url);
    const response = await fetch(url);
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return await response.arrayBuffer();
  } catch (cause) {
    throw new Error(`cannot read ${file} from ${url}: ${(cause as Error).message}`, { cause });
  }
}

function bytesOf(bytes: Bytes): Uint8Array {
  return ArrayBuffer.isView(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : new Uint8Array(bytes);
}

function countOf({ shape }: Slot): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

function checkNames(kind: string, given: Tensors, slots: readonly Slot[]): void {
  const names = slots.map((slot) => slot.name);
  const stranger = Object.keys(Object(given)).find((name) => !names.includes(name));
  if (stranger !== undefined) throw new TypeError(`there is no ${kind} "${stranger}": the ${kind}s are ${names.join(", ")}`);
}

/** What memory takes: 0 or 1 for a bool, 32 bits for an i64. */
function narrow(values: Float32Array, { dtype, name }: Slot): ArrayLike<number> {
  if (dtype === "bool") return values.map((value) => (value ? 1 : 0));
  if (dtype !== "i64") return values;
  return Array.from(values, (value) => {
    const number = Number(value);
    if (number !== (number | 0)) throw new RangeError(`the input "${name}" holds ${value}, which takes more than 32 bits`);
    return number;
  });
}

/** Known by its tag, not by its class: an array of another window or realm is as good. */
function checkArray(kind: string, given: unknown, slot: Slot): Float32Array {
  const tag = Object.prototype.toString.call(given).slice(8, -1);
  const wanted = arrays[slot.dtype].name;
  const length = (given as Elements | undefined)?.length;
  const isRight = tag.replace("Clamped", "") === wanted && ArrayBuffer.isView(given);
  if (isRight && length === countOf(slot)) return given as Float32Array;
  const found = given === undefined ? "missing" : `${tag}${length === undefined ? "" : ` of ${length}`}`;
  const type: ElementType = slot.dtype;
  throw new TypeError(
    `the ${kind} "${slot.name}" is ${type}[${slot.shape.join(", ")}], a ${wanted} of ${countOf(slot)} elements, not ${found}`,
  );
}
