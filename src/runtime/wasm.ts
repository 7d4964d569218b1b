/** A network as WebAssembly: picks the variant that the engine can run, reads it, runs it. */
import { type Bytes, bytesOf, type Files, type Read } from "./files.ts";
import type { Manifest, WasmTarget } from "./interface.ts";
import { checkNames, describe, fill, inputValues, outputArray, type Tensors, view } from "./tensors.ts";

/** What is used here of the engine, whose own types are the browser's or Node's. */
const { WebAssembly: engine } = globalThis as unknown as {
  readonly WebAssembly: {
    validate(bytes: Uint8Array): boolean;
    instantiate(bytes: Bytes): Promise<{ readonly instance: { readonly exports: unknown } }>;
  };
};

/** A function of no parameters whose body leaves a vector that `instruction` makes of three. */
const supports = (...instruction: number[]) => {
  const zero = [65, 0, 253, 15];
  const body = [0, ...zero, ...zero, ...zero, ...instruction, 11];
  const code = [10, body.length + 2, 1, body.length, ...body];
  return engine.validate(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, ...code]));
};

export async function loadWasm(manifest: Manifest, read: Read, asked: WasmTarget | undefined, files: Files) {
  const { inputs, outputs } = manifest;
  const { target, reason } = pickVariant(asked, files);
  const plan = manifest.wasm[target];
  // The module compiles, and warms up, while the weights are on their way.
  const module = read(`model.${target}.wasm`).then((wasm) => engine.instantiate(wasm));
  const [{ instance }, weights] = await Promise.all([module, read(plan.weights)]);
  let live = instance.exports as { readonly memory: { readonly buffer: ArrayBuffer }; run(): void } | undefined;
  if (live) new Uint8Array(live.memory.buffer).set(bytesOf(weights));
  return {
    inputs: describe(inputs),
    outputs: describe(outputs),
    target,
    reason,
    /** Runs to its end within the call, so that overlapping calls follow each other in the order they were made. */
    async run(given: Tensors, { into = {}, outputs: names }: { readonly into?: Tensors; readonly outputs?: readonly string[] } = {}) {
      const net = live;
      if (!net) throw new Error("the net is disposed");
      checkNames("input", Object.keys(Object(given)), inputs);
      checkNames("output", [...Object.keys(Object(into)), ...(names ?? [])], outputs);
      const values = inputs.map((slot) => inputValues(given, slot));
      const results = outputs.map((slot) => outputArray(into, slot));
      const { buffer } = net.memory;
      inputs.forEach((slot, i) => {
        view(slot, buffer, plan.inputs[i] as number).set(values[i] as ArrayLike<number>);
      });
      net.run();
      return Object.fromEntries(
        outputs.flatMap((slot, i) =>
          names && !names.includes(slot.name) ? [] : [[slot.name, fill(slot, view(slot, buffer, plan.outputs[i] as number), results[i])]],
        ),
      );
    },
    dispose() {
      live = undefined;
    },
  };
}

function pickVariant(asked: WasmTarget | undefined, files: Files): { readonly target: WasmTarget; readonly reason: string } {
  const relaxed = supports(253, 133, 2);
  const given = (["relaxed", "simd"] as const).filter((name) => files[`model.${name}.wasm`]);
  const only = given.length === 1 ? given[0] : undefined;
  const target = asked ?? only ?? (relaxed ? "relaxed" : "simd");
  if (!supports(253, 81, 253, 81)) throw new Error("this engine has no WebAssembly SIMD");
  if (target === "relaxed" && !relaxed) throw new Error('this engine has no relaxed SIMD: use the target "simd"');
  if (asked) return { target, reason: "asked for" };
  if (only) return { target, reason: "its file was given" };
  return { target, reason: `this engine has ${relaxed ? "" : "no "}relaxed SIMD` };
}
