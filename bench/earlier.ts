/** The compiler of another checkout, with its default schedules: what has been gained since. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Network } from "./networks.ts";

export type Earlier = {
  /** The commit and its day, as far as Git knows them. */
  readonly commit: string;
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
  const { status, stdout } = spawnSync("git", ["-C", folder, "log", "-1", "--format=%h of %cs"], { encoding: "utf8" });
  return {
    commit: status === 0 ? stdout.trim() : "unknown",
    filesOf({ name, sources, weights }) {
      const { value } = compile(sources, { target: "wasm" });
      if (!value) throw new Error(`the checkout in ${folder} does not compile ${name}`);
      return moduleFiles(buildModule(value, weights), value);
    },
  };
}
