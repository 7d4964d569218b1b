// `npm start`: the whole road on the smallest example. Checks, verifies, builds and runs ResNet-8, and says what it did.
import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = new URL("../", import.meta.url);
const path = (name: string) => fileURLToPath(new URL(name, root));
const example = "examples/resnet8/resnet8.qn";
const out = "out/resnet8";

type Net = {
  readonly target: string;
  readonly inputs: readonly { readonly name: string; readonly shape: readonly number[] }[];
  run(inputs: Record<string, Float32Array>): Promise<Record<string, Float32Array>>;
};

function quern(...args: string[]): void {
  console.log(`\n$ quern ${args.join(" ")}`);
  const { status } = spawnSync(process.execPath, ["--import", "tsx", path("src/cli/main.ts"), ...args], {
    cwd: path("."),
    stdio: "inherit",
  });
  if (status !== 0) process.exit(status ?? 1);
}

quern("check", example);
quern("verify", example);
quern("build", example, "--target", "wasm", "--out", out);

console.log(`\n$ node -e 'import { load } from "./${out}/model.js"; ...'`);
const { load } = (await import(pathToFileURL(path(`${out}/model.js`)).href)) as { load(): Promise<Net> };
const net = await load();
const [input] = net.inputs;
if (!input) throw new Error("the model has no input");
// A smooth colour gradient: the example's weights are seeded, not trained, so the classes mean nothing.
const [, height = 1, width = 1, channels = 1] = input.shape;
const image = Float32Array.from({ length: height * width * channels }, (_, i) => Math.sin(i / 97));
const { probabilities } = await net.run({ [input.name]: image });
const times: number[] = [];
for (let i = 0; i < 300; i++) {
  const start = performance.now();
  await net.run({ [input.name]: image });
  times.push(performance.now() - start);
}
times.sort((a, b) => a - b);
console.log(`target         ${net.target}`);
console.log(`probabilities  ${Array.from(probabilities ?? [], (value) => value.toFixed(3)).join(" ")}`);
console.log(`one inference  ${(times[150] ?? 0).toFixed(2)} ms (median of 300)`);
const bytes = readdirSync(path(out)).reduce((sum, name) => sum + statSync(path(`${out}/${name}`)).size, 0);
console.log(`shipped        ${(bytes / 1024).toFixed(0)} KiB in ${path(out)}`);
