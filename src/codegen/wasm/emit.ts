/** emitWasm: kernels as a WebAssembly module, through binaryen. Addresses of buffers are arguments of the kernels and constants of the calls. */
import binaryen from "binaryen";
import type { KernelCall, KernelProgram, KernelType } from "../../ir/kernel.ts";
import { invariant, unreachable } from "../../support/invariant.ts";
import { type Emitter, emitExpr, storeElement } from "./emit_expr.ts";
import { baseName, type WasmFunction, type WasmStatement } from "./function.ts";
import { addHelpers } from "./helpers.ts";
import { shareCode } from "./share_code.ts";
import type { Ref } from "./spelling.ts";

export type EmitOptions = {
  /** Fused or unfused multiply-add, the engine's choice; an engine without relaxed SIMD rejects the module. */
  readonly relaxed: boolean;
  /**
   * `run`: what ships, which warms its code up as it is instantiated. `weights`: only `build()`, which computes derived weights. `build`: both. `steps`: every call on its own,
   * `step0`, `step1`, ...
   */
  readonly calls: "run" | "weights" | "build" | "steps";
  /** Imports `host.memory`, which was made with a maximum of 65536 pages, in place of a memory of its own. It is exported all the same. */
  readonly importsMemory?: boolean;
  /** Statements that a function shared between kernels executes at least. Infinity shares nothing. */
  readonly leastShared?: number;
  /** Whether rows have pointers of their own where functions are shared (`SharingOptions`); without it, if `relaxed`. */
  readonly separatePointers?: boolean;
};

export type EmittedModule = { readonly bytes: Uint8Array; text(): string };

const pageBytes = 65536;

/** Where a module that imports its memory finds it: of as many pages as it needs or more, with this limit. */
const importedMemory = { module: "host", name: "memory", maximum: 65536 } as const;

export function pagesFor(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / pageBytes));
}

export function emitWasm(program: KernelProgram, options: EmitOptions): EmittedModule {
  const module = new binaryen.Module();
  try {
    fillModule(module, program, options);
    const bytes = module.emitBinary();
    return { bytes, text: () => textOf(bytes, program) };
  } finally {
    module.dispose();
  }
}

/** The WAT of an emitted module, each function under its kernel's trace. */
function textOf(bytes: Uint8Array, program: KernelProgram): string {
  const module = binaryen.readBinary(bytes);
  try {
    const traces = program.kernels.map((kernel) => `;; ${kernel.name}${kernel.trace.length > 0 ? `: ${kernel.trace.join("; ")}` : ""}`);
    return `${traces.join("\n")}\n${module.emitText()}`;
  } finally {
    module.dispose();
  }
}

function fillModule(
  module: binaryen.Module,
  program: KernelProgram,
  { relaxed, calls, leastShared, separatePointers = relaxed, importsMemory = false }: EmitOptions,
): void {
  const features = binaryen.Features.SIMD128 | binaryen.Features.NontrappingFPToInt;
  module.setFeatures(relaxed ? features | binaryen.Features.RelaxedSIMD : features);
  const pages = pagesFor(calls === "run" ? program.runBytes : program.buildBytes);
  module.setMemory(pages, importsMemory ? importedMemory.maximum : pages, "memory");
  if (importsMemory) module.addMemoryImport("0", importedMemory.module, importedMemory.name);
  const only = calls === "run" ? "run" : calls === "weights" ? "build" : undefined;
  const made = program.calls.filter((call) => only === undefined || call.phase === only);
  const used = new Set(made.map((call) => call.kernel));
  const helpers = addHelpers(module);
  const kernels = program.kernels.filter((kernel) => used.has(kernel.name));
  const { functions, warmUp } = shareCode(kernels, functionName, { separate: separatePointers, least: leastShared });
  for (const made of functions) addFunction(module, made, relaxed, helpers);
  if (calls === "run" && warmUp.length > 0)
    module.setStart(addFunction(module, { name: "warm up", parameters: [], body: warmUp }, relaxed, helpers));
  const offsets = new Map(program.placements.map((placement) => [placement.buffer, placement.offset]));
  const emitCall = (call: KernelCall): Ref => {
    const args = call.arguments.map((buffer) => module.i32.const(offsets.get(buffer) ?? 0));
    return module.call(functionName(call.kernel), args, binaryen.none);
  };
  const phase = (name: KernelCall["phase"]) => made.filter((call) => call.phase === name).map(emitCall);
  if (calls === "steps") for (const [i, call] of made.entries()) exportFunction(module, `step${i}`, [emitCall(call)]);
  else {
    if (calls !== "weights") exportFunction(module, "run", phase("run"));
    if (calls !== "run") exportFunction(module, "build", phase("build"));
  }
  helpers.finish();
}

function exportFunction(module: binaryen.Module, name: string, body: readonly Ref[]): void {
  module.addFunction(name, binaryen.none, binaryen.none, [], module.block(null, body, binaryen.none));
  module.addFunctionExport(name, name);
}

function functionName(kernel: string): string {
  return `kernel ${kernel}`;
}

export const wasmTypes: { readonly [type in KernelType]: number } = {
  i32: binaryen.i32,
  f32: binaryen.f32,
  f64: binaryen.f64,
  i32x4: binaryen.v128,
  f32x4: binaryen.v128,
};

function addFunction(module: binaryen.Module, made: WasmFunction, relaxed: boolean, helpers: Emitter["helpers"]): number {
  const locals = new Map<string, { index: number; type: KernelType }>();
  const declare = (name: string, type: KernelType) => {
    if (!locals.has(name)) locals.set(name, { index: locals.size, type });
  };
  for (const { name, type } of made.parameters) declare(name, type);
  declareLocals(made.body, declare);
  const localOf = (name: string) => {
    const local = locals.get(name);
    invariant(local, `register ${name} is never set in ${made.name}`);
    return local;
  };
  const local = (name: string): Ref => {
    const { index, type } = localOf(name);
    return module.local.get(index, wasmTypes[type]);
  };
  const emitter: Emitter = { module, relaxed, helpers, local, base: (buffer) => local(baseName(buffer)) };
  let labels = 0;
  const block = (statements: readonly WasmStatement[]): Ref => module.block(null, statements.map(emit), binaryen.none);
  const body = block(made.body);
  const types = [...locals.values()].map(({ type }) => wasmTypes[type]);
  const count = made.parameters.length;
  return module.addFunction(made.name, binaryen.createType(types.slice(0, count)), binaryen.none, types.slice(count), body);

  function emit(statement: WasmStatement): Ref {
    switch (statement.kind) {
      case "set":
        return module.local.set(localOf(statement.name).index, emitExpr(statement.value, emitter));
      case "store":
        return storeElement(statement, emitter);
      case "call": {
        const args = statement.arguments.map((argument) => emitExpr(argument, emitter));
        return module.call(statement.function, args, binaryen.none);
      }
      case "if": {
        const condition = emitExpr(statement.condition, emitter);
        if (statement.otherwise.length === 0) return module.if(condition, block(statement.whenTrue));
        return module.if(condition, block(statement.whenTrue), block(statement.otherwise));
      }
      case "repeat": {
        const label = `loop${labels++}`;
        const again = module.i32.ne(local(statement.register), emitExpr(statement.limit, emitter));
        return module.loop(label, module.block(null, [block(statement.body), module.br_if(label, again)], binaryen.none));
      }
      default:
        return unreachable(statement);
    }
  }
}

function declareLocals(statements: readonly WasmStatement[], declare: (name: string, type: KernelType) => void): void {
  for (const statement of statements) {
    if (statement.kind === "set") declare(statement.name, statement.type);
    else if (statement.kind === "repeat") declareLocals(statement.body, declare);
    else if (statement.kind === "if") {
      declareLocals(statement.whenTrue, declare);
      declareLocals(statement.otherwise, declare);
    }
  }
}
