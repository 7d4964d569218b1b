/**
 * What happens to a built module on a device, in a process that `module.test.ts` starts for each driver: the module's folder is the
 * argument, and what was seen is printed as JSON.
 */
import { pathToFileURL } from "node:url";
import { create, globals } from "webgpu";

type Tensor = Float32Array | BigInt64Array | GPUBuffer;
type Net = {
  readonly target: string;
  readonly reason: string;
  readonly device?: GPUDevice;
  readonly lost?: Promise<string>;
  run(inputs: { [name: string]: unknown }, options?: object): Promise<{ [name: string]: Tensor }>;
  reload(device?: GPUDevice): Promise<void>;
  dispose(): void;
};
type Load = (options?: object) => Promise<Net>;

const [folder = "", withSubgroups = ""] = process.argv.slice(2);
const { load }: { readonly load: Load } = await import(pathToFileURL(`${folder}/model.js`).href);
const { load: loadOther }: { readonly load: Load } = await import(pathToFileURL(`${withSubgroups}/model.js`).href);
const gpu = create([]);
Object.assign(globalThis, globals);
if (!globalThis.navigator) Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
const useGpu = (value: unknown) => Object.defineProperty(globalThis.navigator, "gpu", { value, configurable: true });

const seen: { [what: string]: unknown } = {};
const message = (promise: Promise<unknown>) =>
  promise.then(
    () => "no error",
    (error: Error) => `${error.name}: ${error.message}`,
  );
const x = Float32Array.of(1, 2, 3, 4);
const ids = BigInt64Array.of(-1n, 2n, 3n, 4n);

useGpu({ requestAdapter: async () => null });
seen.withoutAdapter = [(await load()).reason, await message(load({ target: "webgpu" }))];
useGpu(gpu);
const adapter = (await gpu.requestAdapter()) as GPUAdapter;
const chosen = await load();
const keeping = await message(chosen.run({ x, ids }, { keepOnGpu: true }));
seen.chosen = [adapter.info.isFallbackAdapter, chosen.target, chosen.reason, keeping, chosen.device, chosen.lost];
chosen.dispose();

const net = await load({ target: "webgpu" });
const device = () => net.device as GPUDevice;
seen.asked = [net.target, net.reason, await net.run({ x, ids })];
const into = { y: new Float32Array(4) };
seen.into = (await net.run({ x, ids }, { into })).y === into.y && [...into.y];
seen.someOutputs = await net.run({ x, ids }, { outputs: ["o"] });

// What is given is read within the call, and overlapping runs follow each other.
const runs = Array.from({ length: 5 }, (_, i) => net.run({ x: x.fill(i), ids }, { outputs: ["y"] }));
x.fill(99);
seen.overlapping = (await Promise.all(runs)).map(({ y }) => (y as Float32Array)[0]);

x.set([1, 2, 3, 4]);
const kept = await net.run({ x, ids }, { keepOnGpu: true, outputs: ["y"] });
const buffer = kept.y as GPUBuffer;
seen.kept = [Object.keys(kept), buffer.size];
seen.chained = (await net.run({ x: buffer, ids })).y;
buffer.destroy();
seen.wrong = [
  await message(net.run({ x: device().createBuffer({ size: 16, usage: GPUBufferUsage.STORAGE }), ids })),
  await message(net.run({ x: device().createBuffer({ size: 8, usage: GPUBufferUsage.COPY_SRC }), ids })),
  await message(net.run({ x: [1], ids })),
  await message(net.run({ x: Float32Array.of(1), ids })),
  await message(net.run({ x, ids, z: x })),
  await message(net.run({ x, ids }, { outputs: ["z"] })),
];
const other = await adapter.requestDevice();
const foreign = other.createBuffer({ size: 16, usage: GPUBufferUsage.COPY_SRC });
seen.foreignBuffer = (await message(net.run({ x: foreign, ids }))) !== "no error";
seen.afterForeign = (await net.run({ x, ids })).y;

const bare = await ((await gpu.requestAdapter()) as GPUAdapter).requestDevice();
seen.subgroups = await Promise.all(
  [{}, { device: bare }].map(async (options) => {
    const other = await loadOther({ target: "webgpu", ...options });
    const { y } = await other.run({ x, ids });
    const hasFeature = other.device?.features.has("subgroups");
    other.dispose();
    return [hasFeature, y];
  }),
);
bare.destroy();

device().destroy();
await net.lost;
seen.lost = await message(net.run({ x, ids }));
await net.reload();
seen.reloaded = (await net.run({ x, ids })).y;
const pending = net.run({ x, ids });
device().destroy();
seen.lostInRun = await message(pending);
await net.reload(other);
seen.reloadedOn = [net.device === other, (await net.run({ x, ids })).y];
net.dispose();
seen.disposed = [await message(net.run({ x, ids })), await message(net.reload())];

// A device that is given stays the caller's.
const given = await load({ device: other });
seen.given = [given.target, given.reason, (await given.run({ x, ids })).y];
given.dispose();
const again = await load({ device: other });
seen.givenAgain = (await again.run({ x, ids })).y;
again.dispose();

await other.queue.onSubmittedWorkDone();
other.destroy();
useGpu(undefined);
const plain = (_key: string, value: unknown) => {
  if (typeof value === "bigint") return Number(value);
  if (ArrayBuffer.isView(value)) return Array.from(value as Float32Array);
  return value === undefined ? null : value;
};
process.stdout.write(JSON.stringify(seen, plain), () => process.exit(0));
