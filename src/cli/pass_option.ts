/** Naming levels and passes on the command line. */

import { InvalidArgumentError } from "commander";
import type { Level } from "../ir/level_program.ts";
import { levelOf, passNames, passNamesFor, type Target } from "../pipeline/passes.ts";
import { nearest } from "../support/nearest.ts";

export const levels: readonly Level[] = ["nn", "tensor", "loop", "kernel", "shader"];

export function parsePass(text: string): string {
  if (passNames.includes(text)) return text;
  const similar = nearest(text, passNames);
  throw new InvalidArgumentError(
    `There is no such pass${similar ? `; did you mean ${similar}?` : "."}\nThe passes are, in order:\n${passList()}`,
  );
}

export function passList(): string {
  return passNames.map((name) => `  ${name}`).join("\n");
}

/** The last pass of a level: what its text has behind it where nothing else is said. */
export function lastPass(level: Level): string {
  const names = level === "shader" ? passNamesFor("webgpu") : passNames;
  return names.findLast((pass) => levelOf(pass) === level) ?? "";
}

/** The pass itself, or the last of its level where the target has no such pass. */
export function passOn(target: Target, pass: string): string {
  const names = passNamesFor(target);
  return names.includes(pass) ? pass : (names.findLast((name) => levelOf(name) === levelOf(pass)) ?? pass);
}

/** A level stands for its last pass. */
export function parseLevelOrPass(text: string): string {
  const level = levels.find((name) => name === text);
  return level ? lastPass(level) : parsePass(text);
}
