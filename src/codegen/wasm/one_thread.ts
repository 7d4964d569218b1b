/** A barrier is for the invocations of a shader: one thread runs a kernel of WebAssembly, and the verifier lets no barrier get here. */
export function oneThread(): never {
  throw new Error("internal error: a kernel for WebAssembly has its invocations meet, and one thread runs it");
}
