/** Files of TensorFlow.js, run by TensorFlow.js itself in this process, on its backend in plain JavaScript, which has every operator. */
import "@tensorflow/tfjs-backend-cpu";
import { loadGraphModel } from "@tensorflow/tfjs-converter";
import { env, setBackend, type Tensor, tensor } from "@tensorflow/tfjs-core";
import type { Given, Ran } from "./runtime_case.ts";

/** The outputs in the signature's order, or what the runtime says. */
export async function runTfjs({ files, inputs }: Given): Promise<Ran> {
  env().set("IS_TEST", true);
  await setBackend("cpu");
  try {
    const [main, ...shards] = [...files.values()];
    const { weightsManifest, ...text } = JSON.parse(new TextDecoder().decode(main));
    const bytes = Uint8Array.from(shards.flatMap((shard) => [...shard]));
    const weightSpecs = weightsManifest.flatMap(({ weights }: { weights: unknown[] }) => weights);
    const model = await loadGraphModel({ load: async () => ({ ...text, weightSpecs, weightData: bytes.buffer }) });
    const given = Object.fromEntries(
      [...inputs].map(([name, { dtype, shape, data }]) => [
        name,
        tensor([...data], [...shape], dtype === "f32" ? "float32" : dtype === "bool" ? "bool" : "int32"),
      ]),
    );
    const results = model.execute(
      given,
      Object.values<{ name: string }>(text.signature.outputs).map(({ name }) => name),
    );
    const tensors: Tensor[] = Array.isArray(results) ? results : [results];
    return {
      outputs: await Promise.all(tensors.map(async (result) => ({ shape: result.shape, values: Array.from(await result.data()) }))),
    };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}
