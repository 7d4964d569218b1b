/** NumPy's .npz files: an archive of .npy files, whose names are those of the arrays. */
import { type Checked, errorDiagnostic, hasErrors } from "../../support/diagnostic.ts";
import type { FileTensor } from "./element_types.ts";
import { parseNpy } from "./npy.ts";
import { readZip } from "./zip.ts";

/** All arrays by name, in the archive's order; `file` names the source in messages. */
export function parseNpz(bytes: Uint8Array, file: string): Checked<ReadonlyMap<string, FileTensor>> {
  const { value: members, diagnostics } = readZip(bytes, file);
  if (!members) return { diagnostics };
  const read = [...members].map(([name, content]) => {
    const array = /^(.+)\.npy$/s.exec(name)?.[1];
    if (array === undefined) return { name, diagnostics: [errorDiagnostic("npz", `${file}: the member \`${name}\` is no .npy file`)] };
    return { name: array, ...parseNpy(content, `${file}: ${array}`) };
  });
  const found = read.flatMap((one) => one.diagnostics);
  if (hasErrors(found)) return { diagnostics: found };
  return {
    value: new Map(read.flatMap((one) => ("value" in one && one.value ? [[one.name, one.value] as const] : []))),
    diagnostics: found,
  };
}
