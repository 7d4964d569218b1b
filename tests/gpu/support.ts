/** Programs on the drivers of this machine, judged by the bound of docs/numbers.md. */
import type { Compiled } from "../../src/compile.ts";
import type { Tensors, Weights } from "../../src/pipeline/execute.ts";
import type { VerifyReport } from "../../src/pipeline/verify.ts";
import { type RunShaders, verifyShaders } from "../../src/pipeline/verify_shaders.ts";
import { type Driver, drivers, hasDriver, openDriver } from "./dawn.ts";

/** Every driver that is here; `seconds` is the most that one job may take. */
export function openDrivers(seconds?: number): Driver[] {
  return drivers.filter(hasDriver).map((name) => openDriver(name, seconds));
}

export async function closeAll(opened: readonly Driver[]): Promise<void> {
  for (const driver of opened) await driver.close();
}

/** What is wrong with a program on a driver, or undefined. `endToEnd` is false where a step may turn a small error into a whole one. */
export async function failureOn(
  driver: Driver,
  compiled: Compiled,
  weights: Weights,
  inputs: Tensors,
  endToEnd = true,
): Promise<string | undefined> {
  return (await judgeOn(driver, compiled, weights, inputs, endToEnd)).failure;
}

/** The same, with the outputs. */
export async function judgeOn(
  driver: Driver,
  compiled: Compiled,
  weights: Weights,
  inputs: Tensors,
  endToEnd = true,
): Promise<{ readonly outputs: Tensors; readonly failure: string | undefined }> {
  const runs: Tensors[] = [];
  const run: RunShaders = async (...given) => {
    const outputs = await driver.run(...given);
    runs.push(outputs);
    return outputs;
  };
  const { value: report, diagnostics } = await verifyShaders(compiled, weights, run, { inputs });
  const failure = report ? failureOf(driver, report, endToEnd) : diagnostics.map(({ message }) => message).join("\n");
  return { outputs: runs[0] ?? new Map(), failure };
}

function failureOf(driver: Driver, report: VerifyReport, endToEnd: boolean): string | undefined {
  const layers = report.layers.filter(({ ok }) => !ok);
  const outputs = endToEnd ? report.outputs.filter(({ ok }) => !ok) : [];
  if (layers.length + outputs.length === 0) return undefined;
  const wrong = [
    ...layers.map(({ name, ratio, error }) => `layer ${name} is ${ratio} times its bound away (${error})`),
    ...outputs.map(({ name, error }) => `output ${name} is ${error} away, end to end`),
  ];
  return `${driver.name}: ${wrong.join("; ")}`;
}
