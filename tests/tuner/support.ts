/** Models with several workloads, and runs of the stand-in measurer on them. */
import type { Compiled } from "../../src/compile.ts";
import type { LogRecord } from "../../src/tuner/log.ts";
import { networkOf } from "../../src/tuner/plans.ts";
import { createStandIn } from "../../src/tuner/stand_in.ts";
import { type Mismatch, type Tuned, type TuneOptions, tune } from "../../src/tuner/tune.ts";
import { compileText } from "../support.ts";

/** Three convolutions, of which two are equal (2x3, for which no rule offers another algorithm), a depthwise one whose rows no tile divides, pooling, and a dense layer. */
export const source = `
model small(image: f32[1, 13, 13, 8]) -> y: f32[1, 12] {
  image
    |> conv2d(@a: [2, 3, 8, 8] = he_normal, pad: same) |> relu
    |> conv2d(@b: [2, 3, 8, 8] = he_normal, pad: same) |> relu
    |> conv2d(@e: [2, 3, 8, 8] = he_normal, pad: same) |> relu
    |> depthwise_conv2d(@c: [3, 3, 8, 1] = he_normal) |> relu6
    |> max_pool2d(window: [2, 2])
    |> global_avg_pool
    |> dense(@d.kernel: [8, 12] = he_normal, @d.bias: [12] = zeros)
}
`;

export function compileSmall(): Compiled {
  return compileText(source, "small.qn");
}

/** One convolution that Winograd's algorithms can compute too. */
export const choiceSource = `
model choice(image: f32[1, 10, 10, 16]) -> y: f32[1, 10, 10, 16] {
  image |> conv2d(@a: [3, 3, 16, 16] = he_normal, pad: same) |> relu
}
`;

/** Two layers of which the default computes one while it computes the other. */
export const pairSource = `
model m(x: f32[1, 112, 112, 32]) -> y: f32[1, 112, 112, 16] {
  x |> depthwise_conv2d(@k: [3, 3, 32, 1] = he_normal, pad: same) |> conv2d(@w: [1, 1, 32, 16] = he_normal) |> relu6
}
`;

export type Run = { readonly result: Tuned | Mismatch; readonly records: LogRecord[] };

export async function runStandIn(
  compiled: Compiled,
  options: Partial<TuneOptions> = {},
  measurer = createStandIn("quern test"),
): Promise<Run> {
  const records: LogRecord[] = [...(options.resumed ?? [])];
  const result = await tune(networkOf(compiled), compiled.module.sketches, measurer, {
    model: compiled.name,
    seed: 1,
    budget: { trials: 150 },
    strategy: "evolutionary",
    earlier: [],
    resumed: [],
    append: (record) => void records.push(record),
    progress: () => {},
    isCancelled: () => false,
    ...options,
  });
  return { result, records };
}

export function tunedOf({ result }: Run): Tuned {
  if (result.kind !== "tuned") throw new Error(`the run ended with a mismatch in ${result.workload.key}`);
  return result;
}
