/** parseLevel: the text of any level; its first line says which. */
import type { LevelProgram } from "../../ir/level_program.ts";
import type { Checked } from "../../support/diagnostic.ts";
import { type Level, takeHeader } from "./buffers.ts";
import { parseKernel } from "./kernel.ts";
import { parseLoop } from "./loop.ts";
import { parseNn } from "./nn.ts";
import { parseShader } from "./shader.ts";
import { parseTensor } from "./tensor.ts";
import { createCursor, finish } from "./tokens.ts";

export function parseLevel(text: string, file: string): Checked<LevelProgram> {
  const { value: level, diagnostics } = levelOf(text, file);
  if (!level) return { diagnostics };
  switch (level) {
    case "nn":
      return labelled(parseNn(text, file), (program) => ({ level: "nn", program }));
    case "tensor":
      return labelled(parseTensor(text, file), (program) => ({ level: "tensor", program }));
    case "loop":
      return labelled(parseLoop(text, file), (program) => ({ level: "loop", program }));
    case "kernel":
      return labelled(parseKernel(text, file), (program) => ({ level: "kernel", program }));
    case "shader":
      return labelled(parseShader(text, file), (program) => ({ level: "shader", program }));
  }
}

/** Only the first line with something on it is looked at. */
function levelOf(text: string, file: string): Checked<Level> {
  const header = /^(?:[ \t\r]*(?:#[^\n]*)?\n)*[^\n]*/.exec(text);
  const cursor = createCursor(text, file, header?.[0].length ?? 0);
  return finish(cursor, takeHeader(cursor));
}

function labelled<T>(parsed: Checked<T>, label: (program: T) => LevelProgram): Checked<LevelProgram> {
  return parsed.value === undefined ? { diagnostics: parsed.diagnostics } : { ...parsed, value: label(parsed.value) };
}
