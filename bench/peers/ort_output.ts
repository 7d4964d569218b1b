/** The one output of a session of ONNX Runtime. */

export function firstOutput(outputs: { readonly [name: string]: { readonly data: unknown } }): Float32Array {
  const [output] = Object.values(outputs);
  if (!(output?.data instanceof Float32Array)) throw new Error("the model gave no output of floats");
  return output.data;
}
