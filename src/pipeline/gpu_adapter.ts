/** What an adapter is called, and whether it is one at all or a program on the processor, whose times say nothing of a GPU's. */

export type AdapterWords = { readonly name: string; readonly isSoftware: boolean };

export function describeAdapter({ vendor, architecture, device, description, isFallbackAdapter }: GPUAdapterInfo): AdapterWords {
  const name = (description || device || `${vendor} ${architecture}`).replace(/\s+/g, " ").trim();
  return { name, isSoftware: isFallbackAdapter || /llvmpipe|swiftshader/i.test(name) };
}
