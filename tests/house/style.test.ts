/** Habits that a tool can hold: types, format, lint, sizes, names, generated files. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../support.ts";

function node(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  return status === 0 ? "" : `${stdout}${stderr}`;
}

const sources = ["src", "tests", "scripts"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(ts|mjs)$/.test(name))
    .map((name) => `${folder}/${name}`),
);
/** Written by scripts from other files. */
const generated = ["src/library/sources.ts", "src/runtime/text.ts"];

test("types", () => {
  expect(node("node_modules/typescript/bin/tsc", "--noEmit")).toBe("");
});

test("format and lint", () => {
  expect(node("node_modules/@biomejs/biome/bin/biome", "check", "src", "tests", "scripts", "vitest.config.ts")).toBe("");
});

test("generated files are what their sources say", () => {
  expect(node("scripts/library.mjs", "--check")).toBe("");
  expect(node("scripts/runtime.mjs", "--check")).toBe("");
});

test("no file is longer than 400 lines", () => {
  const long = sources.filter((file) => !generated.includes(file) && readFileSync(join(root, file), "utf8").split("\n").length > 401);
  expect(long).toEqual([]);
});

test("files are named in snake_case, and those of the compiler say what they are", () => {
  const odd = sources.filter((file) => !/^[a-z0-9_]+(\.test|\.browser)?\.(ts|mjs)$/.test(basename(file)) && !file.endsWith(".build.json"));
  expect(odd).toEqual([]);
  const silent = sources.filter(
    (file) =>
      !file.startsWith("tests/") && !generated.includes(file) && !/^(#!.*\n)?\s*(\/\*\*|\/\/)/.test(readFileSync(join(root, file), "utf8")),
  );
  expect(silent).toEqual([]);
});

test("what ships names no machine and no registry", () => {
  const files = [...sources, "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "package-lock.json", ".ci/run"];
  const named = files.filter(
    (file) => file !== "tests/house/style.test.ts" && /\/work\/|registry\.npmjs|resolved"/.test(readFileSync(join(root, file), "utf8")),
  );
  expect(named).toEqual([]);
});
