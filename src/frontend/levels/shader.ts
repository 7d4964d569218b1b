/** parseShader: the text of the kernel level's form for GPUs; see `src/ir/print_shader.ts`. */
import type { DType } from "../../ir/dtype.ts";
import type { KernelProgram, KernelStatement, KernelType } from "../../ir/kernel.ts";
import type { NnOutput } from "../../ir/nn.ts";
import {
  type Arena,
  type Dispatch,
  type Extents,
  gridOf,
  type Shader,
  type ShaderArray,
  type ShaderPlacement,
  type ShaderProgram,
} from "../../ir/shader.ts";
import type { Checked, Diagnostic } from "../../support/diagnostic.ts";
import { interfaceItems, requireName, takeBraced, takeHeader, takeItems, takeTrace, takeType } from "./buffers.ts";
import { takeDType } from "./expr.ts";
import { type KernelScope, parseKernel, takeBytes, takeParameters, takeStatement } from "./kernel.ts";
import {
  at,
  type Cursor,
  createCursor,
  eat,
  failAt,
  finish,
  recover,
  take,
  takeInteger,
  takeList,
  takeName,
  takeString,
  takeWord,
} from "./tokens.ts";

export function parseShader(text: string, file: string): Checked<ShaderProgram> {
  const line = /^build[ \t]*(?:\r?\n|$)/m.exec(text);
  const cursor = createCursor(text, file, line?.index ?? text.length);
  if (!takeHeader(cursor, "shader")) return { diagnostics: cursor.diagnostics };
  const shared: { name: string | undefined; inputs: string[]; outputs: NnOutput[] } = { name: undefined, inputs: [], outputs: [] };
  const arenas: Arena[] = [];
  const placements: ShaderPlacement[] = [];
  const dispatches: Dispatch[] = [];
  const shaders: Shader[] = [];
  takeItems(cursor, {
    ...interfaceItems(cursor, shared),
    arena: () => {
      arenas.push({ name: takeName(cursor), bytes: takeInteger(cursor, 0, "a number of bytes") });
    },
    place: () => {
      placements.push(takePlacement(cursor));
    },
    dispatch: () => {
      dispatches.push(takeDispatch(cursor));
    },
    shader: () => {
      shaders.push(takeShader(cursor));
    },
  });
  const build = line ? takeBuild(text, file, line.index + line[0].length, cursor.diagnostics) : undefined;
  const program = recover(cursor, () => {
    const name = requireName(cursor, shared.name);
    if (!build)
      return failAt(
        cursor,
        "missing-build",
        "the text does not say how the weights are made",
        0,
        "write the line `build` and kernels after it",
      );
    const { inputs, outputs } = shared;
    return { name, inputs, outputs, arenas, placements, dispatches, shaders, build };
  });
  return finish(cursor, program);
}

/** Parsed in place: what stands before is blanked, so that spans are those of the whole text. */
function takeBuild(text: string, file: string, start: number, diagnostics: Diagnostic[]): KernelProgram | undefined {
  const { value, diagnostics: found } = parseKernel(text.slice(0, start).replace(/[^\n]/g, " ") + text.slice(start), file);
  diagnostics.push(...found);
  return value;
}

function takePlacement(cursor: Cursor): ShaderPlacement {
  const buffer = takeName(cursor);
  take(cursor, ":");
  const type = takeType(cursor);
  take(cursor, "in");
  const place = { arena: takeName(cursor, "an arena"), offset: takeBytes(cursor, "at"), bytes: takeBytes(cursor, "bytes") };
  const packs = eat(cursor, "packs") ? takeList(cursor, "[", "]", () => takeName(cursor)) : undefined;
  return { buffer, ...type, ...place, ...(packs ? { packs } : {}) };
}

function takeDispatch(cursor: Cursor): Dispatch {
  const shader = takeName(cursor, "a shader");
  const given = takeList(cursor, "(", ")", () => takeName(cursor));
  take(cursor, "nest");
  const nest = takeName(cursor);
  const subgroups = eat(cursor, "subgroups") ? takeName(cursor, "a shader") : undefined;
  return { shader, nest, arguments: given, ...(subgroups === undefined ? {} : { subgroups }) };
}

function takeShader(cursor: Cursor): Shader {
  const name = takeName(cursor);
  const parameters = takeParameters(cursor);
  const workgroup = takeExtents(cursor, "workgroup");
  const grid = takeExtents(cursor, "grid");
  const buffers = new Map(parameters.map((parameter): [string, DType] => [parameter.name, parameter.dtype]));
  const registers = new Map(gridOf({ workgroup, grid }).map(({ register }): [string, KernelType] => [register, "i32"]));
  const scope: KernelScope = { buffers, registers };
  let head: { workload: string; trace: readonly string[]; arrays: readonly ShaderArray[] } | undefined;
  const body: KernelStatement[] = [];
  takeBraced(cursor, () => {
    if (!head) {
      const workload = eat(cursor, "workload") ? takeString(cursor) : "";
      const trace = takeTrace(cursor);
      const arrays: ShaderArray[] = [];
      while (eat(cursor, "array")) arrays.push(takeArray(cursor));
      for (const array of arrays) buffers.set(array.name, array.dtype);
      head = { workload, trace, arrays };
    }
    if (!at(cursor, "}")) body.push(takeStatement(cursor, scope));
  });
  return { name, ...(head ?? { workload: "", trace: [], arrays: [] }), parameters, workgroup, grid, body };
}

function takeExtents(cursor: Cursor, word: string): Extents {
  take(cursor, word);
  const next = () => takeInteger(cursor, 0, "an extent");
  const x = next();
  take(cursor, ",");
  const y = next();
  take(cursor, ",");
  return [x, y, next()];
}

function takeArray(cursor: Cursor): ShaderArray {
  const name = takeName(cursor);
  take(cursor, ":");
  const dtype = takeDType(cursor);
  const [elements = 0] = takeList(cursor, "[", "]", () => takeInteger(cursor, 0, "a number of elements"));
  return { name, dtype, elements, space: takeWord(cursor, ["private", "workgroup"]) };
}
