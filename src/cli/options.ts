/** Options that several commands share, and the parsing of their values; a wrong value is a usage error. */
import { InvalidArgumentError, Option } from "commander";
import { defaultGpuLimits, type GpuLimits } from "../ir/gpu_limits.ts";
import { nearest } from "../support/nearest.ts";

export function modelOption(): Option {
  return new Option("--model <name>", "the model to take, where the file declares several");
}

export function weightsOption(): Option {
  return new Option("--weights <file>", "safetensors or .npz file; without it the model's initialisers draw the values");
}

export function seedOption(): Option {
  return new Option("--seed <n>", "seed of the initialisers").default(0).argParser(parseWhole);
}

export function scheduleOption(): Option {
  return new Option(
    "--schedule <which>",
    "`default`, `none`, a .qn file of schedules, or a .schedule file of tuned ones (default: the .schedule file beside the source, if there is one)",
  );
}

export function algorithmOption(): Option {
  return new Option("--algorithm <rule>", "force a rule that has `when` wherever it is legal; `direct` takes none of them");
}

export function targetOption(): Option {
  return new Option("--target <target>", "what to compile for; webgpu runs in Dawn for Node (npm install webgpu)")
    .choices(["wasm", "webgpu"])
    .default("wasm");
}

export function gpuLimitOption(): Option {
  return new Option(
    "--gpu-limit <name=value>",
    "what a WebGPU device must offer above what each does, such as maxBufferSize=1073741824, to compile for it",
  ).argParser(parseGpuLimit);
}

function parseGpuLimit(text: string, previous: GpuLimits = defaultGpuLimits): GpuLimits {
  const [name = "", value = ""] = text.split("=");
  const known = new Map<string, number>(Object.entries(defaultGpuLimits));
  const least = known.get(name);
  if (least === undefined) {
    const guess = nearest(name, [...known.keys()]);
    throw new InvalidArgumentError(guess ? `Did you mean ${guess}?` : `It should be one of ${[...known.keys()].join(", ")}.`);
  }
  if (!/^\d+$/.test(value) || !Number.isSafeInteger(Number(value)) || Number(value) < least)
    throw new InvalidArgumentError(`It should be a whole number from ${least}, which every device offers.`);
  return { ...previous, [name]: Number(value) };
}

export function shapeOption(): Option {
  return new Option("--shape <name=1x3x48x192>", "of a foreign network: the shape of an input whose dimensions are open").argParser(
    collect,
  );
}

export function fixOption(): Option {
  return new Option("--fix <name=x.npy>", "of a foreign network: an input that becomes a constant").argParser(collect);
}

export function jsonOption(): Option {
  return new Option("--json", "print JSON on stdout");
}

export function parseWhole(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw new InvalidArgumentError("It should be a whole number from 0.");
  return value;
}

export function parsePositive(text: string): number {
  const value = parseWhole(text);
  if (value === 0) throw new InvalidArgumentError("It should be at least 1.");
  return value;
}

export function parseNumbers(text: string): number[] {
  const values = text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  if (!values.every(Number.isFinite)) throw new InvalidArgumentError("It should be numbers with commas between them.");
  return values;
}

/** For an option that may be given several times. */
export function collect(text: string, previous: readonly string[] = []): string[] {
  return [...previous, text];
}

/** Lines under "Examples:", after a command's options. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join("\n")}`;
}
