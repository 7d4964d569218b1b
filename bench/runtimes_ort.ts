/** Files of ONNX, run by ONNX Runtime's native code in this process. */
import { InferenceSession, Tensor as OrtTensor, type TypedTensor } from "onnxruntime-node";
import type { DType } from "../src/ir/dtype.ts";
import type { Tensor } from "../tests/operators/tensors.ts";
import type { Given, Ran } from "./runtime_case.ts";

/** As the file says, without a rewriting of the graph. */
const options: InferenceSession.SessionOptions = {
  executionProviders: ["cpu"],
  graphOptimizationLevel: "disabled",
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  logSeverityLevel: 4,
};

/** The outputs in the graph's order, or what the runtime says. */
export async function runOnnx({ files, inputs }: Given): Promise<Ran> {
  const [model = new Uint8Array()] = files.values();
  try {
    const session = await InferenceSession.create(model, options);
    const results = await session.run(Object.fromEntries([...inputs].map(([name, given]) => [name, tensorOf(given)])));
    return { outputs: session.outputNames.map((name) => outputOf(results[name])) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

const makers: { readonly [dtype in DType]?: (shape: number[], data: readonly number[]) => OrtTensor } = {
  f32: (shape, data) => new OrtTensor("float32", Float32Array.from(data), shape),
  i32: (shape, data) => new OrtTensor("int32", Int32Array.from(data), shape),
  i8: (shape, data) => new OrtTensor("int8", Int8Array.from(data), shape),
  u8: (shape, data) => new OrtTensor("uint8", Uint8Array.from(data), shape),
  i64: (shape, data) => new OrtTensor("int64", BigInt64Array.from(data, BigInt), shape),
  bool: (shape, data) => new OrtTensor("bool", Uint8Array.from(data), shape),
};

function tensorOf({ dtype, shape, data }: Tensor): OrtTensor {
  const make = makers[dtype];
  if (!make) throw new Error(`elements of ${dtype} are not supported here`);
  return make([...shape], data);
}

function outputOf(tensor: TypedTensor<OrtTensor.Type> | undefined): {
  readonly shape: readonly number[];
  readonly values: readonly number[];
} {
  if (!tensor || tensor.type === "string") throw new Error("an output is no tensor of numbers");
  return { shape: tensor.dims, values: Array.from(tensor.data as ArrayLike<number | bigint>, Number) };
}
