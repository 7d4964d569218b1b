/** The compiler of another checkout, with its default schedules: what has been gained since. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Network } from "./networks.ts";

export type Earlier = {
  /** Of the network as it stands here, for WebAssembly: the files that the earlier `quern build --schedule default` writes. */
  filesOf(network: Network): readonly { readonly name: string; readonly contents: Uint8Array | string }[];
};

type Compiler = typeof import("../src/compile.ts");
type Modules = typeof import("../src/pipeline/build_module.ts");
type Execution = typeof import("../src/pipeline/execute.ts");

/** Rejects where `folder` is no checkout of Quern that can run. */
export async function earlierIn(folder: string): Promise<Earlier> {
  const load = (path: string) => import(pathToFileURL(join(resolve(folder), "src", path)).href);
  if (!existsSync(join(folder, "src/compile.ts")))
    throw new Error(`${folder} has no src/compile.ts: name a checkout of Quern with --earlier`);
  const [{ compile }, { moduleFiles }, { buildModule }]: [Compiler, Modules, Execution] = await Promise.all([
    load("compile.ts"),
    load("pipeline/build_module.ts"),
    load("pipeline/execute.ts"),
  ]);
  return {
    filesOf({ name, sources, weights }) {
      const { value } = compile(sources, { target: "wasm" });
      if (!value) throw new Error(`the checkout in ${folder} does not compile ${name}`);
      return moduleFiles(buildModule(value, weights), value);
    },
  };
}
